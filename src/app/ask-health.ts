/** What a supervisor runs beside a worker: one request to its HTTP server, without opening anything else. */
import type { HomeConfig } from '../config.js';
import { describeError, SyncError } from '../core/base/errors.js';

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
  const host = ANY.has(http.host) ? '127.0.0.1' : http.host;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${http.port}/health/ready`;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return { isReady: answer.ok, text: await answer.text() };
  } catch (error) {
    return { isReady: false, text: `nobody answers at ${address}: ${describeError(error)}` };
  }
}
