/**
 * A mirror as years leave it, written by a few statements: days, runs of which most found nothing, payments of every state in
 * many currencies, corrections, certificates, and the totals as a worker keeps them. For tests and benches of reading.
 */
import type postgres from 'postgres';
import type { Database } from '../../src/db/connection/open.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';

export interface Size {
  readonly postings: number;
  readonly runs: number;
  readonly days: number;
  /** Of the postings, the newest. */
  readonly pending: number;
}

/** One run in ten found something. */
const RUNS_WITH_WORK = 10;
/** Of a backfill, which has few parts. */
const PENDING_RUNS = 20;
/** Of one statement, which has to end in the time that statements have, beside other tests. */
const POSTINGS_AT_ONCE = 25_000;
const CURRENCIES = ['USD', 'EUR', 'GBP', 'JPY', 'KWD', 'BRL', 'AUD', 'CAD', 'CHF', 'SEK'];

/** Ids that sort as their numbers do. */
export const runId = (number: number) => `0193a000-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const paymentId = (number: number) => `pi_${String(number).padStart(12, '0')}`;
export const transactionId = (number: number) => `txn_${String(number).padStart(12, '0')}`;

type Filled = Pick<Database, 'sql' | 'db' | 'onOneConnection'>;

export async function fillLargeMirror({ sql, db, onOneConnection }: Filled, size: Size): Promise<void> {
  await fillSettings(sql, size);
  await fillRuns(sql, size);
  for (let from = 0; from < size.postings; from += POSTINGS_AT_ONCE) {
    await fillPostings(sql, size, { from, to: Math.min(size.postings, from + POSTINGS_AT_ONCE) });
    await addUpTotals(db);
  }
  await fillCertificates(sql, size);
  await onOneConnection(async (connection) => {
    await connection`set statement_timeout = 0`;
    await connection`vacuum analyze stripe_blnk_sync.postings`;
    await connection`analyze`;
    await connection`reset statement_timeout`;
  });
}

async function fillSettings(sql: postgres.Sql, { days }: Size): Promise<void> {
  const begin = sql`date_trunc('day', now()) - ${days} * interval '1 day'`;
  await sql`
    insert into stripe_blnk_sync.mirror (mirror_id, livemode, blnk_instance, source, source_shards, guest_destination,
      accounts_mode, mapping_version, starts_at, first_post_at, ledger_state)
    values (gen_random_uuid(), false, 'large', '@stripe', 1, '@guest', 'indicators', 1, ${begin}, ${begin}, 'same')`;
  await sql`
    insert into stripe_blnk_sync.coverage (feed, covered_from, covered_to, read_at, run_id)
    select feed, ${begin}, now() - interval '1 minute', now(), ${runId(1)}
    from unnest(array['events', 'payment_intents', 'charges']) feed`;
}

/** Every tenth found something; one in a thousand failed; three in a thousand are backfills of which the next two are parts. */
async function fillRuns(sql: postgres.Sql, { runs, days }: Size): Promise<void> {
  await sql`
    insert into stripe_blnk_sync.sync_runs (id, parent_id, feed, trigger, window_from, window_to, state, stored, found,
      error_code, error, started_at, finished_at, worker_id, version)
    select ('0193a000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
      case when n % 1000 in (11, 12) then ('0193a000-0000-7000-8000-' || lpad((n - n % 1000 + 10)::text, 12, '0'))::uuid end,
      case when n % 1000 between 10 and 12 then 'payment_intents' else 'events' end,
      case when n % 1000 between 10 and 12 then 'manual' else 'schedule' end, at, at + interval '1 minute',
      case when n % 1000 = 3 then 'failed' else 'collected' end,
      case when n % ${RUNS_WITH_WORK}::int = 1 then 10 else 0 end, case when n % ${RUNS_WITH_WORK}::int = 1 then 10 else 0 end,
      case when n % 1000 = 3 then 'stripe_unavailable' end, case when n % 1000 = 3 then 'it did not answer' end,
      at, at + interval '1 second', case when n % 1000 between 10 and 12 then null else gen_random_uuid() end, 'large'
    from generate_series(1, ${runs}) n,
      lateral (select now() - (${runs} - n)::float8 / ${runs} * ${days} * interval '1 day' as at) placed`;
}

/** Posted but for the newest, which are pending; one in 1,000 is parked, half of them dismissed, and one in 2,000 a correction. */
async function fillPostings(
  sql: postgres.Sql,
  { postings, runs, days, pending }: Size,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, object, role, lane, source, destination, currency, amount,
      precision, effective_at, state, reason, reason_detail, prepared, attempts, transaction_id, posted_at, settled_how,
      dismissed_at, dismissed_by, dismissed_why, first_run, stored_at)
    select 'pi_' || id || case when is_correction then ':adj:1' else '' end, 'pi_' || id,
      case when is_correction then 'correction' else 'payment' end, 'payment',
      case when is_correction then 'correction' else 'original' end, currency || ':@stripe', '@stripe',
      '@cus_' || n % 5000, currency, 100 + n, 100, at, state, case when state = 'parked' then 'conflict' end,
      case when state = 'parked' then 'the ledger has another amount' end,
      case when state <> 'posted' then '{"amount":' || n || ',"description":"' || repeat('x', 300) || '"}' end,
      case when state = 'pending' then 0 else 1 end, case when state = 'posted' then 'txn_' || id end,
      case when state = 'posted' then at end, case when state = 'posted' then 'bulk' end,
      case when n % 2000 = 500 and state = 'parked' then at end, case when n % 2000 = 500 then 'ann' end,
      case when n % 2000 = 500 then 'refunded by hand' end,
      ('0193a000-0000-7000-8000-' || lpad((case when state = 'pending' then n % ${PENDING_RUNS}::int else n::bigint * ${Math.floor(runs / RUNS_WITH_WORK)}::int / ${postings} end
        * ${RUNS_WITH_WORK} + 1)::text, 12, '0'))::uuid, at
    from generate_series(${from}::int, ${to - 1}::int) n,
      lateral (select lpad(n::text, 12, '0') as id, n % 2000 = 7 as is_correction,
        case when n >= ${postings - pending}::int then 'pending' when n % 1000 = 500 then 'parked' else 'posted' end as state,
        (${CURRENCIES}::text[])[1 + case when n % 3 < 2 then 0 else n % 10 end] as currency,
        now() - (${postings} - n)::float8 / ${postings} * ${days} * interval '1 day' as at) placed`;
}

async function fillCertificates(sql: postgres.Sql, { days }: Size): Promise<void> {
  await sql`
    insert into stripe_blnk_sync.certificates (id, proof_id, day, currency, state, trigger, stripe_count, stripe_sum, stripe_hash,
      ledger_count, ledger_sum, ledger_hash, postings_count, postings_sum, postings_hash, findings, findings_count, not_seen,
      stripe_requests, ledger_requests, stripe_as_of, version, proved_at)
    select gen_random_uuid(), gen_random_uuid(), (now() at time zone 'UTC')::date - n, currency, 'sealed', 'two_days', 1, 1,
      repeat('a', 64), 1, 1, repeat('a', 64), 1, 1, repeat('a', 64), '[]', 0, '[]', 1, 1, now(), 'large', now() - n * interval '1 day'
    from generate_series(2, ${days}::int) n, unnest(${CURRENCIES}::text[]) currency`;
}
