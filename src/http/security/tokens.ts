/**
 * Who may: a token that is shown (`Authorization: Bearer`), or a session that was made of one. Compared in constant time, so
 * that answers do not say how much of a guess was right.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionRole } from '../../core/base/action.js';

export type Role = SessionRole;

export interface Tokens {
  readonly adminToken: string | null;
  readonly viewerToken: string | null;
}

/** Null: it is neither of them. */
export function roleOfToken(shown: string, { adminToken, viewerToken }: Tokens): Role | null {
  const isAdmin = isSame(shown, adminToken);
  const isViewer = isSame(shown, viewerToken);
  if (isAdmin) return 'admin';
  return isViewer ? 'viewer' : null;
}

function isSame(shown: string, token: string | null): boolean {
  // Of one length, whatever is shown.
  const digest = (text: string) => createHmac('sha256', 'stripe-blnk-sync compares tokens').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token ?? '')) && token !== null;
}

/** What follows `Bearer`; null when nothing was shown. */
export function shownToken(authorization: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]{1,1024}) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

export interface Signed {
  readonly role: Role;
  /** Seconds since 1970. */
  readonly until: number;
  /** What makes it another one than the last. */
  readonly nonce: string;
}

/** Whoever knows the token can make one; nobody can make one of another. Changing the token ends all sessions. */
export function signSession({ role, until, nonce }: Signed, tokens: Tokens): string {
  const text = `${role}.${until}.${nonce}`;
  return `${text}.${macOf('session', text, tokens)}`;
}

/** Null: it was not made with these tokens, or its time is over. */
export function readSession(text: string, { nowMs, ...tokens }: Tokens & { readonly nowMs: number }): Signed | null {
  const [, role, until, nonce, mac] = /^(admin|viewer)\.(\d{1,12})\.([\w-]{1,64})\.([\w-]{43})$/.exec(text) ?? [];
  if (role === undefined || until === undefined || nonce === undefined || mac === undefined) return null;
  if (!isMac(mac, macOf('session', `${role}.${until}.${nonce}`, tokens))) return null;
  if (Number(until) * 1_000 <= nowMs) return null;
  return { role: role as Role, until: Number(until), nonce };
}

/** What a link for one log-in ends with, and what is kept of it. */
export interface LinkSecret {
  readonly secret: string;
  readonly hash: string;
}

/** Signed, so that what a stranger makes up is refused before the database is asked. */
export function makeLinkSecret(tokens: Tokens): LinkSecret {
  const nonce = randomBytes(24).toString('base64url');
  const secret = `${nonce}.${macOf('link', nonce, tokens)}`;
  return { secret, hash: hashOf(secret) };
}

/** The hash of it; null: it was not made with these tokens. */
export function readLinkSecret(secret: string, tokens: Tokens): string | null {
  const [, nonce, mac] = /^([\w-]{32})\.([\w-]{43})$/.exec(secret) ?? [];
  if (nonce === undefined || mac === undefined) return null;
  return isMac(mac, macOf('link', nonce, tokens)) ? hashOf(secret) : null;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Both have one length. */
function isMac(shown: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(shown), Buffer.from(expected));
}

function macOf(kind: 'session' | 'link', text: string, { adminToken, viewerToken }: Tokens): string {
  const key = createHmac('sha256', adminToken ?? '')
    .update(`${kind} ${viewerToken ?? ''}`)
    .digest();
  return createHmac('sha256', key).update(text).digest('base64url');
}
