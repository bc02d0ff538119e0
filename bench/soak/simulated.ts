/**
 * Days of payments in minutes: real stages, stores and adapters, HTTP and PostgreSQL, on a clock that jumps from one thing
 * to be done to the next. While something is being done the clock goes on with real time, so that slowness shows as lag.
 */
import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CURRENT_MAPPING_VERSION } from '../../src/core/mapping.js';
import { createMirror, noteLag } from '../../src/db/mirror-store.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { type HistoryDatabase, openHistoryDatabase } from '../../test/support/history/database.js';
import type { Home } from '../../test/support/homes.js';
import { type TableSize, tableSizes } from '../program/table-sizes.js';
import { openStages, type SimulatedWorker } from './simulated-worker.js';
import type { Judgement } from './vendors.js';
import { startVendors, type VendorProcess } from './vendors-process.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** An hour before midnight: its day is proven while payments come in, and is one of a size that a proof can hold. */
const BEGINS_AT = Date.UTC(2026, 5, 1, 23);

export interface SoakSettings {
  /** Simulated, of payments; the quiet hours after them come on top. */
  readonly hours: number;
  /** Payments a second. */
  readonly rate: number;
  /** Share of requests that a fault strikes, 0 to 1. */
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

export interface SoakOutcome {
  readonly settings: SoakSettings;
  readonly samples: readonly SoakSample[];
  readonly realMs: number;
  /** The real time was up before the payments were. */
  readonly wasCut: boolean;
  readonly residentPeakMb: number;
  readonly judgement: Judgement;
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
  /** Jobs that failed and were asked for again, by job and error code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly tables: readonly TableSize[];
  readonly proofsMs: readonly number[];
}

export async function runSoak(
  settings: SoakSettings,
  home: Home,
  onSample: (sample: SoakSample) => void,
): Promise<SoakOutcome> {
  const payments = Math.round(settings.hours * 3_600 * settings.rate);
  const endsAt = BEGINS_AT + settings.hours * HOUR_MS;
  const vendors = await startVendors({
    ...{ from: BEGINS_AT, to: endsAt, payments, lateByMs: settings.lagMs / 3 },
    ...{ customers: settings.customers, faults: settings.faults, seed: settings.seed },
  });
  const database = await openHistoryDatabase(home);
  try {
    const soak = await Soak.open(settings, { vendors, database, onSample });
    return await soak.run(endsAt);
  } finally {
    await vendors.close();
    await database.remove();
  }
}

interface SoakParts {
  readonly vendors: VendorProcess;
  readonly database: HistoryDatabase;
  onSample(sample: SoakSample): void;
}

interface Timer {
  readonly everyMs: number;
  nextMs: number;
  run(): Promise<void>;
}

class Soak {
  readonly #failures: Record<string, number> = {};
  readonly #samples: SoakSample[] = [];
  readonly #proofsMs: number[] = [];
  readonly #worker: SimulatedWorker;
  readonly #startedAt = performance.now();
  #nowMs = BEGINS_AT;
  #setAt = performance.now();
  #residentPeakMb = 0;
  #wasCut = false;

  private constructor(
    readonly settings: SoakSettings,
    readonly parts: SoakParts,
    mirrorId: string,
  ) {
    this.#worker = openStages({
      ...{ database: parts.database, vendors: parts.vendors.addresses, mirrorId },
      ...{ lagMs: settings.lagMs, keepEmptyRunsMs: settings.keepEmptyRunsMs, provedAfterMs: settings.provedAfterMs },
      nowMs: () => this.#nowMs,
      onFailed: (job, error) => this.#countFailure(job, error),
    });
  }

  static async open(settings: SoakSettings, parts: SoakParts): Promise<Soak> {
    const { database, vendors } = parts;
    const mirrorId = randomUUID();
    await database.setNow(new Date(BEGINS_AT));
    await createMirror(database.db, {
      ...{ mirrorId, stripeAccount: vendors.addresses.account, livemode: false, blnkInstance: 'core' },
      ...{ source: '@stripe', sourceShards: 1, guestDestination: '@stripe_guests', accountsMode: 'indicators' },
      ...{ mappingVersion: CURRENT_MAPPING_VERSION, startsAt: new Date(BEGINS_AT) },
    });
    await noteLag(database.db, settings.lagMs);
    return new Soak(settings, parts, mirrorId);
  }

  async run(endsAt: number): Promise<SoakOutcome> {
    const { quietHours, hours } = this.settings;
    const worker = this.#worker;
    const every = (everyMs: number, run: () => Promise<void>, firstAfterMs = everyMs): Timer => ({
      ...{ everyMs, run, nextMs: BEGINS_AT + firstAfterMs },
    });
    const timers = [
      every(MINUTE_MS, () => worker.tick()),
      every(MINUTE_MS, () => worker.tend(), MINUTE_MS / 2),
      every(10 * SECOND_MS, () => worker.renew()),
      every(10 * MINUTE_MS, () => this.#prove(), 10 * MINUTE_MS - 5 * SECOND_MS),
      every(Math.min(HOUR_MS, (hours * HOUR_MS) / 4), () => this.#sample()),
    ];
    try {
      await this.#live(timers, endsAt);
      await this.parts.vendors.endFaults();
      this.#wasCut = this.#isTimeUp();
      if (this.#wasCut) await this.#settle();
      else await this.#live(timers, endsAt + quietHours * HOUR_MS);
      await this.#sample();
      return await this.#outcome();
    } finally {
      await worker.close();
    }
  }

  async #live(timers: readonly Timer[], untilMs: number): Promise<void> {
    const { lanes } = this.#worker;
    for (;;) {
      const dueMs = Math.min(...timers.map(({ nextMs }) => nextMs), lanes.nextAlarmMs() ?? Number.POSITIVE_INFINITY);
      if (dueMs > untilMs || this.#isTimeUp()) return;
      await this.#moveTo(Math.max(dueMs, this.#reachedMs()));
      lanes.ring();
      for (const timer of timers) {
        if (timer.nextMs > this.#nowMs) continue;
        // What was missed meanwhile is one thing to do, as in a queue that merges requests.
        while (timer.nextMs <= this.#nowMs) timer.nextMs += timer.everyMs;
        await timer.run();
      }
      await lanes.untilIdle();
      this.#residentPeakMb = Math.max(this.#residentPeakMb, megabytes(process.memoryUsage.rss()));
    }
  }

  #isTimeUp(): boolean {
    return performance.now() - this.#startedAt > this.settings.realMinutesMax * MINUTE_MS;
  }

  /** Time stands still at the vendors: no payment comes in, and the lanes post what is stored. */
  async #settle(): Promise<void> {
    const { lanes } = this.#worker;
    for (let atMs = lanes.nextAlarmMs(); atMs !== null; atMs = lanes.nextAlarmMs()) {
      this.#nowMs = Math.max(atMs, this.#reachedMs());
      this.#setAt = performance.now();
      await this.parts.database.setNow(new Date(this.#nowMs));
      lanes.ring();
      await lanes.untilIdle();
    }
  }

  /** Where the clock is by now. */
  #reachedMs(): number {
    return this.#nowMs + (performance.now() - this.#setAt);
  }

