/**
 * Who may: a token that is shown (`Authorization: Bearer`), or a session that was made of one. Compared in constant time, so
 * that answers do not say how much of a guess was right.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** `admin` may read and change, `viewer` may read. */
export type Role = 'admin' | 'viewer';

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
  /** Of a link: what makes it another one than the last. */
  readonly nonce: string;
}

/** Whoever knows the token can make one; nobody can make one of another. Changing the token ends all sessions. */
export function sign(kind: 'session' | 'link', { role, until, nonce }: Signed, tokens: Tokens): string {
  const text = `${role}.${until}.${nonce}`;
  return `${text}.${macOf(kind, text, tokens)}`;
}

/** Null: it was not made with these tokens, or its time is over. */
export function readSigned(
  kind: 'session' | 'link',
  text: string,
  { nowMs, ...tokens }: Tokens & { readonly nowMs: number },
): Signed | null {
  const [, role, until, nonce, mac] = /^(admin|viewer)\.(\d{1,12})\.([\w-]{1,64})\.([\w-]{43})$/.exec(text) ?? [];
  if (role === undefined || until === undefined || nonce === undefined || mac === undefined) return null;
  const expected = macOf(kind, `${role}.${until}.${nonce}`, tokens);
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return null;
  if (Number(until) * 1_000 <= nowMs) return null;
  return { role: role as Role, until: Number(until), nonce };
}

function macOf(kind: string, text: string, { adminToken, viewerToken }: Tokens): string {
  const key = createHmac('sha256', adminToken ?? '')
    .update(`${kind} ${viewerToken ?? ''}`)
    .digest();
  return createHmac('sha256', key).update(text).digest('base64url');
}
