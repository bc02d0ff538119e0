/** Reads payments as `payment_status` shows them: pages of rows, and which of them belong to a run. */
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import { SyncError } from '../../core/base/errors.js';
import type { Drizzle } from '../connection/open.js';
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

/** The payments that a run stored first, by reference. */
export async function readBatch(db: Drizzle, runId: string, query: BatchQuery): Promise<PaymentPage> {
  if (query.after !== undefined) await refuseUnknownCursor(db, query.after);
  const rows = await db
    .select()
    .from(paymentStatus)
    .where(
      and(
        sql`${paymentStatus.run} = any(${membersOf(runId)})`,
        ...(query.after === undefined ? [] : [gt(paymentStatus.reference, query.after)]),
        ...(query.state === undefined ? [] : [eq(paymentStatus.state, query.state)]),
      ),
    )
    .orderBy(asc(paymentStatus.reference))
    .limit(query.limit + 1);
  return toPage(rows, query.limit);
}

/** A page after nothing would be empty, and read as "there is nothing". Throws SyncError `cursor_unknown`. */
export async function refuseUnknownCursor(db: Drizzle, after: string): Promise<void> {
  const [known] = await db.select({ one: sql`1` }).from(postings).where(eq(postings.reference, after));
  if (known !== undefined) return;
  throw new SyncError(
    `--after is ${JSON.stringify(after)}, which is the reference of no payment here; allowed is the one that the page before ` +
      'ended with ("more with"). Without --after the list begins at its first page',
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
