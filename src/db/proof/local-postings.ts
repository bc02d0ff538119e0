/** Our own postings of a day, as the third side of a proof. Only reads, and states what is stored. */
import { and, asc, gte, inArray, lt, sql } from 'drizzle-orm';
import type { Window } from '../../core/base/window.js';
import { isPlansDismissal } from '../../core/repair/repair-plan.js';
import type { OwnSide } from '../../prove/ports.js';
import type { Drizzle } from '../connection/open.js';
import { postings, roleOf } from '../schema/postings.js';

export function createOwnSide(db: Drizzle): OwnSide {
  const within = ({ from, to }: Window) => and(gte(postings.effectiveAt, from), lt(postings.effectiveAt, to));
  return {
    countPostings: (window) => db.$count(postings, within(window)),

    async *listPostings(window, after = null) {
      for (let from = after === null ? null : readPlace(after); ; ) {
        const rows = await db
          .select(COLUMNS)
          .from(postings)
          .where(and(within(window), from === null ? undefined : behind(from)))
          .orderBy(asc(postings.effectiveAt), asc(postings.reference))
          .limit(PAGE_ROWS);
        const last = rows.at(-1);
        if (last === undefined) return;
        from = { effectiveDate: last.effectiveDate, reference: last.reference };
        yield {
          postings: rows.map(toPosting),
          next: JSON.stringify([from.effectiveDate.toISOString(), from.reference]),
        };
        if (rows.length < PAGE_ROWS) return;
      }
    },

    async postingsOf(paymentIds) {
      if (paymentIds.length === 0) return [];
      const rows = await db
        .select(COLUMNS)
        .from(postings)
        .where(inArray(postings.objectId, [...paymentIds]))
        .orderBy(asc(postings.reference));
      return rows.map(toPosting);
    },
  };
}

function toPosting<Row extends { readonly dismissedAt: Date | null; readonly dismissedBy: string | null }>({
  dismissedAt,
  dismissedBy,
  ...row
}: Row) {
  return { ...row, dismissed: dismissedAt !== null && !isPlansDismissal(dismissedBy) };
}

/** Postings of one page, about 500 bytes each. */
const PAGE_ROWS = 2_000;

const COLUMNS = {
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
};

interface Place {
  readonly effectiveDate: Date;
  readonly reference: string;
}

function readPlace(text: string): Place {
  const [effectiveDate, reference] = JSON.parse(text);
  return { effectiveDate: new Date(effectiveDate), reference };
}

function behind({ effectiveDate, reference }: Place) {
  const row = sql`(${postings.effectiveAt}, ${postings.reference})`;
  return sql`${row} > (${effectiveDate.toISOString()}::timestamptz, ${reference})`;
}
