/** What is looked at in a simulated soak: a sample now and then, and all that there is in the end. Changes nothing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Database } from '../../src/db/connection/open.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { type TableSize, tableSizes } from '../program/table-sizes.js';
import type { Judgement } from './vendors.js';

const MINUTE_MS = 60_000;

export interface SoakSettings {
  /** Simulated, of payments; the quiet hours after them come on top. */
  readonly hours: number;
  /** Payments a second. */
  readonly rate: number;
  /** Share of requests that meet a fault, 0 to 1. */
  readonly faults: number;
  readonly seed: number;
  readonly lagMs: number;
  readonly customers: number;
  /** Real time after which no further payments are read; what was stored by then is settled and judged. */
  readonly realMinutesMax: number;
  /** Hours without payments at the end, for what is due then: the proof of the last day, retention. */
  readonly quietHours: number;
  readonly keepEmptyRunsMs: number;
  readonly provedAfterMs: number;
}

/** What was seen at one moment; the clock's time counts from the first payment. */
export interface SoakSample {
  readonly atMs: number;
  readonly realMs: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly posted: number;
  readonly pending: number;
  readonly behindMs: number | null;
  readonly runs: number;
  readonly coverage: number;
  readonly databaseMb: number;
}

/** Of our own tables. */
export interface TablesAtEnd {
  /** Sums of what is posted by our own tables, as decimal text by currency. */
  readonly ownSums: Readonly<Record<string, string>>;
  readonly states: Readonly<Record<string, number>>;
  /** Runs whose counts do not add up. */
  readonly wrongRuns: readonly unknown[];
  readonly storedByRuns: number;
  readonly runsByState: Readonly<Record<string, number>>;
  readonly certificates: Readonly<Record<string, number>>;
  readonly completeTo: Date | null;
  readonly holes: number;
  readonly tables: readonly TableSize[];
}

export interface SoakOutcome extends TablesAtEnd {
  readonly settings: SoakSettings;
  readonly samples: readonly SoakSample[];
  readonly realMs: number;
  /** The real time was up before the payments were. */
  readonly wasCut: boolean;
  readonly residentPeakMb: number;
  readonly judgement: Judgement;
  /** Jobs that failed and were asked for again, by job and error code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly proofsMs: readonly number[];
}

/** What the database and this process hold now. */
export async function lookAtOnce({ sql }: Database): Promise<Omit<SoakSample, 'atMs' | 'realMs'>> {
  const [row] = await sql<Pick<SoakSample, 'posted' | 'pending' | 'runs' | 'coverage' | 'databaseMb'>[]>`
      select (select coalesce(sum(stored), 0)::int from stripe_blnk_sync.sync_runs) - pending as posted, pending,
        (select count(*)::int from stripe_blnk_sync.sync_runs) as runs, (select count(*)::int from stripe_blnk_sync.coverage) as coverage,
        (pg_database_size(current_database()) / 1048576)::int as "databaseMb"
      from (select count(*)::int as pending from stripe_blnk_sync.postings where state = 'pending') as open`;
  if (row === undefined) throw new Error('the database does not answer');
  const [covered] = await sql<{ behind_ms: number | null }[]>`
      select extract(epoch from now() - max(covered_to))::float8 * 1000 as behind_ms from stripe_blnk_sync.coverage where feed = 'events'`;
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    ...row,
    residentMb: megabytes(rss),
    heapMb: megabytes(heapUsed),
    behindMs: covered?.behind_ms ?? null,
  };
}

/** What the tables say in the end. */
export async function lookAtEnd({ db, sql }: Database, { lagMs }: SoakSettings): Promise<TablesAtEnd> {
  const reads = createReadModel(db, {
    lagMs,
    intervalMs: MINUTE_MS,
    stripeReads: { used: 0, allowed: null, forecast: 0 },
  });
  const status = await reads.status();
  const sums = await sql<{ currency: string; sum: string }[]>`
      select currency, sum(amount)::text as sum from stripe_blnk_sync.postings where state = 'posted' group by currency order by currency`;
  const counted = async (rows: Promise<readonly { name: string; n: number }[]>) =>
    Object.fromEntries((await rows).map(({ name, n }) => [name, n]));
  const [total] = await sql<{ n: number }[]>`select coalesce(sum(stored), 0)::int as n from stripe_blnk_sync.sync_runs`;
  return {
    ownSums: Object.fromEntries(sums.map(({ currency, sum }) => [currency, sum])),
    states: await counted(sql`select state as name, count(*)::int as n from stripe_blnk_sync.postings group by 1`),
    wrongRuns: await sql`
        select id, status, found, known_before, stored, posted, already_there, parked, pending from stripe_blnk_sync.sync_history
        where found <> known_before + stored or (parent_id is null and stored <> posted + already_there + parked + pending)`,
    storedByRuns: total?.n ?? 0,
    runsByState: await counted(
      sql`select state as name, count(*)::int as n from stripe_blnk_sync.sync_runs group by 1`,
    ),
    certificates: await counted(
      sql`select day::text || ' ' || state as name, count(*)::int as n from stripe_blnk_sync.certificates group by 1 order by 1`,
    ),
    completeTo: status.complete?.to ?? null,
    holes: status.holes.length,
    tables: await tableSizes(sql),
  };
}

/** So that the heap shows what is held, and not what was not thrown away yet. */
const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

export function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
