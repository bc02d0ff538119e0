/**
 * What people read with SQL: runs, payments, days. Column names here are a public interface.
 * Counts and sums come from the totals that are kept of `postings` (totals.ts), which has millions of rows: none is read for them.
 * Every lateral part looks only at the runs that a query asks for: keep it so.
 */
import { type SQL, sql } from 'drizzle-orm';
import { bigint, boolean, date, integer, interval, jsonb, numeric, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Feed, RunStatus, Trigger } from '../../core/coverage/sync-run.js';
import type { PostingObject } from '../../core/kinds/registry.js';
import type { ParkingReason, PostingRole, SettledHow } from '../../core/posting/posting.js';
import { currencyDecimals } from './currency-decimals.js';
import { ownSchema } from './own-schema.js';
import { type PostingKind, roleOf } from './postings.js';
import { countedTotals } from './totals.js';

/** A parked posting that a person dismissed shows as its own state. */
export type PaymentState = 'pending' | 'posted' | 'parked' | 'dismissed';

/** What a person does now, for each reason to park. */
const WHAT_TO_DO: Readonly<Record<ParkingReason, string>> = {
  unknown_currency: 'Update to a version that knows this currency, then run: parked retry.',
  amount_not_positive: 'Look at the payment in Stripe; when nothing was collected, dismiss it.',
  three_decimal_amount: 'Ask Stripe why the last digit is not 0; dismiss it when the amount is wrong.',
  wrong_livemode: 'Check which Stripe key is configured; dismiss payments of the other mode.',
  same_balance: 'Post it by hand to a balance of its own, then dismiss it.',
  unreadable_payment: 'Look at the payment in Stripe; update this software, then backfill the day it was created on.',
  conflict:
    'Compare both sides with: parked show. When only the amount is wrong: repair plan. Else dismiss it once the books are right.',
  burnt_reference: 'This reference can never be used again. A replacement is posted by: repair plan, repair apply.',
  refused_by_blnk: 'Read why Blnk refuses it with: parked show. Remove the cause, then run: parked retry.',
  balance_missing:
    'Restore the ledger, or have the balance of the customer made anew (see: status), then run: parked retry.',
  rebuild: 'Decide whether it belongs in the ledger: parked retry posts it, parked dismiss leaves it out.',
};

/**
 * Of the run itself and its parts. An array, so that each branch of the totals is asked by its index: joined to a list of
 * runs, all of them would be read for each run that is shown.
 */
const OF_THE_RUN = `total.run_id = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))`;

/**
 * One row per run of collect. Counts of a run with parts are the sums over its parts. `totals` and `ledger_totals` are older
 * names of what ends in `_minor`, for code and queries from before.
 */
