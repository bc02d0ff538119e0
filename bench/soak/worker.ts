/**
 * Minutes of a whole worker in real time: `src/main.ts worker` as a user starts it, with payments coming in and faults on
 * both sides, looked at every half minute. Both stand-ins are in this process.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { type TableSize, tableSizes } from '../program/table-sizes.js';
import {
  connectionsOf,
  type ProcessFacts,
  processFacts,
  type QueueFacts,
  queueFacts,
} from '../program/worker-facts.js';
import { runCommand, startWorkerProcess, type WorkerProcess } from '../program/worker-process.js';
import { addBlnkFaults } from './blnk-faults.js';
import { addStripeFaults } from './stripe-faults.js';
import { soakKinds } from './vendors.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const SAMPLE_EVERY_MS = 30 * SECOND_MS;
const LOOK_EVERY_MS = 250;
const BEFORE_MS = 10 * MINUTE_MS;
/** For the last payments to be shown, read and posted, however busy the machine is. */
const SETTLE_MAX_MS = 15 * MINUTE_MS;

export interface WorkerSoakSettings {
  readonly minutes: number;
  /** Payments a second. */
  readonly rate: number;
  /** Share of requests that meet a fault, 0 to 1. */
  readonly faults: number;
  readonly seed: number;
  /** Null: the private server. Else an empty database. */
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
  /** Where the worker's log goes; null: nowhere. */
  readonly logFile: string | null;
}

export interface WorkerSample extends ProcessFacts {
  readonly atMs: number;
  readonly succeeded: number;
  readonly inLedger: number;
  readonly pending: number;
  readonly runs: number;
  readonly coverage: number;
  readonly connections: Readonly<Record<string, number>>;
  readonly queue: QueueFacts | null;
  readonly tables: readonly TableSize[];
}

export interface WorkerSoakOutcome {
  readonly settings: WorkerSoakSettings;
  readonly samples: readonly WorkerSample[];
  readonly wrong: readonly string[];
  /** The first line of `status`, and its exit code. */
  readonly status: string;
  readonly statusMs: number;
  readonly requestsFaulted: number;
  readonly requests: Readonly<Record<string, number>>;
}

