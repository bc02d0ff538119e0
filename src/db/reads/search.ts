/**
 * Finds payments for people, newest first by the time they were created. Whatever is asked for, few rows are read: an id has
 * an index; a list is read along time, and the totals of days say how far back.
 */
import { desc, type SQL, sql } from 'drizzle-orm';
import { dayWindow, utcDay } from '../../core/base/window.js';
import type { ParkingReason } from '../../core/posting/posting.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import type { Standing } from '../schema/totals.js';
import { type PaymentState, paymentStatus } from '../schema/views.js';
import { cursorUnknown, type PaymentPage, readPayments, toPage } from './payments.js';

export interface PaymentsQuery {
  readonly limit: number;
  /** Reference of the last payment of the page before. */
  readonly after?: string;
  /** A PaymentIntent (`pi_…`), a reference, a customer (`cus_…`) or a balance (`@…`), or a transaction of the ledger. */
  readonly search?: string;
  readonly state?: PaymentState;
  readonly reason?: ParkingReason;
  readonly currency?: string;
  /** First and last UTC day of creation, `2026-11-21`. */
  readonly from?: string;
  readonly to?: string;
}

interface Cursor {
  readonly reference: string;
  readonly created: Date;
}

/**
 * Throws SyncError `cursor_unknown`. In one snapshot: what is posted while it is asked would be counted by the totals as pending and
 * be missing among the rows, so that a page came out short, as if it were the last one.
 */
export function findPayments(db: Drizzle, query: PaymentsQuery): Promise<PaymentPage> {
  return db.transaction((snapshot) => findIn(snapshot, query), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });
}

async function findIn(db: Transaction, query: PaymentsQuery): Promise<PaymentPage> {
  const cursor = query.after === undefined ? null : await readCursor(db, query.after);
  const candidates = query.search === undefined ? await byTime(db, query, cursor) : matching(query.search);
  if (candidates === null) return { payments: [], next: null };
  const chosen = await db.execute<{ reference: string }>(sql`
    select reference from ${candidates} posting
    where ${sql.join([sql`true`, ...conditionsOf(query), ...beforeCursor(cursor)], sql` and `)}
    order by effective_at desc, reference desc limit ${query.limit + 1}`);
  const rows = await readPayments(db, chosen, desc(paymentStatus.created), desc(paymentStatus.reference));
  return toPage(rows, query.limit);
}

async function readCursor(db: Transaction, after: string): Promise<Cursor> {
  const [row] = await db.execute<{ at: string }>(sql`
    select to_json(effective_at) #>> '{}' as at from stripe_blnk_sync.postings where reference = ${after}`);
  if (row === undefined) throw cursorUnknown(after, 'the reference of no payment here');
  return { reference: after, created: new Date(row.at) };
}

function beforeCursor(cursor: Cursor | null): SQL[] {
  if (cursor === null) return [];
  return [sql`(effective_at, reference) < (${cursor.created.toISOString()}::timestamptz, ${cursor.reference})`];
}

function conditionsOf({ state, reason, currency, from, to }: PaymentsQuery): SQL[] {
  return [
    ...(state === undefined ? [] : [STATE_IS[state]]),
    ...(reason === undefined ? [] : [sql`reason = ${reason}`]),
    ...(currency === undefined ? [] : [sql`currency = ${currency}`]),
    ...(from === undefined ? [] : [sql`effective_at >= ${dayWindow(from).from.toISOString()}::timestamptz`]),
    ...(to === undefined ? [] : [sql`effective_at < ${dayWindow(to).to.toISOString()}::timestamptz`]),
  ];
}

const STATE_IS: Readonly<Record<PaymentState, SQL>> = {
  pending: sql`state = 'pending'`,
  posted: sql`state = 'posted'`,
  parked: sql`state = 'parked' and dismissed_at is null`,
  dismissed: sql`state = 'parked' and dismissed_at is not null`,
};

/** Rows of what was named, by an index each. Of a customer what is posted; whatever is not posted is looked through. */
function matching(search: string): SQL {
  const text = search.trim();
  const all = sql`select * from stripe_blnk_sync.postings`;
  if (/^(?:cus_|@)/.test(text)) {
    const balance = text.startsWith('@') ? text : `@${text}`;
    return sql`(
      ${all} where destination = ${balance} and state = 'posted'
      union all ${all} where destination = ${balance} and state = 'parked'
      union all ${all} where destination = ${balance} and state = 'pending')`;
  }
  const object = text.split(':')[0] ?? text;
  return sql`(
    ${all} where object_id = ${object} and (reference = ${text} or ${text} = object_id)
    union all ${all} where transaction_id is not null and transaction_id = ${text} and object_id <> ${object})`;
}

/** Rows of a stretch of time that has a page of what is asked for, as the totals know; null when there is nothing. */
async function byTime(db: Transaction, query: PaymentsQuery, cursor: Cursor | null): Promise<SQL | null> {
  const all = sql`select * from stripe_blnk_sync.postings`;
  // Parked ones are few, and have an index of their own.
  if (query.state === 'parked' || query.state === 'dismissed' || query.reason !== undefined) {
    return sql`(${all} where state = 'parked')`;
  }
  const newest = cursor === null ? query.to : earlierDay(utcDay(cursor.created), query.to);
  const days = await db.execute<{ day: string; seen: string }>(sql`
    select day::text as day, sum(count) over (order by day desc) - count as seen from (
      select day, sum(count) as count from (
        select day, currency, standing, count from stripe_blnk_sync.day_totals
        union all select day, currency, standing, count from stripe_blnk_sync.posting_changes
      ) total
      where ${sql.join(
        [
          ...(query.state === undefined ? [sql`true`] : [standingIn(query.state)]),
          ...(query.currency === undefined ? [] : [sql`currency = ${query.currency}`]),
          ...(query.from === undefined ? [] : [sql`day >= ${query.from}::date`]),
          ...(newest === undefined ? [] : [sql`day <= ${newest}::date`]),
        ],
        sql` and `,
      )}
      group by day having sum(count) > 0
    ) of_day order by day desc`);
  const [newestDay, oldestDay] = [days[0], lastNeeded(days, query.limit, cursor)];
  if (newestDay === undefined || oldestDay === undefined) return null;
  const [from, to] = [dayWindow(oldestDay.day).from, dayWindow(newestDay.day).to];
  return sql`(${all} where effective_at >= ${from.toISOString()}::timestamptz and effective_at < ${to.toISOString()}::timestamptz)`;
}

/** The day that completes the page. What the cursor's own day has is not counted on: it may be behind it. */
function lastNeeded<Day extends { readonly seen: string; readonly day: string }>(
  days: readonly Day[],
  limit: number,
  cursor: Cursor | null,
): Day | undefined {
  const begun = cursor !== null && days[0]?.day === utcDay(cursor.created) ? Number(days[1]?.seen ?? 0) : 0;
  const beyond = days.findIndex(({ seen }) => Number(seen) > limit + begun);
  return beyond === -1 ? days.at(-1) : days[beyond - 1];
}

function standingIn(state: PaymentState): SQL {
  const standings: readonly Standing[] = state === 'posted' ? ['posted', 'already_there'] : [state];
  return sql`standing in ${standings}`;
}

function earlierDay(a: string, b: string | undefined): string {
  return b === undefined || a < b ? a : b;
}
