/**
 * The outbox: claims and marks of postings. Every claim is a compare-and-set with a random token and a lease by
 * PostgreSQL's clock; every mark needs that token, so a worker that slept through its lease changes nothing any more.
 *
 * Written as SQL, not with the query builder: `FOR UPDATE SKIP LOCKED` inside an UPDATE, and whole chunks as arrays.
 */
import type postgres from 'postgres';
import { v4 as uuidv4 } from 'uuid';
import type { Lane } from '../core/posting.js';
import { PLANS_DISMISSAL_PATTERN } from '../core/repair.js';
import type { ClaimedPosting, DismissedPostings, Outbox } from '../post/ports.js';

interface ClaimedRow {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  /** Not a Date: Drizzle, which shares this connection, turns the driver's date parsing off. */
  readonly effective_at_ms: number;
  readonly prepared: string;
  readonly attempts: number;
  readonly look_ups: number;
  readonly since_last_attempt_ms: number | null;
  readonly reason: ClaimedPosting['reason'];
  readonly reason_detail: string | null;
  readonly last_error: string | null;
}

/** Enough to see past the chunks that are claimed right now, few enough for a lane with a million pending. */
const NEXT_DUE_LOOKED_AT = 500;

/** What a claim answers of each posting `p`. */
const claimedColumns = (sql: postgres.Sql) => sql`
  p.reference, p.amount::text as amount, p.currency, p.source, p.destination, p.prepared, p.attempts,
  (extract(epoch from p.effective_at) * 1000)::float8 as effective_at_ms,
  p.look_ups, p.reason, p.reason_detail, p.last_error`;

export function createOutbox(sql: postgres.Sql): Outbox {
  const interval = (ms: number) => sql`${ms} * interval '1 millisecond'`;
  const claimed = claimedColumns(sql);
  const due = (lane: Lane) => sql`
    state = 'pending' and source = ${lane.source} and currency = ${lane.currency} and due_at <= now()
    and (claimed_until is null or claimed_until < now())`;

  return {
    async claimNew(lane, { limit, leaseMs, first }) {
      const token = uuidv4();
      const order =
        first === 'waiting' ? sql`due_at, reference` : sql`(effective_at at time zone 'UTC') desc, reference`;
      const rows = await sql<ClaimedRow[]>`
        with chosen as (
          select reference from postings where ${due(lane)} and attempts = 0
          order by ${order} limit ${limit} for update skip locked
        )
        update postings p
        set claim = ${token}, claimed_until = now() + ${interval(leaseMs)}, attempts = 1,
            first_attempt_at = now(), last_attempt_at = now(), doubt_since = now()
        from chosen where p.reference = chosen.reference
        returning ${claimed}, 0 as since_last_attempt_ms`;
      return { token, postings: rows.map(toClaimed) };
    },

    async claimAttempted(lane, { limit, leaseMs }) {
      const token = uuidv4();
      const rows = await sql<ClaimedRow[]>`
        with chosen as (
          select reference from postings where ${due(lane)} and attempts > 0
          order by due_at, reference limit ${limit} for update skip locked
        )
        update postings p
        set claim = ${token}, claimed_until = now() + ${interval(leaseMs)}
        from chosen where p.reference = chosen.reference
        returning ${claimed}, (extract(epoch from now() - p.last_attempt_at) * 1000)::float8 as since_last_attempt_ms`;
      return { token, postings: rows.map(toClaimed) };
    },

    async markAttempt(token, references, leaseMs) {
      const rows = await sql<{ reference: string }[]>`
        update postings
        set attempts = attempts + 1, last_attempt_at = now(), doubt_since = coalesce(doubt_since, now()),
            claimed_until = now() + ${interval(leaseMs)}
        where reference = any(${[...references]}) and claim = ${token} and state = 'pending'
        returning reference`;
      return new Set(rows.map((row) => row.reference));
    },

    // Skips what is locked: that is being marked right now, and waiting for it in another order would be a deadlock.
    async renew(token, references, leaseMs) {
      const rows = await sql`
        with held as (
          select reference from postings
          where reference = any(${[...references]}) and claim = ${token} and state = 'pending'
          for update skip locked
        )
        update postings p set claimed_until = now() + ${interval(leaseMs)}
        from held where p.reference = held.reference`;
      return rows.count > 0;
    },

    async settle(token, settlements) {
      if (settlements.length === 0) return 0;
      const rows = await sql`
        update postings p
        set state = 'posted', transaction_id = s.transaction_id, settled_how = s.how, exception = s.exception,
            posted_at = now(), prepared = null, payment = null, claim = null, claimed_until = null,
            doubt_since = null, last_error = null, reason = null, reason_detail = null
        from unnest(${settlements.map((s) => s.reference)}::text[], ${settlements.map((s) => s.transactionId)}::text[],
          ${settlements.map((s) => s.how)}::text[], ${settlements.map((s) => s.exception)}::text[])
          as s(reference, transaction_id, how, exception)
        where p.reference = s.reference and p.claim = ${token} and p.state = 'pending'`;
      return rows.count;
    },

    // What goes on at once waited for nothing, so its next pause must not be longer. An attempt that was certainly
    // not applied ends its own doubt, not that of an attempt before it; a verdict on the transaction itself ends both.
    async postpone(token, postponements) {
      if (postponements.length === 0) return 0;
      // Truth as 0 and 1: the driver sends an array of booleans as one boolean.
      const rows = await sql`
        update postings p
        set due_at = now() + s.due_in_ms * interval '1 millisecond', last_error = s.error,
            look_ups = case when s.first_look = 1 then 1 else p.look_ups + case when s.due_in_ms > 0 then 1 else 0 end end,
            doubt_since = case when s.in_doubt = 1 then coalesce(p.doubt_since, now())
                               when s.reason is null and p.doubt_since < p.last_attempt_at then p.doubt_since end,
            reason = coalesce(s.reason, p.reason), reason_detail = coalesce(s.reason_detail, p.reason_detail),
            claim = null, claimed_until = null
        from unnest(${postponements.map((s) => s.reference)}::text[], ${postponements.map((s) => Math.round(s.dueInMs))}::int8[],
          ${postponements.map((s) => s.error)}::text[], ${postponements.map((s) => (s.inDoubt ? 1 : 0))}::int4[],
          ${postponements.map((s) => s.reason ?? null)}::text[], ${postponements.map((s) => s.reasonDetail ?? null)}::text[],
          ${postponements.map((s) => (s.firstLook === true ? 1 : 0))}::int4[])
          as s(reference, due_in_ms, error, in_doubt, reason, reason_detail, first_look)
        where p.reference = s.reference and p.claim = ${token} and p.state = 'pending'`;
      return rows.count;
    },

    async park(token, parkings) {
      if (parkings.length === 0) return 0;
      const rows = await sql`
        update postings p
        set state = 'parked', reason = s.reason, reason_detail = s.detail, doubt_since = null,
            claim = null, claimed_until = null
        from unnest(${parkings.map((s) => s.reference)}::text[], ${parkings.map((s) => s.reason)}::text[],
          ${parkings.map((s) => s.detail)}::text[]) as s(reference, reason, detail)
        where p.reference = s.reference and p.claim = ${token} and p.state = 'pending'`;
      return rows.count;
    },

    async nextDueInMs(lane) {
      const [row] = await sql<{ due_in_ms: number | null }[]>`
        select (extract(epoch from min(greatest(due_at, coalesce(claimed_until, due_at))) - now()) * 1000)::float8 as due_in_ms
        from (
          select due_at, claimed_until from postings
          where state = 'pending' and source = ${lane.source} and currency = ${lane.currency}
          order by due_at limit ${NEXT_DUE_LOOKED_AT}
        ) as first`;
      return row?.due_in_ms ?? null;
    },
  };
}

