/** Our own postings of a day, as the third side of a proof. Only reads, and states what is stored. */
import { and, gte, lt } from 'drizzle-orm';
import type { Window } from '../../core/base/window.js';
import { isPlansDismissal } from '../../core/repair/repair-plan.js';
import type { OwnSide } from '../../prove/ports.js';
import type { Drizzle } from '../connection/open.js';
import { postings, roleOf } from '../schema/postings.js';

export function createOwnSide(db: Drizzle): OwnSide {
  const within = ({ from, to }: Window) => and(gte(postings.effectiveAt, from), lt(postings.effectiveAt, to));
  return {
    countPostings: (window) => db.$count(postings, within(window)),

    async listPostings(window) {
      const rows = await db
        .select({
          reference: postings.reference,
          paymentId: postings.objectId,
          role: roleOf(),
          state: postings.state,
          reason: postings.reason,
          dismissedAt: postings.dismissedAt,
          dismissedBy: postings.dismissedBy,
          amount: postings.amount,
          currency: postings.currency,
          source: postings.source,
          destination: postings.destination,
          effectiveDate: postings.effectiveAt,
        })
        .from(postings)
        .where(within(window));
      return rows.map(({ dismissedAt, dismissedBy, ...row }) => {
        return { ...row, dismissed: dismissedAt !== null && !isPlansDismissal(dismissedBy) };
      });
    },
  };
}
