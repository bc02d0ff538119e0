/**
 * Ways to a door: plainly, or one on which no request arrives. The certificate of the other host is one that this process
 * trusts, as NODE_EXTRA_CA_CERTS would have it trust; that variable is read before a test could set it.
 */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { type Certificate, createCertificate, openTlsDoor, type TlsDoor } from '../support/tls-door.js';
import type { Door } from './door.js';

export type Way = 'plain' | 'refused' | 'unknown_host' | 'untrusted' | 'other_host';

export interface Ways {
  /** The base URL by which the door is reached in this way. */
  urlOf(door: Door, way: Way): Promise<string>;
  /** The servers that were opened for the door are closed. */
  closeOf(door: Door): Promise<void>;
  close(): void;
}

/** Throws where the program openssl is missing: certificates cannot be made without it. */
export function openWays(): Ways {
  const untrusted = certificateFor('localhost');
  const ofOther = certificateFor('elsewhere.test');
  const forget = trust(ofOther);
  const opened = new Map<Door, TlsDoor[]>();
  const overTls = async (door: Door, certificate: Certificate): Promise<string> => {
    const secure = await openTlsDoor(certificate, { host: '127.0.0.1', port: door.port });
    opened.set(door, [...(opened.get(door) ?? []), secure]);
    return `https://localhost:${secure.port}`;
  };
  return {
    async urlOf(door, way) {
      switch (way) {
        case 'plain':
          return door.url;
        case 'refused':
          await door.shut();
          return door.url;
        case 'unknown_host':
          return `http://host.invalid:${door.port}`;
        case 'untrusted':
          return overTls(door, untrusted);
        case 'other_host':
          return overTls(door, ofOther);
        default:
          return way satisfies never;
      }
    },
    async closeOf(door) {
      await Promise.all((opened.get(door) ?? []).map((secure) => secure.close()));
      opened.delete(door);
    },
    close() {
      forget();
      untrusted.remove();
      ofOther.remove();
    },
  };
}

function certificateFor(host: string): Certificate {
  const made = createCertificate(host);
  if (made === null) throw new Error('the fault matrix needs the program openssl');
  return made;
}

/** Contexts that name no authority of their own know this one besides Node's. */
function trust({ path }: Certificate): () => void {
  const original = tls.createSecureContext;
  const ca = [...tls.rootCertificates, readFileSync(path, 'utf8')];
  let context: tls.SecureContext | undefined;
  tls.createSecureContext = (options = {}) => {
    if (options.ca !== undefined || options.cert !== undefined) return original(options);
    // Reading all authorities takes some 20 ms: once is enough.
    context ??= original({ ...options, ca });
    return context;
  };
  return () => {
    tls.createSecureContext = original;
  };
}
