/**
 * What the mirror remembers of its ledger: ids of source balances, posted references, and how the last look at it came out.
 * It reads the database alone; whether the ledger is the same one is judged by the core.
 */
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import { type LedgerState, type LedgerVerdict, mirrorMoved } from '../../core/ledger/ledger-identity.js';
import { type Lane, laneName } from '../../core/posting/posting.js';
import type { Drizzle } from '../connection/open.js';
import type { Statements } from '../connection/transactions.js';
import { takeClaims } from '../postings/keep-claim.js';
import { ANSWERS_WITHIN_MS, MAY_WORK_WITHIN_MS } from '../workers/liveness.js';
import { findMirror } from './mirror-store.js';

/** A posting that the ledger was seen to hold, to recognise the ledger by. */
export interface PostedReference {
  readonly reference: string;
  readonly transactionId: string | null;
  readonly effectiveAt: Date;
  readonly isRecent: boolean;
}

/**
 * The ids that are remembered of balances of these names, by the names of their lanes. Those that a worker of an earlier version
 * remembered, which knows no names, are of the mirror's source.
 */
export async function rememberedBalances(sql: postgres.Sql, names: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ source: string; currency: string; id: string }[]>`
    select name.source, one.key as currency, one.value as id
    from stripe_blnk_sync.mirror cross join unnest(${[...names]}::text[]) as name(source)
    cross join jsonb_each_text(coalesce(source_balance_ids -> name.source, '{}'::jsonb)
      || case when mirror.source = name.source then source_balances else '{}'::jsonb end) as one`;
  return new Map(rows.map(({ id, ...lane }) => [laneName(lane), id]));
}

/** Remembers an id unless there is one. Answers the id that holds. */
export async function rememberBalance(sql: postgres.Sql, lane: Lane, balanceId: string): Promise<string> {
  const { source: name, currency } = lane;
  const addition = sql`jsonb_build_object(${currency}::text, ${balanceId}::text)`;
  await sql`
    update stripe_blnk_sync.mirror set
      source_balance_ids = source_balance_ids
        || jsonb_build_object(${name}::text, ${addition} || coalesce(source_balance_ids -> ${name}, '{}'::jsonb)),
      source_balances = case when source = ${name} then ${addition} || source_balances else source_balances end
    where not (coalesce(source_balance_ids -> ${name}, '{}'::jsonb) ? ${currency})
      or (source = ${name} and not (source_balances ? ${currency}))`;
  return (await rememberedBalances(sql, [name])).get(laneName(lane)) ?? balanceId;
}

/** Of each end of time; as many again lie anywhere between. */
const AT_EACH_END = 5;
const BETWEEN = 10;

/** Among so many neighbours a posted one is looked for: what waits to be posted lies together, at the ends above all. */
const NEIGHBOURS = 200;

/**
 * About 20 of the postings that were seen in the ledger, spread over time: the oldest, the newest, and some at random. Each is
 * found along the index by effective date, so that a look costs the same with ten million postings.
 * @param options.recentMs what was posted so lately may not be shown yet by a reader that lags
 */
export async function samplePosted(
  sql: postgres.Sql,
  { recentMs }: { readonly recentMs: number },
): Promise<PostedReference[]> {
  const rows = await sql<
    { reference: string; transaction_id: string | null; effective_at_ms: number; is_recent: boolean }[]
  >`
    with span as (select min(effective_at) as first, max(effective_at) as last from stripe_blnk_sync.postings),
    moments as materialized (
      select first + random() * (last - first) as moment from span, generate_series(1, ${BETWEEN})
    ), chosen as (
      (select reference from (
        select reference, state from stripe_blnk_sync.postings order by effective_at limit ${NEIGHBOURS}) near
        where state = 'posted' limit ${AT_EACH_END})
      union
      (select reference from (
        select reference, state from stripe_blnk_sync.postings order by effective_at desc limit ${NEIGHBOURS}) near
        where state = 'posted' limit ${AT_EACH_END})
      union
      select found.reference from moments cross join lateral (
        select near.reference from (
          select reference, state from stripe_blnk_sync.postings where effective_at >= moments.moment
          order by effective_at limit ${NEIGHBOURS}) near
        where near.state = 'posted' limit 1) found
    ), enough as (
      select reference from chosen
      union all
      (select reference from stripe_blnk_sync.postings where state = 'posted' and not exists (select 1 from chosen) limit ${BETWEEN})
    )
    select p.reference, p.transaction_id, (extract(epoch from p.effective_at) * 1000)::float8 as effective_at_ms,
      coalesce(p.posted_at > now() - ${recentMs} * interval '1 millisecond', false) as is_recent
    from enough join stripe_blnk_sync.postings p using (reference) left join stripe_blnk_sync.mirror on true
    where p.state = 'posted' and (mirror.ledger_accepted_at is null or p.posted_at > mirror.ledger_accepted_at)`;
  return rows.map((row) => ({
    reference: row.reference,
    transactionId: row.transaction_id,
    effectiveAt: new Date(row.effective_at_ms),
    isRecent: row.is_recent,
  }));
}

/** How the mirror stands after a look. */
export interface NotedLook {
  readonly state: LedgerState;
  readonly forMs: number;
}

/**
 * Notes what a look came to, and answers how the mirror stands then. A doubt counts from its first look, as long as looks
 * followed each other; one that a person has to end (`other`) stays until a look is sound again.
 * Throws SyncError `mirror_moved` when the mirror was moved since this process read it: what it sees is of another instance id.
 * @param options.gapMaxMs a doubt whose last look is older begins anew: nobody looked meanwhile
 */