  async #moveTo(ms: number): Promise<void> {
    await Promise.all([this.parts.vendors.moveTo(ms), this.parts.database.setNow(new Date(ms))]);
    this.#nowMs = ms;
    this.#setAt = performance.now();
  }

  async #prove(): Promise<void> {
    const { sql } = this.parts.database;
    const count = async () => (await sql<{ n: number }[]>`select count(*)::int as n from certificates`)[0]?.n;
    const [before, startedAt] = [await count(), performance.now()];
    await this.#worker.prove();
    if ((await count()) !== before) this.#proofsMs.push(Math.round(performance.now() - startedAt));
  }

  async #sample(): Promise<void> {
    const { sql } = this.parts.database;
    const [row] = await sql<Pick<SoakSample, 'posted' | 'pending' | 'runs' | 'coverage' | 'databaseMb'>[]>`
      select (select coalesce(sum(stored), 0)::int from sync_runs) - pending as posted, pending,
        (select count(*)::int from sync_runs) as runs, (select count(*)::int from coverage) as coverage,
        (pg_database_size(current_database()) / 1048576)::int as "databaseMb"
      from (select count(*)::int as pending from postings where state = 'pending') as open`;
    if (row === undefined) throw new Error('the database does not answer');
    const [covered] = await sql<{ behind_ms: number | null }[]>`
      select extract(epoch from now() - max(covered_to))::float8 * 1000 as behind_ms from coverage where feed = 'events'`;
    collectGarbage();
    const { rss, heapUsed } = process.memoryUsage();
    const sample: SoakSample = {
      ...row,
      atMs: this.#nowMs - BEGINS_AT,
      realMs: performance.now() - this.#startedAt,
      residentMb: megabytes(rss),
      heapMb: megabytes(heapUsed),
      behindMs: covered?.behind_ms ?? null,
    };
    this.#samples.push(sample);
    this.parts.onSample(sample);
  }

  #countFailure(job: string, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const name = `${job}: ${code}`;
    this.#failures[name] = (this.#failures[name] ?? 0) + 1;
  }

  async #outcome(): Promise<SoakOutcome> {
    const { database, vendors } = this.parts;
    const { sql } = database;
    const realMs = performance.now() - this.#startedAt;
    const reads = createReadModel(database.db, { lagMs: this.settings.lagMs, intervalMs: MINUTE_MS, stripeReads: 0 });
    const status = await reads.status();
    const sums = await sql<{ currency: string; sum: string }[]>`
      select currency, sum(amount)::text as sum from postings where state = 'posted' group by currency order by currency`;
    const counted = async (rows: Promise<readonly { name: string; n: number }[]>) =>
      Object.fromEntries((await rows).map(({ name, n }) => [name, n]));
    const [total] = await sql<{ n: number }[]>`select coalesce(sum(stored), 0)::int as n from sync_runs`;
    return {
      settings: this.settings,
      samples: this.#samples,
      realMs,
      wasCut: this.#wasCut,
      residentPeakMb: this.#residentPeakMb,
      judgement: await vendors.judge(status.complete?.to.getTime() ?? BEGINS_AT),
      ownSums: Object.fromEntries(sums.map(({ currency, sum }) => [currency, sum])),
      states: await counted(sql`select state as name, count(*)::int as n from postings group by 1`),
      wrongRuns: await sql`
        select id, status, found, known_before, stored, posted, already_there, parked, pending from sync_history
        where found <> known_before + stored or (parent_id is null and stored <> posted + already_there + parked + pending)`,
      storedByRuns: total?.n ?? 0,
      runsByState: await counted(sql`select state as name, count(*)::int as n from sync_runs group by 1`),
      certificates: await counted(
        sql`select day::text || ' ' || state as name, count(*)::int as n from certificates group by 1 order by 1`,
      ),
      completeTo: status.complete?.to ?? null,
      holes: status.holes.length,
      failures: this.#failures,
      tables: await tableSizes(sql),
      proofsMs: this.#proofsMs,
    };
  }
}

/** So that the heap shows what is held, and not what was not thrown away yet. */
const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
