/**
 * Ways to a proxy: plainly, or one on which no request arrives. The certificate of the other host is one that this process
 * trusts, as NODE_EXTRA_CA_CERTS would have it trust; that variable is read before a test could set it.
 */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import type { HttpProxy } from '../support/http-proxy.js';
import { type Certificate, createCertificate, openTlsProxy, type TlsProxy } from '../support/tls-proxy.js';

export type Way = 'plain' | 'refused' | 'unknown_host' | 'untrusted' | 'other_host';

export interface Ways {
  /** The base URL by which the proxy is reached in this way. */
  urlOf(proxy: HttpProxy, way: Way): Promise<string>;
  /** The servers that were opened for the proxy are closed. */
  closeOf(proxy: HttpProxy): Promise<void>;
  close(): void;
}

/** Throws where the program openssl is missing: certificates cannot be made without it. */
export function openWays(): Ways {
  const untrusted = certificateFor('localhost');
  const ofOther = certificateFor('elsewhere.test');
  const forget = trust(ofOther);
  const opened = new Map<HttpProxy, TlsProxy[]>();
  const overTls = async (proxy: HttpProxy, certificate: Certificate): Promise<string> => {
    const secure = await openTlsProxy(certificate, proxy.url);
    opened.set(proxy, [...(opened.get(proxy) ?? []), secure]);
    return `https://localhost:${secure.port}`;
  };
  return {
    async urlOf(proxy, way) {
      switch (way) {
        case 'plain':
          return proxy.url;
        case 'refused':
          await proxy.close();
          return proxy.url;
        case 'unknown_host':
          return `http://host.invalid:${proxy.port}`;
        case 'untrusted':
          return overTls(proxy, untrusted);
        case 'other_host':
          return overTls(proxy, ofOther);
        default:
          return way satisfies never;
      }
    },
    async closeOf(proxy) {
      await Promise.all((opened.get(proxy) ?? []).map((secure) => secure.close()));
      opened.delete(proxy);
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
