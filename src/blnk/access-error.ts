/**
 * The answers after which nothing can go on until a person changes the configuration: key, permission, address. They are
 * the same for every route, and each names the variable to look at. What a network in between refuses is none of them.
 */
import type { CodeOfKind } from '../core/base/error-codes.js';
import { SyncError } from '../core/base/errors.js';
import type { BlnkAnswer } from './answer.js';
import type { BlnkStyle, Route } from './routes.js';

/** Core's code for keys that had their time; the Cloud and OAuth gateways only say it in words. */
const EXPIRED = /expired/i;

/** Only an answer that names it is taken for one about what the key may do. */
const OF_PERMISSION = /\b(scopes?|permissions?)\b|permitted|insufficient_scope|INSUFFICIENT_PERMISSIONS/i;

/** What the Cloud answers of an instance that this key has not. */
const OF_INSTANCE = /\binstance\b.*\b(not found|unknown|does not exist)\b/i;

/** The Cloud counts every ledger, balance, transaction and identity against the plan. */
const OF_LIMIT = /\b(limit|quota)s?\b.*\b(reached|exceeded|exhausted)\b|\bexceed(s|ed)?\b.*\b(limit|quota)s?\b/i;

interface Asked {
  readonly route: Route;
  readonly style: BlnkStyle;
}

/** @returns null when the answer is not about access */
export function accessErrorOf(answer: BlnkAnswer, asked: Asked): SyncError | null {
  const { route } = asked;
  if (answer.status === 401) return keyRefused(answer, asked);
  if (answer.status === 403) return isBlocked(answer) || isLimit(answer) ? null : forbidden(answer, asked);
  if (isElsewhere(answer)) {
    if (asked.style === 'cloud' && OF_INSTANCE.test(answer.message)) return instanceUnknown(answer, route);
    const where = answer.location === null ? '' : ` (it points to ${answer.location})`;
    const instance = asked.style === 'cloud' ? ', BLNK_INSTANCE_ID' : '';
    return fatal(
      'blnk_route_missing',
      `There is no Blnk behind ${route.method} ${route.url}${where}; check BLNK_API_BASE, BLNK_API_STYLE (now ${asked.style})${instance}. It answered: ${answer.message}`,
    );
  }
  return null;
}

function instanceUnknown(answer: BlnkAnswer, route: Route): SyncError {
  return fatal(
    'blnk_route_missing',
    `Blnk does not know the instance in BLNK_INSTANCE_ID; copy its id from the Blnk dashboard. ${route.method} ${route.url} answered: ${answer.message}`,
  );
}

/** A page of somebody in between (a CDN, a firewall): Blnk has not said this, and it passes. */
export function isBlocked(answer: BlnkAnswer): boolean {
  return answer.status === 403 && answer.json === undefined;
}

/** Something is used up, as the records of a plan. It passes as well, once somebody raises it. */
export function isLimit(answer: BlnkAnswer): boolean {
  return (answer.status === 402 || answer.status === 403) && answer.json !== undefined && OF_LIMIT.test(answer.message);
}

/** What to report of an answer that names a limit. */
export function limitText({ message }: BlnkAnswer): string {
  return `Blnk says that a limit is reached; where it is one of the plan, raise it, and this goes on by itself. It answered: ${message}`;
}

function keyRefused(answer: BlnkAnswer, { route, style }: Asked): SyncError {
  const what = EXPIRED.test(answer.message)
    ? 'The key or token in BLNK_API_KEY has expired'
    : 'Blnk does not accept the key in BLNK_API_KEY';
  // What a Core answers to a Bearer token: it reads another header.
  const coreFound = style === 'cloud' && answer.code === 'AUTH_MISSING_API_KEY';
  const todo = coreFound
    ? 'this is a self-hosted Core: set BLNK_API_STYLE=core'
    : `put a valid one there, of what BLNK_API_STYLE (now ${style}) and BLNK_API_BASE name: the Cloud and each Core have keys of their own`;
  return fatal('blnk_key_refused', `${what}; ${todo}. ${route.method} ${route.url} answered: ${answer.message}`);
}

function forbidden(answer: BlnkAnswer, asked: Asked): SyncError {
  const { route, style } = asked;
  if (EXPIRED.test(answer.message)) return keyRefused(answer, asked);
  const said = `${route.method} ${route.url} answered: ${answer.message}`;
  if (answer.code !== null ? OF_PERMISSION.test(answer.code) : OF_PERMISSION.test(answer.message)) {
    const ofApp = style === 'cloud' ? appScope(route.scope) : null;
    const scope = ofApp === null ? route.scope : `${route.scope} (the key of a Custom App: ${ofApp})`;
    return fatal(
      'blnk_scope_missing',
      `The key in BLNK_API_KEY lacks the permission ${scope}; make a key that has it. ${said}`,
    );
  }
  const instance = style === 'cloud' ? 'the instance in BLNK_INSTANCE_ID' : 'this Core';
  return fatal(
    'blnk_forbidden',
    `Blnk refuses the key in BLNK_API_KEY, and does not say that a permission is missing; ask who runs ${instance} what stops it (a suspended account, a list of allowed addresses, a ledger that only reads). ${said}`,
  );
}

/** Keys of Custom Apps are granted `data:*` and `alerts:*` alone, and reach the proxy with these. */
function appScope(scope: string): string | null {
  return scope.startsWith('proxy:') ? scope.replace('proxy:', 'data:') : null;
}

/** Not Core's own "not found", which carries a code. A permanent redirect is an address that moved; redirects are not followed. */
function isElsewhere(answer: BlnkAnswer): boolean {
  if (answer.status === 404 || answer.status === 405) return answer.code === null;
  return answer.status === 301 || answer.status === 308;
}

function fatal(code: CodeOfKind<'fatal'>, message: string): SyncError {
  return new SyncError(message, { kind: 'fatal', code });
}