export const syncHistory = ownSchema
  .view('sync_history', {
    id: uuid('id').notNull(),
    parentId: uuid('parent_id'),
    parts: integer('parts').notNull(),
    feed: text('feed').$type<Feed>().notNull(),
    trigger: text('trigger').$type<Trigger>().notNull(),
    windowFrom: instant('window_from').notNull(),
    windowTo: instant('window_to'),
    status: text('status').$type<RunStatus>().notNull(),
    found: integer('found').notNull(),
    knownBefore: integer('known_before').notNull(),
    stored: integer('stored').notNull(),
    posted: integer('posted').notNull(),
    alreadyThere: integer('already_there').notNull(),
    parked: integer('parked').notNull(),
    dismissed: integer('dismissed').notNull(),
    pending: integer('pending').notNull(),
    beforeStart: integer('before_start').notNull(),
    stripeRequests: integer('stripe_requests').notNull(),
    errorCode: text('error_code'),
    error: text('error'),
    startedAt: instant('started_at').notNull(),
    finishedAt: instant('finished_at'),
    duration: interval('duration'),
    workerId: uuid('worker_id'),
    version: text('version').notNull(),
    totalsMinor: jsonb('totals_minor').$type<Record<string, string>>().notNull(),
    ledgerTotalsMinor: jsonb('ledger_totals_minor').$type<Record<string, string>>().notNull(),
  })
  .as(sql`
  select
    run.id,
    run.parent_id,
    part.parts,
    run.feed,
    run.trigger,
    run.window_from,
    run.window_to,
    case
      when run.state = 'failed' and run.error_code = 'stopped' then 'stopped'
      when run.state <> 'collected' then run.state
      when batch.pending > 0 then 'posting'
      when batch.parked > batch.dismissed then 'attention'
      else 'succeeded'
    end as status,
    run.found + part.found as found,
    run.known_before + part.known_before as known_before,
    run.stored + part.stored as stored,
    batch.posted,
    batch.already_there,
    batch.parked,
    batch.dismissed,
    batch.pending,
    run.before_start + part.before_start as before_start,
    batch.totals,
    batch.ledger_totals,
    run.stripe_requests + part.stripe_requests as stripe_requests,
    run.error_code,
    run.error,
    run.started_at,
    run.finished_at,
    run.finished_at - run.started_at as duration,
    run.worker_id,
    run.version,
    batch.totals as totals_minor,
    batch.ledger_totals as ledger_totals_minor
  from stripe_blnk_sync.sync_runs run
  cross join lateral (
    select
      count(*)::integer as parts,
      coalesce(sum(child.found), 0)::integer as found,
      coalesce(sum(child.known_before), 0)::integer as known_before,
      coalesce(sum(child.stored), 0)::integer as stored,
      coalesce(sum(child.before_start), 0)::integer as before_start,
      coalesce(sum(child.stripe_requests), 0)::integer as stripe_requests
    from stripe_blnk_sync.sync_runs child
    where child.parent_id = run.id
  ) part
  cross join lateral (
    select
      coalesce(sum(of_currency.posted), 0)::integer as posted,
      coalesce(sum(of_currency.already_there), 0)::integer as already_there,
      coalesce(sum(of_currency.parked), 0)::integer as parked,
      coalesce(sum(of_currency.dismissed), 0)::integer as dismissed,
      coalesce(sum(of_currency.pending), 0)::integer as pending,
      coalesce(
        jsonb_object_agg(of_currency.currency, of_currency.amount::text) filter (where of_currency.amount is not null),
        '{}'::jsonb
      ) as totals,
      coalesce(
        jsonb_object_agg(of_currency.currency, of_currency.ledger_amount::text)
          filter (where of_currency.ledger_amount is not null),
        '{}'::jsonb
      ) as ledger_totals
    from (
      select
        sum(total.count) filter (where total.standing = 'posted') as posted,
        sum(total.count) filter (where total.standing = 'already_there') as already_there,
        sum(total.count) filter (where total.standing in ('parked', 'dismissed')) as parked,
        sum(total.count) filter (where total.standing = 'dismissed') as dismissed,
        sum(total.count) filter (where total.standing = 'pending') as pending,
        total.currency,
        case when total.currency <> '' then sum(total.counted) end as amount,
        case when sum(total.count) filter (where total.standing in ('posted', 'already_there')) > 0
          then sum(total.counted) filter (where total.standing in ('posted', 'already_there')) end as ledger_amount
      from ${countedTotals('run_id', OF_THE_RUN)} total
      group by total.currency
      having sum(total.count) > 0
    ) of_currency
  ) batch
`);

/** One row per posting: what it is, where it stands, and what a person has to do about it. */
export const paymentStatus = ownSchema
  .view('payment_status', {
    reference: text('reference').notNull(),
    paymentId: text('payment_id').notNull(),
    kind: text('kind').$type<PostingKind>().notNull(),
    state: text('state').$type<PaymentState>().notNull(),
    reason: text('reason').$type<ParkingReason>(),
    reasonDetail: text('reason_detail'),
    whatToDo: text('what_to_do'),
    amountMinor: bigint('amount_minor', { mode: 'bigint' }),
    amount: numeric('amount'),
    currency: text('currency'),
    customerBalance: text('customer_balance'),
    created: instant('created').notNull(),
    attempts: integer('attempts').notNull(),
    inDoubtSince: instant('in_doubt_since'),
    unresolved: boolean('unresolved').notNull(),
    lastError: text('last_error'),
    transactionId: text('transaction_id'),
    postedAt: instant('posted_at'),
    settledHow: text('settled_how').$type<SettledHow>(),
    exception: text('exception'),
    dismissedAt: instant('dismissed_at'),
    dismissedBy: text('dismissed_by'),
    dismissedWhy: text('dismissed_why'),
    run: uuid('run').notNull(),
    storedAt: instant('stored_at').notNull(),
    object: text('object').$type<PostingObject>().notNull(),
    role: text('role').$type<PostingRole>().notNull(),
  })
  .as(sql`
  select
    posting.reference,
    posting.object_id as payment_id,
    posting.kind,
    case when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed' else posting.state end as state,
    posting.reason,
    posting.reason_detail,
    case when posting.state = 'parked' and posting.dismissed_at is null then ${whatToDo()} end as what_to_do,
    posting.amount as amount_minor,
    round(posting.amount::numeric / posting.precision, length(posting.precision::text) - 1) as amount,
    posting.currency,
    posting.destination as customer_balance,
    posting.effective_at as created,
    posting.attempts,
    case when posting.state = 'pending' then posting.doubt_since end as in_doubt_since,
    posting.state = 'pending' and posting.doubt_since is not null
      and posting.doubt_since < now() - interval '15 minutes' as unresolved,
    posting.last_error,
    posting.transaction_id,
    posting.posted_at,
    posting.settled_how,
    posting.exception,
    posting.dismissed_at,
    posting.dismissed_by,
    posting.dismissed_why,
    posting.first_run as run,
    posting.stored_at,
    coalesce(posting.object, 'payment') as object,
    ${roleOf('posting')} as role
  from stripe_blnk_sync.postings posting
`);

