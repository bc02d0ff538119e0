/**
 * Days of payments in minutes: real stages, stores and adapters, HTTP and PostgreSQL, on a clock that jumps from one thing
 * to be done to the next. While something is being done the clock goes on with real time, so that slowness shows as lag.
 */
import { randomUUID } from 'node:crypto';
import type { Mirror } from '../../src/core/posting/mirror.js';
import { createMirror, noteLag } from '../../src/db/mirror/mirror-store.js';
import { type HistoryDatabase, openHistoryDatabase } from '../../test/support/history/database.js';
import type { Home } from '../../test/support/homes.js';
import { SimulatedClock } from './simulated-clock.js';
import {
  lookAtEnd,
  lookAtOnce,
  megabytes,
  type SoakOutcome,
  type SoakSample,
  type SoakSettings,
} from './simulated-facts.js';
import { openSimulatedWorker, type SimulatedWorker } from './simulated-worker.js';
import { startVendors, type VendorProcess } from './vendors-process.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** An hour before midnight: its day is proven while payments come in, and is one of a size that a proof can hold. */
const BEGINS_AT = Date.UTC(2026, 5, 1, 23);

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
  readonly #clock = new SimulatedClock(() => this.#nowMs);
  readonly #worker: SimulatedWorker;
  readonly #startedAt = performance.now();
  #nowMs = BEGINS_AT;
  #setAt = performance.now();
  #residentPeakMb = 0;
  #wasCut = false;

  private constructor(
    readonly settings: SoakSettings,
    readonly parts: SoakParts,
    mirror: Mirror,
  ) {
    this.#worker = openSimulatedWorker({
      ...{ database: parts.database, vendors: parts.vendors.addresses, mirror, clock: this.#clock },
      ...{ lagMs: settings.lagMs, keepEmptyRunsMs: settings.keepEmptyRunsMs, provedAfterMs: settings.provedAfterMs },
      onFailed: (job, error) => this.#countFailure(job, error),
    });
  }

  static async open(settings: SoakSettings, parts: SoakParts): Promise<Soak> {
    const { database, vendors } = parts;
    await database.setNow(new Date(BEGINS_AT));
    const mirror = await createMirror(database.db, {
      ...{ mirrorId: randomUUID(), stripeAccount: vendors.addresses.account, livemode: false, blnkInstance: 'core' },
      ...{ source: '@stripe', sourceShards: 1, guestDestination: '@stripe_guests', accountsMode: 'indicators' },
      ...{ mappingVersion: 1, startsAt: new Date(BEGINS_AT) },
    });
    await noteLag(database.db, settings.lagMs);
    return new Soak(settings, parts, mirror);
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
      const dueMs = Math.min(...timers.map(({ nextMs }) => nextMs), this.#clock.nextMs() ?? Number.POSITIVE_INFINITY);
      if (dueMs > untilMs || this.#isTimeUp()) return;
      await this.#moveTo(Math.max(dueMs, this.#reachedMs()));
      this.#clock.ring();
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
    for (let atMs = this.#clock.nextMs(); atMs !== null; atMs = this.#clock.nextMs()) {
      this.#nowMs = Math.max(atMs, this.#reachedMs());
      this.#setAt = performance.now();
      await this.parts.database.setNow(new Date(this.#nowMs));
      this.#clock.ring();
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
    const count = async () =>
      (await sql<{ n: number }[]>`select count(*)::int as n from stripe_blnk_sync.certificates`)[0]?.n;
    const [before, startedAt] = [await count(), performance.now()];
    await this.#worker.prove();
    if ((await count()) !== before) this.#proofsMs.push(Math.round(performance.now() - startedAt));
  }

  async #sample(): Promise<void> {
    const sample: SoakSample = {
      ...(await lookAtOnce(this.parts.database)),
      atMs: this.#nowMs - BEGINS_AT,
      realMs: performance.now() - this.#startedAt,
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
    const realMs = performance.now() - this.#startedAt;
    const tables = await lookAtEnd(this.parts.database, this.settings);
    return {
      ...tables,
      settings: this.settings,
      samples: this.#samples,
      realMs,
      wasCut: this.#wasCut,
      residentPeakMb: this.#residentPeakMb,
      judgement: await this.parts.vendors.judge(tables.completeTo?.getTime() ?? BEGINS_AT),
      failures: this.#failures,
      proofsMs: this.#proofsMs,
    };
  }
}
