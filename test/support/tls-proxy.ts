/**
 * A proxy that speaks TLS with its clients and plainly with the server behind it, with a certificate of an unknown authority:
 * for tests of encryption to servers that have none, or one of their own. Needs the program `openssl`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { openTcpProxy, relayUnchanged, type TcpProxy } from './tcp-proxy.js';

export interface Certificate {
  /** Of the authority, which is the certificate itself. */
  readonly path: string;
  readonly context: SecureContext;
  remove(): void;
}

/** Valid for a day. Null where there is no openssl. */
export function createCertificate(host = 'localhost'): Certificate | null {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, path] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const { status } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-keyout', key, '-out', path],
    ],
    { stdio: 'ignore' },
  );
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (status !== 0) {
    remove();
    return null;
  }
  return { path, remove, context: createSecureContext({ key: readFileSync(key), cert: readFileSync(path) }) };
}

export interface TlsProxy extends Pick<TcpProxy, 'close'> {
  /** To be reached as `localhost`. */
  readonly port: number;
  /** Connections that were encrypted. */
  encrypted(): number;
}

/** PostgreSQL's clients ask in plain text whether they may encrypt: 8 bytes, answered by one. */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

/** @param options.asks the protocol asks before it encrypts, as PostgreSQL's does */
export async function openTlsProxy(
  certificate: Certificate,
  serverUrl: string,
  { asks = false }: { readonly asks?: boolean } = {},
): Promise<TlsProxy> {
  let encrypted = 0;
  const encrypt = (client: Socket, server: Socket): void => {
    const secure = new TLSSocket(client, { isServer: true, secureContext: certificate.context });
    secure.on('secure', () => {
      encrypted += 1;
    });
    relayUnchanged(secure, server);
  };
  const { port, close } = await openTcpProxy(serverUrl, (client, server) => {
    if (!asks) return encrypt(client, server);
    client.once('data', (asked) => {
      // A client that does not ask would go on plainly, and is refused here.
      if (asked.equals(SSL_REQUEST)) {
        client.write('S');
        encrypt(client, server);
        return;
      }
      client.destroy();
      server.destroy();
    });
  });
  return { port, close, encrypted: () => encrypted };
}
