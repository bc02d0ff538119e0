/**
 * A door that speaks TLS to whoever comes and plainly to a server behind it, with a certificate that nobody knows: for
 * tests of encryption to servers that have none, or one of their own. Needs the program `openssl`.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { portOf } from './own-server.js';

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

export interface TlsDoor {
  /** To be reached as `localhost`. */
  readonly port: number;
  /** Connections that were encrypted. */
  encrypted(): number;
  close(): Promise<void>;
}

/** PostgreSQL's clients ask in plain text whether they may encrypt: 8 bytes, answered by one. */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

/** @param target.asks the protocol asks before it encrypts, as PostgreSQL's does */
export async function openTlsDoor(
  certificate: Certificate,
  target: { readonly host: string; readonly port: number; readonly asks?: boolean },
): Promise<TlsDoor> {
  const sockets = new Set<Socket>();
  let encrypted = 0;
  const pass = (outer: Socket): void => {
    const secure = new TLSSocket(outer, { isServer: true, secureContext: certificate.context });
    const inner = connect({ host: target.host, port: target.port });
    sockets.add(inner);
    secure.on('secure', () => {
      encrypted += 1;
    });
    for (const [from, to] of [
      [secure, inner],
      [inner, secure],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  };
  const server = createServer((outer) => {
    sockets.add(outer);
    outer.on('error', () => outer.destroy());
    if (target.asks !== true) {
      pass(outer);
      return;
    }
    outer.once('data', (asked) => {
      // A client that does not ask would go on plainly, and is refused here.
      if (!asked.equals(SSL_REQUEST)) {
        outer.destroy();
        return;
      }
      outer.write('S');
      pass(outer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: portOf(server), encrypted: () => encrypted, close: () => closeAll(server, sockets) };
}

async function closeAll(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}