export async function runWorkerSoak(
  settings: WorkerSoakSettings,
  onSample: (sample: WorkerSample) => void,
): Promise<WorkerSoakOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-soak-'));
  await chmod(folder, 0o755);
  const now = Math.ceil(Date.now() / SECOND_MS) * SECOND_MS;
  // The account has been paid to before, so that there is a first backfill.
  const [from, to] = [now - BEFORE_MS, now + settings.minutes * MINUTE_MS];
  const [stripe, blnk] = await Promise.all([
    startStripeSandbox({
      seed: settings.seed,
      eventVisibilityDelayMs: { upToMs: 10 * SECOND_MS },
      population: {
        size: Math.round(((to - from) / SECOND_MS) * settings.rate),
        ...{ from: new Date(from), to: new Date(to), kinds: soakKinds() },
      },
    }),
    startBlnkSandbox({ seed: settings.seed, leakLockMs: 0 }),
  ]);
  const soak = new WorkerSoak(settings, { folder, stripe, blnk, from, to });
  try {
    return await soak.run(onSample);
  } finally {
    await soak.close();
    await Promise.all([stripe.close(), blnk.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly stripe: StripeSandbox;
  readonly blnk: BlnkSandbox;
  readonly from: number;
  readonly to: number;
}

class WorkerSoak {
  readonly #variables: Record<string, string>;
  readonly #prefix: string;
  #worker: WorkerProcess | null = null;
  #redis: Redis | null = null;
  #succeeded = 0;
  #nextRank = 0;

  constructor(
    readonly settings: WorkerSoakSettings,
    readonly parts: Parts,
  ) {
    const { stripe, blnk, folder } = parts;
    const { databaseUrl, redisUrl } = settings;
    this.#prefix = `soak-${process.pid}`;
    this.#variables = {
      STRIPE_API_KEY: stripe.apiKey,
      HTTP_PORT: 'off',
      STRIPE_API_BASE: stripe.url,
      BLNK_API_KEY: blnk.cloudToken,
      BLNK_API_BASE: blnk.url,
      BLNK_INSTANCE_ID: blnk.instanceId,
      LOG_LEVEL: 'info',
      DATA_DIR: join(folder, 'data'),
      ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
      ...(redisUrl === null ? {} : { REDIS_URL: redisUrl, QUEUE_PREFIX: this.#prefix }),
    };
  }

  async run(onSample: (sample: WorkerSample) => void): Promise<WorkerSoakOutcome> {
    const { stripe, blnk, to } = this.parts;
    if (this.settings.databaseUrl !== null) await runCommand(['migrate'], this.#variables);
    const worker = await startWorkerProcess({
      ...{ variables: this.#variables, probeFile: this.#probeFile(), logFile: this.settings.logFile },
    });
    this.#worker = worker;
    if (this.settings.redisUrl !== null) this.#redis = new Redis(this.settings.redisUrl);
    addStripeFaults(stripe.faults, this.settings.faults);
    addBlnkFaults(blnk.faults, this.settings.faults);
    const samples: WorkerSample[] = [];
    const sample = async () => {
      samples.push(await this.#sample(worker));
      onSample(samples.at(-1) as WorkerSample);
    };
    for (let next = Date.now() + SAMPLE_EVERY_MS; Date.now() < to; next += SAMPLE_EVERY_MS) {
      await sleep(Math.max(0, next - Date.now()));
      await sample();
    }
    const requestsFaulted = blnk.faults.hits;
    stripe.faults.clear();
    blnk.faults.clear();
    await this.#untilSettled(worker);
    const status = await runCommand(['status'], this.#variables);
    return {
      ...{ settings: this.settings, samples, requestsFaulted, statusMs: status.durationMs },
      wrong: [...(await this.#differences(worker)), ...(status.code === 0 ? [] : [`status left with ${status.code}`])],
      status: status.output.split('\n')[0] ?? '',
      requests: stripe.journal.requests,
    };
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    if (this.#redis !== null) {
      for await (const keys of this.#redis.scanStream({ match: `${this.#prefix}:*`, count: 1_000 })) {
        if (keys.length > 0) await this.#redis.unlink(...keys);
      }
      this.#redis.disconnect();
    }
  }

  #probeFile(): string {
    return join(this.parts.folder, 'memory');
  }

  async #sample(worker: WorkerProcess): Promise<WorkerSample> {
    worker.assertRuns();
    const { sql } = worker.home.database;
    const [counts] = await sql<{ pending: number; runs: number; coverage: number }[]>`
      select (select count(*)::int from stripe_blnk_sync.postings where state = 'pending') as pending,
        (select count(*)::int from stripe_blnk_sync.sync_runs) as runs, (select count(*)::int from stripe_blnk_sync.coverage) as coverage`;
    if (counts === undefined) throw new Error('the database does not answer');
    return {
      ...processFacts(worker.pid, this.#probeFile()),
      ...counts,
      atMs: Date.now() - this.parts.from - BEFORE_MS,
      succeeded: this.#countSucceeded(),
      inLedger: this.parts.blnk.stats().rows,
      connections: await connectionsOf(sql),
      queue: this.#redis === null ? null : await queueFacts(this.#redis, this.#prefix),
      tables: await tableSizes(sql, ['public', 'bullmq']),
    };
  }

  /** Those that succeeded long ago are not counted again. */
  #countSucceeded(): number {
    const settledBefore = Date.now() - 5 * MINUTE_MS;
    let later = 0;
    for (const { rank, created, succeeded } of this.parts.stripe.expected({ fromRank: this.#nextRank })) {
      if (succeeded === null) continue;
      if (rank === this.#nextRank && created.getTime() < settledBefore) {
        this.#nextRank += 1;
        this.#succeeded += 1;
      } else {
        later += 1;
      }
    }
    return this.#succeeded + later;
  }

  async #untilSettled(worker: WorkerProcess): Promise<void> {
    const { stripe, blnk } = this.parts;
    const deadline = performance.now() + SETTLE_MAX_MS;
    const payments = stripe.world.population.size;
    while (performance.now() < deadline) {
      worker.assertRuns();
      const [open] = await worker.home.database.sql<{ pending: number }[]>`
        select count(*)::int as pending from stripe_blnk_sync.postings where state = 'pending'`;
      if (blnk.stats().rows >= payments && open?.pending === 0) return;
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Empty when each payment is in the ledger exactly once, with its content, and all counts add up. */
  async #differences(worker: WorkerProcess): Promise<string[]> {
    const { stripe, blnk } = this.parts;
    const wrong: string[] = [];
    const sums = new Map<string, bigint>();
    let payments = 0;
    for (const { id, expected, destination, created, succeeded } of stripe.expected()) {
      if (succeeded === null || expected.outcome !== 'posted') continue;
      payments += 1;
      const { amount, currency, precision } = expected;
      sums.set(currency, (sums.get(currency) ?? 0n) + amount);
      const row = blnk.byReference(id);
      const held = [row?.status, row?.precise_amount, row?.currency, row?.precision, row?.source, row?.destination];
      const wanted = ['APPLIED', amount, currency, precision, '@stripe', destination];
      if (`${held},${row?.effective_date?.getTime()}` !== `${wanted},${created.getTime()}`) {
        wrong.push(`${id}: the ledger holds ${held}, not ${wanted}`);
      }
    }
    const { rows } = blnk.stats();
    if (rows !== payments) wrong.push(`${rows} rows in the ledger, ${payments} payments`);
    for (const [currency, sum] of sums) {
      const left = -(blnk.balance('@stripe', currency)?.balance ?? 0n);
      if (left !== sum) wrong.push(`${currency}: ${left} left the source balance, the payments are ${sum}`);
    }
    const { sql } = worker.home.database;
    const runs = await sql`
      select id from stripe_blnk_sync.sync_history
      where found <> known_before + stored or (parent_id is null and stored <> posted + already_there + parked + pending)`;
    if (runs.length > 0) wrong.push(`the counts of ${runs.length} runs do not add up`);
    const [own] = await sql<{ posted: number; all: number }[]>`
      select count(*) filter (where state = 'posted')::int as posted, count(*)::int as all from stripe_blnk_sync.postings`;
    if (own?.posted !== payments || own.all !== payments) wrong.push(`our postings: ${JSON.stringify(own)}`);
    return wrong.length <= 20 ? wrong : [...wrong.slice(0, 20), `and ${wrong.length - 20} more`];
  }
}