export async function noteLook(
  sql: postgres.Sql,
  verdict: LedgerVerdict,
  { epoch, gapMaxMs }: { readonly epoch: number; readonly gapMaxMs: number },
): Promise<NotedLook> {
  const state: LedgerState = verdict.kind;
  const detail = 'detail' in verdict ? verdict.detail : null;
  const next = sql`case when ledger_state = 'other' and ${state} = 'in_doubt' then 'other' else ${state} end`;
  const goesOn = sql`ledger_state = ${next} and ledger_state_since is not null
    and (ledger_state <> 'in_doubt' or ledger_checked_at > now() - ${gapMaxMs} * interval '1 millisecond')`;
  const [row] = await sql<{ state: LedgerState; for_ms: number }[]>`
    update stripe_blnk_sync.mirror set ledger_state = ${next}, ledger_detail = ${detail}, ledger_checked_at = now(),
      ledger_state_since = case when ${goesOn} then ledger_state_since else now() end
    where ledger_epoch = ${epoch}
    returning ledger_state as state, (extract(epoch from now() - ledger_state_since) * 1000)::float8 as for_ms`;
  if (row === undefined) throw mirrorMoved(null);
  return { state: row.state, forMs: row.for_ms };
}

export interface Question {
  readonly epoch: number;
  readonly workerId: string;
  /** The same question was put a moment ago: it may still be answered. */
  readonly isPut: boolean;
}

/**
 * Asks the other workers to look, instead of noting a doubt of a ledger that they may know better. Answers false when there
 * is nobody to ask, when the mirror is in doubt already, or when nobody has answered: then the doubt is noted.
 * That a look is asked for is told by a mirror that was never looked at.
 */
export async function askOthersToLook(sql: postgres.Sql, { epoch, workerId, isPut }: Question): Promise<boolean> {
  const asked = await sql`
    update stripe_blnk_sync.mirror set ledger_checked_at = null
    where ledger_epoch = ${epoch} and ledger_state not in ('in_doubt', 'other')
      and (ledger_checked_at is not null or ${isPut})
      and exists (
        select 1 from stripe_blnk_sync.workers where id <> ${workerId}
          and seen_at > now() - ${ANSWERS_WITHIN_MS} * interval '1 millisecond')`;
  return asked.count > 0;
}

/** Whether the mirror is in doubt, or somebody asks for a look. */
export async function isLookWanted(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ wanted: boolean }[]>`
    select ledger_state in ('in_doubt', 'other') or ledger_checked_at is null as wanted from stripe_blnk_sync.mirror`;
  return row?.wanted ?? false;
}

/** From now on a person has to act. */
export async function noteOtherLedger(sql: postgres.Sql): Promise<void> {
  await sql`update stripe_blnk_sync.mirror set ledger_state = 'other', ledger_state_since = now() where ledger_state = 'in_doubt'`;
}

/** Throws SyncError `mirror_moved` when the mirror was moved since this process read it. */
export async function refuseMoved(db: Drizzle, epoch: number): Promise<void> {
  const held = await findMirror(db);
  if (held !== null && held.ledgerEpoch !== epoch) throw mirrorMoved(held.blnkInstance);
}

interface LivingWorker {
  readonly host: string;
  readonly pid: number;
}

/** Throws SyncError `workers_running` that names them. */
export async function refuseWhileWorkersLive(sql: Statements): Promise<void> {
  const living = await sql<LivingWorker[]>`
    select host, pid from stripe_blnk_sync.workers where seen_at > now() - ${MAY_WORK_WITHIN_MS} * interval '1 millisecond' order by started_at`;
  if (living.length === 0) return;
  const named = living.map(({ host, pid }) => `${host} (${pid})`).join(', ');
  throw new SyncError(
    `Workers are running: ${named}. Stop all of them first (SIGTERM); one that was killed is forgotten after a minute`,
    { kind: 'fatal', code: 'workers_running' },
  );
}

/**
 * The mirror's instance becomes another one, and the epoch is raised. Claims and runs of workers that stand still somewhere are
 * taken from them in the same transaction. Answers the new epoch.
 */
export async function moveMirror(
  sql: postgres.Sql,
  { from, to }: { readonly from: { readonly instance: string; readonly epoch: number }; readonly to: string },
): Promise<number> {
  return sql.begin(async (transaction) => {
    const moved = await transaction<{ epoch: number }[]>`
      update stripe_blnk_sync.mirror set blnk_instance = ${to}, ledger_epoch = ledger_epoch + 1
      where blnk_instance = ${from.instance} and ledger_epoch = ${from.epoch} returning ledger_epoch as epoch`;
    const [row] = moved;
    if (row === undefined) throw movedMeanwhile();
    // After the row is held: a worker that comes now reads the new epoch, or finds it at its first claim.
    await refuseWhileWorkersLive(transaction);
    await takeClaims(transaction);
    await transaction`
      update stripe_blnk_sync.sync_runs set state = 'failed', finished_at = now(), error_code = 'worker_lost',
        error = 'The mirror was moved to another instance id; the next run goes on from the coverage.'
      where state = 'collecting' and worker_id is not null`;
    return row.epoch;
  });
}

function movedMeanwhile(): SyncError {
  return new SyncError(
    'The mirror was moved by somebody else meanwhile; look at `status`, and run it again if need be',
    {
      kind: 'fatal',
      code: 'mirror_moved',
    },
  );
}
