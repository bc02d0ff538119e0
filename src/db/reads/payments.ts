/** Reads payments as `payment_status` shows them: pages of rows, and which of them belong to a run. */
import { asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { SyncError } from '../../core/base/errors.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { postings } from '../schema/postings.js';
import { type PaymentState, paymentStatus } from '../schema/views.js';

export type PaymentRecord = typeof paymentStatus.$inferSelect;

export interface PaymentPage {
  readonly payments: readonly PaymentRecord[];
  /** Pass as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

export interface BatchQuery {
  readonly limit: number;
  readonly after?: string;
  readonly state?: PaymentState;
}

/** In the table a dismissed posting is a parked one. */
const KEPT_AS = { pending: 'pending', posted: 'posted', parked: 'parked', dismissed: 'parked' } as const;
const STATES = ['pending', 'posted', 'parked'] as const;

/**
 * The payments that a run stored first, by reference. Of each part of the run and each state the first ones are read along
 * the index, so that a page of a run of millions costs as much as one of a small run.
 */
export async function readBatch(db: Drizzle, runId: string, { limit, after, state }: BatchQuery): Promise<PaymentPage> {
  if (after !== undefined) await refuseUnknownCursor(db, after);
  const states = state === undefined ? STATES : [KEPT_AS[state]];
  const chosen = await db.execute<{ reference: string }>(sql`
    select posting.reference
    from unnest(${membersOf(runId)}) member (run_id)
    cross join unnest(array[${sql.join(
      states.map((kept) => sql`${kept}`),
      sql`, `,
    )}]) kept (state)
    cross join lateral (
      select reference from stripe_blnk_sync.postings
      where first_run = member.run_id and state = kept.state
        ${state === 'parked' ? sql`and dismissed_at is null` : sql``}
        ${state === 'dismissed' ? sql`and dismissed_at is not null` : sql``}
        ${after === undefined ? sql`` : sql`and reference > ${after}`}
      order by reference limit ${limit + 1}
    ) posting
    order by posting.reference limit ${limit + 1}`);
  const rows = await readPayments(db, chosen, asc(paymentStatus.reference));
  return toPage(rows, limit);
}

export async function readPayments(
  db: Drizzle | Transaction,
  chosen: ReadonlyArray<{ readonly reference: string }>,
  ...order: readonly SQL[]
): Promise<PaymentRecord[]> {
  if (chosen.length === 0) return [];
  const references = chosen.map(({ reference }) => reference);
  return db
    .select()
    .from(paymentStatus)
    .where(inArray(paymentStatus.reference, references))
    .orderBy(...order);
}

/** A page after nothing would be empty, and read as "there is nothing". Throws SyncError `cursor_unknown`. */
export async function refuseUnknownCursor(db: Drizzle, after: string): Promise<void> {
  const [known] = await db.select({ one: sql`1` }).from(postings).where(eq(postings.reference, after));
  if (known === undefined) throw cursorUnknown(after, 'the reference of no payment here');
}

export function cursorUnknown(after: string, what: string): SyncError {
  return new SyncError(
    `The list cannot go on after ${JSON.stringify(after)}, which is ${what}; allowed is the value that the previous page ended with. ` +
      'Without it the list begins at its first page',
    { kind: 'fatal', code: 'cursor_unknown' },
  );
}

/** Cuts the row that was read to know whether there is a next page. */
export function toPage(rows: readonly PaymentRecord[], limit: number): PaymentPage {
  const payments = rows.slice(0, limit);
  return { payments, next: rows.length > limit ? (payments.at(-1)?.reference ?? null) : null };
}

/** The run and its parts. */
export function membersOf(runId: string): SQL {
  return sql`array(select member.id from stripe_blnk_sync.sync_runs member where member.id = ${runId} or member.parent_id = ${runId})`;
}
