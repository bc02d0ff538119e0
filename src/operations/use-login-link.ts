/** Uses up a link, and notes the session that it begins. */
import type { LoginLinkStore, LoginLinkUse } from '../db/login/login-link-store.js';
import { shortHash } from './make-login-link.js';
import type { NoteActions } from './note-actions.js';

export async function useLoginLink(
  { links, noteAs }: { readonly links: Pick<LoginLinkStore, 'use'>; noteAs(name: string): NoteActions },
  hash: string,
): Promise<LoginLinkUse> {
  const use = await links.use(hash);
  if (use.kind === 'used') {
    const result = `a session as ${use.role} began with a link of ${use.madeBy}`;
    await noteAs(use.role)([{ kind: 'login', subject: shortHash(hash), why: null, result }]);
  }
  return use;
}