export function createDismissedPostings(sql: postgres.Sql): DismissedPostings {
  return {
    // What a plan dismissed is stood for by another posting: its row may be in the ledger, taken back by hand.
    async claimDismissed({ limit, leaseMs, looksAfterMs }) {
      const token = uuidv4();
      const rows = await sql<ClaimedRow[]>`
        with due as (
          select reference, source, currency from postings
          where state = 'parked' and dismissed_at is not null and attempts > 0
            and dismissed_by !~ ${PLANS_DISMISSAL_PATTERN}
            and (claimed_until is null or claimed_until < now())
            and dismissed_at + (${[...looksAfterMs]}::float8[])[dismissed_looks + 1] * interval '1 millisecond' <= now()
          order by dismissed_at, reference limit ${limit} for update skip locked
        ), lane as (select source, currency from due limit 1)
        update postings p set claim = ${token}, claimed_until = now() + ${leaseMs} * interval '1 millisecond'
        from due join lane using (source, currency) where p.reference = due.reference
        returning ${claimedColumns(sql)}, (extract(epoch from now() - p.last_attempt_at) * 1000)::float8 as since_last_attempt_ms`;
      return { token, postings: rows.map(toClaimed) };
    },

    async markLooked(token, found) {
      await sql`
        update postings p
        set state = 'posted', transaction_id = s.transaction_id, settled_how = s.how, posted_at = now(),
            exception = concat_ws('; ', s.exception, 'was dismissed by ' || p.dismissed_by || ', but the ledger holds it'),
            prepared = null, payment = null, claim = null, claimed_until = null, doubt_since = null, last_error = null,
            reason = null, reason_detail = null
        from unnest(${found.map((s) => s.reference)}::text[], ${found.map((s) => s.transactionId)}::text[],
          ${found.map((s) => s.how)}::text[], ${found.map((s) => s.exception)}::text[])
          as s(reference, transaction_id, how, exception)
        where p.reference = s.reference and p.claim = ${token} and p.state = 'parked'`;
      await sql`
        update postings set dismissed_looks = dismissed_looks + 1, claim = null, claimed_until = null
        where claim = ${token} and state = 'parked'`;
    },
  };
}

/** Lanes that have postings due now: what a worker's timer wakes, because a queue may have lost everything. */
export async function lanesDue(sql: postgres.Sql): Promise<Lane[]> {
  return sql<Lane[]>`
    select source, currency from postings
    where state = 'pending' and due_at <= now() and (claimed_until is null or claimed_until < now())
      and source is not null and currency is not null
    group by source, currency`;
}

function toClaimed(row: ClaimedRow): ClaimedPosting {
  return {
    reference: row.reference,
    amount: BigInt(row.amount),
    currency: row.currency,
    source: row.source,
    destination: row.destination,
    effectiveDate: new Date(row.effective_at_ms),
    prepared: row.prepared,
    attempts: row.attempts,
    lookUps: row.look_ups,
    sinceLastAttemptMs: row.since_last_attempt_ms,
    reason: row.reason,
    reasonDetail: row.reason_detail,
    lastError: row.last_error,
  };
}
