/**
 * Reads runs for people: lists, one run, its batch, its progress. Everything derives from `sync_history`, which counts
 * the postings of each run it is asked for; so a list first chooses its few runs and only then reads their counts.
 */
import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, lt, lte, ne, or, type SQL, sql } from 'drizzle-orm';
import type { Money } from '../../core/base/money.js';
import { dayWindow } from '../../core/base/window.js';
import {
  type Feed,
  type RunCounts,
  type RunStatus,
  runStatus,
  STOPPED,
  type Trigger,
} from '../../core/coverage/sync-run.js';
import type { Drizzle } from '../connection/open.js';
import { syncRuns } from '../schema/sync-runs.js';
import type { Standing } from '../schema/totals.js';
import { syncHistory } from '../schema/views.js';
import { cursorUnknown, membersOf } from './payments.js';

type HistoryRow = typeof syncHistory.$inferSelect;

export interface RunRecord extends Omit<HistoryRow, 'totalsMinor' | 'ledgerTotalsMinor' | 'duration'> {
  /** Everything that the run stored, in minor units. */
  readonly totals: readonly Money[];
  /** What of it is in the ledger. */
  readonly ledgerTotals: readonly Money[];
  /** How long collecting took; null while it goes on. */
  readonly durationMs: number | null;
}

export interface RunsQuery {
  readonly limit: number;
  /** Id of the last run of the page before. */
  readonly after?: string;
  readonly feed?: Feed;
  readonly status?: RunStatus;
  readonly trigger?: Trigger;
  /** First and last UTC day of their start, `2026-11-21`. */
  readonly from?: string;
  readonly to?: string;
  /** Runs that stored nothing new are left out unless asked for. */
  readonly includeEmpty?: boolean;
}

