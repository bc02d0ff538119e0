/** A link with which one person logs in once, instead of being told a token. */
import type { SessionRole } from '../core/base/action.js';
import { MINUTE_MS } from '../core/base/window.js';
import type { LoginLinkStore } from '../db/login/login-link-store.js';
import type { NoteActions } from './note-actions.js';

/** Long enough to hand it on, short enough that one in a chat is worth nothing later. */
const VALID_MS = 10 * MINUTE_MS;

export interface LoginLinkPorts {
  readonly links: Pick<LoginLinkStore, 'add'>;
  /** Where people reach the server, without a slash at the end. */
  readonly baseUrl: string;
  /** What the link ends with, and what is kept of it. */
  makeSecret(): { readonly secret: string; readonly hash: string };
  noteAs(name: string): NoteActions;
}

export interface LoginLink {
  readonly url: string;
  readonly role: SessionRole;
  readonly expiresAt: Date;
}

export async function makeLoginLink(
  { links, baseUrl, makeSecret, noteAs }: LoginLinkPorts,
  { role, by }: { readonly role: SessionRole; readonly by: string },
): Promise<LoginLink> {
  const { secret, hash } = makeSecret();
  const expiresAt = await links.add({ hash, role, madeBy: by, validMs: VALID_MS });
  const result = `a link was made, for one session as ${role} within ten minutes`;
  await noteAs(by)([{ kind: 'login_link', subject: shortHash(hash), why: null, result }]);
  return { url: `${baseUrl}/login/link/${secret}`, role, expiresAt };
}

/** By which what was made and what was used are found to be one. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}
