/** What a supervisor runs beside a worker: one request to its HTTP server, without opening anything else. */
import type { HomeConfig } from '../../config/config.js';
import type { HttpConfig } from '../../config/http.js';
import { describeError, SyncError } from '../../core/base/errors.js';

const ANSWERS_WITHIN_MS = 5_000;
/** Listened on by all addresses of a machine: asked at its own. */
const ANY = new Set(['0.0.0.0', '::']);

export async function askHealth({
  http,
}: Pick<HomeConfig, 'http'>): Promise<{ readonly isReady: boolean; readonly text: string }> {
  if (http === null) {
    throw new SyncError('HTTP_PORT is off, so nobody can be asked; allowed is a port', {
      kind: 'fatal',
      code: 'http_not_listening',
    });
  }
  const address = `${localUrl(http)}/health/ready`;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return { isReady: answer.ok, text: await answer.text() };
  } catch (error) {
    return { isReady: false, text: `nobody answers at ${address}: ${describeError(error)}` };
  }
}

/** Where this machine reaches its own server, without a slash at the end. */
export function localUrl({ host, port }: Pick<HttpConfig, 'host' | 'port'>): string {
  const name = ANY.has(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
