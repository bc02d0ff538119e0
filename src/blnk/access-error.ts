/**
 * The answers after which nothing can go on until a person changes the configuration: key, permission, address. They are
 * the same for every route, and each names the variable to look at.
 */
import { SyncError } from '../core/errors.js';
import type { BlnkAnswer } from './answer.js';
import type { BlnkStyle, Route } from './routes.js';

/** Core's code for keys that had their time; the Cloud and OAuth gateways only say it in words. */
const EXPIRED = /expired/i;

/** @returns null when the answer is not about access */
export function accessErrorOf(
  answer: BlnkAnswer,
  asked: { readonly route: Route; readonly style: BlnkStyle },
): SyncError | null {
  const { route } = asked;
  if (answer.status === 401 || (answer.status === 403 && EXPIRED.test(answer.message))) {
    const what = EXPIRED.test(answer.message)
      ? 'The key or token in BLNK_API_KEY has expired'
      : 'Blnk does not accept the key in BLNK_API_KEY';
    // What a Core says to a Bearer token: it reads another header.
    const coreFound = asked.style === 'cloud' && answer.code === 'AUTH_MISSING_API_KEY';
    const todo = coreFound ? 'this is a self-hosted Core: set BLNK_API_STYLE=core' : 'put a valid one there';
    return fatal('blnk_key_refused', `${what}; ${todo}. ${route.method} ${route.url} answered: ${answer.message}`);
  }
  if (answer.status === 403) {
    return fatal(
      'blnk_scope_missing',
      `The key in BLNK_API_KEY lacks the permission ${route.scope}; make a key that has it. ${route.method} ${route.url} answered: ${answer.message}`,
    );
  }
  if (isElsewhere(answer)) {
    const where = answer.location === null ? '' : ` (it points to ${answer.location})`;
    const instance = asked.style === 'cloud' ? ', BLNK_INSTANCE_ID' : '';
    return fatal(
      'blnk_route_missing',
      `There is no Blnk behind ${route.method} ${route.url}${where}; check BLNK_API_BASE, BLNK_API_STYLE (now ${asked.style})${instance}. It answered: ${answer.message}`,
    );
  }
  return null;
}

/** Not Core's own "not found", which carries a code. A permanent redirect is an address that moved; redirects are not followed. */
function isElsewhere(answer: BlnkAnswer): boolean {
  if (answer.status === 404 || answer.status === 405) return answer.code === null;
  return answer.status === 301 || answer.status === 308;
}

function fatal(code: string, message: string): SyncError {
  return new SyncError(message, { kind: 'fatal', code });
}