export interface RunPage {
  readonly runs: readonly RunRecord[];
  /** Pass as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

export interface FirstRunQuery {
  readonly feed: Feed;
  readonly startedAfter: Date;
}

export type RunAnswer =
  | { readonly kind: 'found'; readonly run: RunRecord; readonly parts: readonly RunRecord[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly ids: readonly string[] };

export interface RunProgress extends Pick<RunCounts, 'found' | 'stored' | 'pending' | 'parked' | 'dismissed'> {
  readonly status: RunStatus;
}

/** Newest first; parts of a run are not listed, their parent is. Throws SyncError `cursor_unknown`. */
export async function listRuns(db: Drizzle, query: RunsQuery): Promise<RunPage> {
  const chosen = await db
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(and(isNull(syncRuns.parentId), ...conditionsOf(query), ...(await positionOf(db, query.after))))
    .orderBy(desc(syncRuns.startedAt), desc(syncRuns.id))
    .limit(query.limit + 1);
  const shown = chosen.slice(0, query.limit).map(({ id }) => id);
  return { runs: await readRuns(db, shown), next: chosen.length > query.limit ? (shown.at(-1) ?? null) : null };
}

/** Runs older than that one. */
async function positionOf(db: Drizzle, after: string | undefined): Promise<SQL[]> {
  if (after === undefined) return [];
  const known = await findRunId(db, after);
  if (known === null) throw cursorUnknown(after, 'the id of no run');
  return [
    sql`(${syncRuns.startedAt}, ${syncRuns.id}) < (
      select cursor.started_at, cursor.id from stripe_blnk_sync.sync_runs cursor where cursor.id = ${known}
    )`,
  ];
}

async function findRunId(db: Drizzle, id: string): Promise<string | null> {
  const bounds = prefixBounds(id);
  if (bounds === null || bounds.lowest !== bounds.highest) return null;
  const [row] = await db.select({ id: syncRuns.id }).from(syncRuns).where(eq(syncRuns.id, bounds.lowest));
  return row?.id ?? null;
}

/** @param id a whole id or the beginning of one */
export async function findRun(db: Drizzle, id: string): Promise<RunAnswer> {
  const bounds = prefixBounds(id);
  if (bounds === null) return { kind: 'unknown' };
  const matches = await db
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(and(gte(syncRuns.id, bounds.lowest), lte(syncRuns.id, bounds.highest)))
    .orderBy(asc(syncRuns.id))
    .limit(10);
  const match = matches[0];
  if (match === undefined) return { kind: 'unknown' };
  if (matches.length > 1) return { kind: 'ambiguous', ids: matches.map((row) => row.id) };
  const children = await db.select({ id: syncRuns.id }).from(syncRuns).where(eq(syncRuns.parentId, match.id));
  const [run] = await readRuns(db, [match.id]);
  if (run === undefined) return { kind: 'unknown' };
  const parts = await readRuns(
    db,
    children.map((child) => child.id),
  );
  return { kind: 'found', run, parts };
}

/** Null when the run is unknown. As cheap for a run of millions as for one of none. */
export async function readProgress(db: Drizzle, runId: string): Promise<RunProgress | null> {
  const members = membersOf(runId);
  const countOf = (...standings: readonly Standing[]) =>
    sql`(select coalesce(sum(total.count), 0) from (
      select run_id, standing, count from stripe_blnk_sync.run_totals
      union all select run_id, standing, count from stripe_blnk_sync.posting_changes
    ) total where total.run_id = any(${members}) and total.standing in ${standings})`.mapWith(Number);
  const sumOf = (column: 'found' | 'stored') =>
    sql`(select sum(member.${sql.raw(column)}) from stripe_blnk_sync.sync_runs member where member.id = any(${members}))`.mapWith(
      Number,
    );
  const [row] = await db
    .select({
      ...{ state: syncRuns.state, errorCode: syncRuns.errorCode, found: sumOf('found'), stored: sumOf('stored') },
      ...{ pending: countOf('pending'), parked: countOf('parked', 'dismissed'), dismissed: countOf('dismissed') },
    })
    .from(syncRuns)
    .where(eq(syncRuns.id, runId));
  if (row === undefined) return null;
  const { state, errorCode, ...counts } = row;
  return { ...counts, status: runStatus({ state, errorCode }, counts) };
}

/**
 * The first run of a feed whose collecting began after a time of the database's clock. Of `events` also a run of the list
 * in its place: what serves a sync while the key may not read events.
 */
export async function findFirstRunAfter(db: Drizzle, { feed, startedAfter }: FirstRunQuery): Promise<string | null> {
  const [row] = await db
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(and(feed === 'events' ? servesSync : eq(syncRuns.feed, feed), gt(syncRuns.startedAt, startedAfter)))
    .orderBy(asc(syncRuns.startedAt), asc(syncRuns.id))
    .limit(1);
  return row?.id ?? null;
}

const servesSync = or(
  eq(syncRuns.feed, 'events'),
  and(eq(syncRuns.feed, 'payment_intents'), isNull(syncRuns.parentId), isNotNull(syncRuns.workerId)),
);

/** The newest run that read to its end or failed, whatever it stored. */
export async function findNewestRun(db: Drizzle, where?: SQL): Promise<RunRecord | null> {
  const [row] = await db
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(where)
    .orderBy(desc(syncRuns.startedAt), desc(syncRuns.id))
    .limit(1);
  if (row === undefined) return null;
  return (await readRuns(db, [row.id]))[0] ?? null;
}

/** Newest first. */
export async function readRuns(db: Drizzle, ids: readonly string[]): Promise<RunRecord[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select()
    .from(syncHistory)
    .where(inArray(syncHistory.id, [...ids]))
    .orderBy(desc(syncHistory.startedAt), desc(syncHistory.id));
  return rows.map(toRecord);
}

function toRecord({ totalsMinor, ledgerTotalsMinor, duration: _, ...row }: HistoryRow): RunRecord {
  return {
    ...row,
    totals: toMoney(totalsMinor),
    ledgerTotals: toMoney(ledgerTotalsMinor),
    durationMs: row.finishedAt === null ? null : row.finishedAt.getTime() - row.startedAt.getTime(),
  };
}

function toMoney(totals: Readonly<Record<string, string>>): Money[] {
  return Object.entries(totals)
    .map(([currency, amount]) => ({ amount: BigInt(amount), currency }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

function conditionsOf({ feed, status, trigger, from, to, includeEmpty = false }: RunsQuery): SQL[] {
  const conditions: Array<SQL | undefined> = [];
  if (feed !== undefined) conditions.push(eq(syncRuns.feed, feed));
  if (status !== undefined) conditions.push(statusCondition(status));
  if (trigger !== undefined) conditions.push(eq(syncRuns.trigger, trigger));
  if (from !== undefined) conditions.push(gte(syncRuns.startedAt, dayWindow(from).from));
  if (to !== undefined) conditions.push(lt(syncRuns.startedAt, dayWindow(to).to));
  if (!includeEmpty) {
    // Asked of each run by the index of parts: an `exists` may be answered by reading all runs first.
    const storedByParts = sql`(
      select 1 from stripe_blnk_sync.sync_runs part where part.parent_id = ${syncRuns.id} and part.stored > 0 limit 1
    ) is not null`;
    // The same as the condition of the index states it, and what the index cannot know.
    conditions.push(or(ne(syncRuns.state, 'collected'), gt(syncRuns.stored, 0), isNull(syncRuns.workerId)));
    conditions.push(or(ne(syncRuns.state, 'collected'), gt(syncRuns.stored, 0), storedByParts));
  }
  return conditions.filter((condition) => condition !== undefined);
}

/** The rule of `runStatus`, asked from the side of the few runs that have something left. */
function statusCondition(status: RunStatus): SQL | undefined {
  const isStopped = sql`coalesce(${syncRuns.errorCode}, '') = ${STOPPED}`;
  if (status === 'collecting') return eq(syncRuns.state, status);
  if (status === 'stopped') return and(eq(syncRuns.state, 'failed'), isStopped);
  if (status === 'failed') return and(eq(syncRuns.state, 'failed'), sql`not ${isStopped}`);
  const topRunsWith = (standing: 'pending' | 'parked') => sql`${syncRuns.id} in (
    select coalesce(member.parent_id, member.id) from stripe_blnk_sync.sync_runs member
    where member.id in (
      select run_id from (
        select run_id, count from stripe_blnk_sync.run_totals where standing = ${standing} and standing in ('pending', 'parked')
        union all select run_id, count from stripe_blnk_sync.posting_changes where standing = ${standing}
      ) total group by run_id having sum(count) > 0
    )
  )`;
  const [pending, waiting] = [topRunsWith('pending'), topRunsWith('parked')];
  const collected = eq(syncRuns.state, 'collected');
  switch (status) {
    case 'posting':
      return and(collected, pending);
    case 'attention':
      return and(collected, sql`not ${pending}`, waiting);
    case 'succeeded':
      return and(collected, sql`not ${pending}`, sql`not ${waiting}`);
    default:
      return status satisfies never;
  }
}

/** The lowest and highest id that begin so; null when no id can. Four digits at least: fewer name too many runs. */
function prefixBounds(prefix: string): { readonly lowest: string; readonly highest: string } | null {
  const digits = prefix.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return null;
  return { lowest: toUuid(digits.padEnd(32, '0')), highest: toUuid(digits.padEnd(32, 'f')) };
}

function toUuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