/**
 * One row per UTC day of the payments' creation and currency (null when unreadable). `parked` includes the dismissed ones.
 * What ends in `_amount` are older names of what ends in `_minor`, for code and queries from before.
 */
export const dailyTotals = ownSchema
  .view('daily_totals', {
    day: date('day', { mode: 'string' }).notNull(),
    currency: text('currency'),
    postedCount: bigint('posted_count', { mode: 'number' }).notNull(),
    pendingCount: bigint('pending_count', { mode: 'number' }).notNull(),
    parkedCount: bigint('parked_count', { mode: 'number' }).notNull(),
    dismissedCount: bigint('dismissed_count', { mode: 'number' }).notNull(),
    postedMinor: numeric('posted_minor').notNull(),
    pendingMinor: numeric('pending_minor').notNull(),
    parkedMinor: numeric('parked_minor').notNull(),
    dismissedMinor: numeric('dismissed_minor').notNull(),
    currencyDecimals: integer('currency_decimals'),
  })
  .as(sql`
  select
    total.*,
    total.posted_amount as posted_minor,
    total.pending_amount as pending_minor,
    total.parked_amount as parked_minor,
    total.dismissed_amount as dismissed_minor,
    ${currencyDecimals('total.currency')} as currency_decimals
  from (
    select
      total.day,
      nullif(total.currency, '') as currency,
      coalesce(sum(total.count) filter (where total.standing in ('posted', 'already_there')), 0) as posted_count,
      coalesce(sum(total.counted) filter (where total.standing in ('posted', 'already_there')), 0) as posted_amount,
      coalesce(sum(total.count) filter (where total.standing = 'pending'), 0) as pending_count,
      coalesce(sum(total.counted) filter (where total.standing = 'pending'), 0) as pending_amount,
      coalesce(sum(total.count) filter (where total.standing in ('parked', 'dismissed')), 0) as parked_count,
      coalesce(sum(total.counted) filter (where total.standing in ('parked', 'dismissed')), 0) as parked_amount,
      coalesce(sum(total.count) filter (where total.standing = 'dismissed'), 0) as dismissed_count,
      coalesce(sum(total.counted) filter (where total.standing = 'dismissed'), 0) as dismissed_amount
    from ${countedTotals('day')} total
    group by total.day, total.currency
    having sum(total.count) > 0
  ) total
`);

/** Balances with a mark of this mirror that are not in use. */
export const surplusBalances = ownSchema
  .view('surplus_balances', {
    balanceId: text('balance_id').notNull(),
    name: text('name').notNull(),
    currency: text('currency').notNull(),
    amountMinor: bigint('amount_minor', { mode: 'bigint' }),
    createdAt: instant('created_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    usedBalanceId: text('used_balance_id'),
  })
  .as(sql`
  select seen.balance_id, seen.name, seen.currency, seen.amount as amount_minor, seen.created_at, seen.seen_at,
    used.balance_id as used_balance_id
  from stripe_blnk_sync.account_balances_seen seen
    left join stripe_blnk_sync.account_balances used on used.name = seen.name and used.currency = seen.currency
  where seen.balance_id is distinct from used.balance_id
`);

function instant(name: string) {
  return timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });
}

function whatToDo(): SQL {
  const branches = Object.entries(WHAT_TO_DO).map(([reason, what]) => `when '${reason}' then '${what}'`);
  return sql.raw(`case posting.reason ${branches.join(' ')} end`);
}
