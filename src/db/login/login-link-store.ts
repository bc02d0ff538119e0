/**
 * Links for one log-in each. What counts is the clock of the database, and that one statement uses a link up: of two at once one
 * wins.
 */
import { eq, sql } from 'drizzle-orm';
import type { SessionRole } from '../../core/base/action.js';
import type { Drizzle } from '../connection/open.js';
import { loginLinks } from '../schema/login-links.js';

export type LoginLinkUse =
  | { readonly kind: 'used'; readonly role: SessionRole; readonly madeBy: string }
  /** Somebody logged in with it before. */
  | { readonly kind: 'used_before'; readonly at: Date }
  | { readonly kind: 'expired'; readonly at: Date }
  | { readonly kind: 'unknown' };

export interface LoginLinkStore {
  /** Answers when it expires. Removes what nobody needs to be told about any more. */
  add(link: {
    readonly hash: string;
    readonly role: SessionRole;
    readonly madeBy: string;
    readonly validMs: number;
  }): Promise<Date>;
  use(hash: string): Promise<LoginLinkUse>;
}

/** Whoever follows an old link is told so, rather than that nobody knows it. */
const KEPT_AFTER = sql`interval '1 day'`;

export function createLoginLinkStore(db: Drizzle): LoginLinkStore {
  return {
    async add({ hash, role, madeBy, validMs }) {
      await db.delete(loginLinks).where(sql`${loginLinks.expiresAt} < now() - ${KEPT_AFTER}`);
      const expiresAt = sql`now() + ${validMs} * interval '1 millisecond'`;
      const [added] = await db
        .insert(loginLinks)
        .values({ hash, role, madeBy, expiresAt })
        .returning({ expiresAt: loginLinks.expiresAt });
      if (added === undefined) throw new Error('the link was not stored');
      return added.expiresAt;
    },

    async use(hash) {
      const [used] = await db
        .update(loginLinks)
        .set({ usedAt: sql`now()` })
        .where(sql`${loginLinks.hash} = ${hash} and ${loginLinks.usedAt} is null and ${loginLinks.expiresAt} > now()`)
        .returning({ role: loginLinks.role, madeBy: loginLinks.madeBy });
      if (used !== undefined) return { kind: 'used', ...used };
      const [known] = await db.select().from(loginLinks).where(eq(loginLinks.hash, hash));
      if (known === undefined) return { kind: 'unknown' };
      return known.usedAt === null
        ? { kind: 'expired', at: known.expiresAt }
        : { kind: 'used_before', at: known.usedAt };
    },
  };
}
