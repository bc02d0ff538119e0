/**
 * Claims: a compare-and-set with a random token and a lease by PostgreSQL's clock. What somebody else is claiming at the same
 * moment is skipped, not waited for.
 */
import type postgres from 'postgres';
import { v4 as uuidv4 } from 'uuid';
import type { AccountsMode } from '../../core/accounts/accounts-mode.js';
import { type Lane, laneName, parseLane } from '../../core/posting/posting.js';
import { PLANS_DISMISSAL_PATTERN } from '../../core/repair/repair-plan.js';
import type { Claim, ClaimedPosting, ClaimLimits, NewClaimOptions } from '../../post/ports.js';
import { LANE, laneOf } from '../schema/postings.js';
import { putOffUnready } from './put-off-unready.js';
import { hasBalance, isNearFront } from './ready.js';
import { isOfEpoch } from './transitions.js';

interface ClaimedRow {
  readonly reference: string;
  readonly lane: string;
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

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Of one claim past what waits for its balance; the next one goes on. */
const LOOKS_MAX = 10;

interface OfEpoch {
  /** Of the mirror, as the process read it at its start. */
  readonly epoch: number;
  /** With `ledger` nothing is claimed whose customer's balance is not in the map. */
  readonly accountsMode: AccountsMode;
}

/**
 * Of what was never attempted; the attempt is marked by the same statement. What was chosen is an array to it, so that each row
 * is found by its key, whatever the planner thinks of how many there are: joined, a backlog of some thousand may be read whole.
 */
export async function claimNew(sql: postgres.Sql, lane: Lane, options: NewClaimOptions & OfEpoch): Promise<Claim> {
  const isNew = sql`${isDue(sql, lane, options.epoch)} and attempts = 0`;
  for (let looks = 1; ; looks += 1) {
    const claim = await claimReady(sql, isNew, options);
    if (claim.postings.length > 0 || options.accountsMode === 'indicators' || looks === LOOKS_MAX) return claim;
    if ((await putOffUnready(sql, isNew, options.first)) === 0) return claim;
  }
}

async function claimReady(
  sql: postgres.Sql,
  isNew: Fragment,
  { limit, leaseMs, first, accountsMode }: NewClaimOptions & OfEpoch,
): Promise<Claim> {
  const token = uuidv4();
  // As the index has them, and nothing more: with statistics from before a backlog, what is the same in `due_at` would be
  // put in order by sorting all of it, for each claim.
  const order = first === 'waiting' ? sql`due_at` : sql`(effective_at at time zone 'UTC') desc`;
  const isReady =
    accountsMode === 'indicators' ? sql`` : sql` and ${isNearFront(sql, isNew, first)} and ${hasBalance(sql, 'known')}`;
  const rows = await sql<ClaimedRow[]>`
    with chosen as (
      select reference from stripe_blnk_sync.postings where ${isNew}${isReady}
      order by ${order} limit ${limit} for update skip locked
    )
    update stripe_blnk_sync.postings p
    set claim = ${token}, claimed_until = now() + ${interval(sql, leaseMs)}, attempts = 1,
        first_attempt_at = now(), last_attempt_at = now(), doubt_since = now()
    where p.reference = any(array(select reference from chosen))
    returning ${claimedColumns(sql)}, 0 as since_last_attempt_ms`;
  return { token, postings: rows.map(toClaimed) };
}

/** Of what was attempted before: it is looked up first, so no attempt is marked. */
export async function claimAttempted(
  sql: postgres.Sql,
  lane: Lane,
  { limit, leaseMs, epoch, accountsMode }: ClaimLimits & OfEpoch,
): Promise<Claim> {
  const token = uuidv4();
  const isReady = accountsMode === 'indicators' ? sql`` : sql` and ${hasBalance(sql, 'mapped')}`;
  const rows = await sql<ClaimedRow[]>`
    with chosen as (
      select reference from stripe_blnk_sync.postings where ${isDue(sql, lane, epoch)} and attempts > 0${isReady}
      order by due_at limit ${limit} for update skip locked
    )
    update stripe_blnk_sync.postings p
    set claim = ${token}, claimed_until = now() + ${interval(sql, leaseMs)}
    where p.reference = any(array(select reference from chosen))
    returning ${claimedColumns(sql)}, ${sinceLastAttempt(sql)} as since_last_attempt_ms`;
  return { token, postings: rows.map(toClaimed) };
}

/**
 * Of what a person dismissed, of one lane. What a plan dismissed is stood for by another posting: its row may be in the
 * ledger, taken back by hand.
 */
export async function claimDismissed(
  sql: postgres.Sql,
  {
    limit,
    leaseMs,
    looksAfterMs,
    epoch,
  }: ClaimLimits & { readonly looksAfterMs: readonly number[] } & Pick<OfEpoch, 'epoch'>,
): Promise<Claim> {
  const token = uuidv4();
  const rows = await sql<ClaimedRow[]>`
    with due as (
      select reference, ${sql.unsafe(LANE)} as lane from stripe_blnk_sync.postings
      where state = 'parked' and dismissed_at is not null and attempts > 0
        and dismissed_by !~ ${PLANS_DISMISSAL_PATTERN}
        and (claimed_until is null or claimed_until < now()) and ${isOfEpoch(sql, epoch)}
        and dismissed_at + (${[...looksAfterMs]}::float8[])[dismissed_looks + 1] * interval '1 millisecond' <= now()
      order by dismissed_at, reference limit ${limit} for update skip locked
    ), first as (select lane from due limit 1)
    update stripe_blnk_sync.postings p set claim = ${token}, claimed_until = now() + ${interval(sql, leaseMs)}
    from due join first using (lane) where p.reference = due.reference
    returning ${claimedColumns(sql)}, ${sinceLastAttempt(sql)} as since_last_attempt_ms`;
  return { token, postings: rows.map(toClaimed) };
}

function isDue(sql: postgres.Sql, lane: Lane, epoch: number) {
  return sql`
    state = 'pending' and ${isOfLane(sql, lane)} and due_at <= now()
    and (claimed_until is null or claimed_until < now()) and ${isOfEpoch(sql, epoch)}`;
}

/** What a claim answers of each posting `p`. */
const claimedColumns = (sql: postgres.Sql) => sql`
  p.reference, ${sql.unsafe(laneOf('p.'))} as lane, p.amount::text as amount, p.currency, p.source, p.destination, p.prepared, p.attempts,
  (extract(epoch from p.effective_at) * 1000)::float8 as effective_at_ms,
  p.look_ups, p.reason, p.reason_detail, p.last_error`;

const sinceLastAttempt = (sql: postgres.Sql) => sql`(extract(epoch from now() - p.last_attempt_at) * 1000)::float8`;

/** `postings` must be the only table of the statement that has these columns. */
const isOfLane = (sql: postgres.Sql, lane: Lane) => sql`${sql.unsafe(LANE)} = ${laneName(lane)}`;

const interval = (sql: postgres.Sql, ms: number) => sql`${ms} * interval '1 millisecond'`;

function toClaimed(row: ClaimedRow): ClaimedPosting {
  return {
    reference: row.reference,
    lane: parseLane(row.lane) ?? { source: row.source, currency: row.currency },
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
