/**
 * One outage: payments are collected while Blnk refuses connections, copies of their rows fill the outbox up, and Blnk
 * comes back while the account goes on being paid.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { freePort } from '../../test/support/free-port.js';
import { type TableSize, tableSizes } from '../program/table-sizes.js';
import { processFacts } from '../program/worker-facts.js';
import { runCommand, startWorkerProcess, type WorkerProcess } from '../program/worker-process.js';
import { soakKinds } from '../soak/vendors.js';
import { type ClaimPlan, claimPlans, copyPending } from './rows.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const SAMPLE_EVERY_MS = 10 * SECOND_MS;
const LOOK_EVERY_MS = 500;
/** A lane that paused comes back within a minute after the outage: what is stored until then waits for that as well. */
const LANES_BACK_MS = 75 * SECOND_MS;
/** New payments come in for at most so long. */
const PAID_FOR_MS = 4 * 60 * MINUTE_MS;

export interface BacklogSettings {
  readonly pending: number;
  /** Of these, so many are collected by the worker; the others are copies of their rows. */
  readonly collected: number;
  /** Payments a second that come in all the time. */
  readonly rate: number;
  readonly seed: number;
  /** No longer is the drain watched. */
  readonly drainMinutesMax: number;
  readonly databaseUrl: string | null;
  readonly logFile: string | null;
}

export interface DrainSample {
  readonly atMs: number;
  readonly pending: number;
  readonly residentMb: number;
  /** Of the tenth of the backlog that waits the longest, and of all of it: the share that is posted. */
  readonly oldestTenth: number;
  readonly backlog: number;
  /** New payments of the last interval: milliseconds from stored to posted, the middle one and the longest. */
  readonly newPosted: number;
  readonly newMedianMs: number;
  readonly newMostMs: number;
  /** New ones that wait now: how many, and the longest. */
  readonly newWaiting: number;
  readonly newWaitingMs: number;
}

export interface BacklogOutcome {
  readonly settings: BacklogSettings;
  readonly pending: number;
  readonly workerMb: number;
  /** Of the command, from start to end; and of its reading alone. */
  readonly statusMs: readonly number[];
  readonly plans: readonly ClaimPlan[];
  readonly tables: readonly TableSize[];
  readonly samples: readonly DrainSample[];
  readonly drainedMs: number | null;
  readonly residentPeakMb: number;
  readonly ledgerRows: number;
  readonly states: Readonly<Record<string, number>>;
  readonly twice: number;
}

export interface BacklogWatch {
  onStep(text: string): void;
  onSample(sample: DrainSample): void;
}

export async function runBacklog(settings: BacklogSettings, watch: BacklogWatch): Promise<BacklogOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-backlog-'));
  await chmod(folder, 0o755);
  const now = Math.floor(Date.now() / SECOND_MS) * SECOND_MS;
  const stripe = await startStripeSandbox({ seed: settings.seed, population: populationOf(settings, now) });
  // A port of its own: it must be found again after the outage.
  const blnk = await startBlnkSandbox({ seed: settings.seed, leakLockMs: 0, port: await freePort() });
  const outage = new Outage(settings, watch, { folder, stripe, blnk });
  try {
    return await outage.run();
  } finally {
    await outage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A stand-in's population has one rate: the history is as long as it takes for what is to be collected. */
function populationOf({ collected, rate }: BacklogSettings, now: number) {
  const from = now - (collected / rate) * SECOND_MS;
  const to = now + PAID_FOR_MS;
  return {
    size: Math.round(((to - from) / SECOND_MS) * rate),
    ...{ from: new Date(from), to: new Date(to), kinds: soakKinds() },
  };
}

interface Parts {
  readonly folder: string;
  readonly stripe: StripeSandbox;
  readonly blnk: BlnkSandbox;
}

class Outage {
  readonly #variables: Record<string, string>;
  #worker: WorkerProcess | null = null;
  #isBlnkUp = true;
  #residentPeakMb = 0;

  constructor(
    readonly settings: BacklogSettings,
    readonly watch: BacklogWatch,
    readonly parts: Parts,
  ) {
    const { stripe, blnk, folder } = parts;
    this.#variables = {
      STRIPE_API_KEY: stripe.apiKey,
      HTTP_PORT: 'off',
      STRIPE_API_BASE: stripe.url,
      STRIPE_SHARE: '1',
      // New payments are seen soon, so that it is posting that they wait for.
      SYNC_EVERY: '10s',
      BLNK_API_KEY: blnk.cloudToken,
      BLNK_API_BASE: blnk.url,
      BLNK_INSTANCE_ID: blnk.instanceId,
      LOG_LEVEL: 'info',
      DATA_DIR: join(folder, 'data'),
      ...(settings.databaseUrl === null ? {} : { DATABASE_URL: settings.databaseUrl }),
    };
  }

  async run(): Promise<BacklogOutcome> {
    const { settings, watch, parts } = this;
    if (settings.databaseUrl !== null) await runCommand(['migrate'], this.#variables);
    const probeFile = join(parts.folder, 'memory');
    const worker = await startWorkerProcess({ variables: this.#variables, probeFile, logFile: settings.logFile });
    this.#worker = worker;
    // It has asked Blnk whether it may post, as every start does; now Blnk goes away.
    await parts.blnk.close();
    this.#isBlnkUp = false;
    const { sql } = worker.home.database;
    await this.#untilPending(worker, settings.collected);
    watch.onStep(`${settings.collected} collected while Blnk refuses connections`);
    const pending = await copyPending(sql, settings.pending);
    watch.onStep(`${pending} pending`);
    const before = await this.#measureBacklog(worker, probeFile);
    const backlogUpTo = await this.#databaseNow(sql);
    await parts.blnk.listen();
    this.#isBlnkUp = true;
    const drain = await this.#drain(worker, { probeFile, backlogUpTo });
    const ends = await this.#ends(sql);
    return { settings, pending, ...before, ...drain, residentPeakMb: this.#residentPeakMb, ...ends };
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    await Promise.all([this.parts.stripe.close(), ...(this.#isBlnkUp ? [this.parts.blnk.close()] : [])]);
  }

  async #untilPending(worker: WorkerProcess, wanted: number): Promise<void> {
    for (;;) {
      worker.assertRuns();
      const [row] = await worker.home.database.sql<{ n: number }[]>`
        select count(*)::int as n from stripe_blnk_sync.postings where state = 'pending'`;
      if ((row?.n ?? 0) >= wanted) return;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #measureBacklog(worker: WorkerProcess, probeFile: string) {
    const { sql } = worker.home.database;
    const statusMs: number[] = [];
    for (let n = 0; n < 3; n += 1)
      statusMs.push(Math.round((await runCommand(['status'], this.#variables)).durationMs));
    const plans = await claimPlans(sql);
    const workerMb = processFacts(worker.pid, probeFile).residentMb;
    return { statusMs, plans, workerMb, tables: await tableSizes(sql) };
  }

  async #drain(worker: WorkerProcess, about: { readonly probeFile: string; readonly backlogUpTo: Date }) {
    const { settings, watch } = this;
    const samples: DrainSample[] = [];
    const startedAt = performance.now();
    const tenth = await oldestTenthUpTo(worker.home.database.sql, about.backlogUpTo);
    for (let next = startedAt + SAMPLE_EVERY_MS; ; next += SAMPLE_EVERY_MS) {
      await sleep(Math.max(0, next - performance.now()));
      worker.assertRuns();
      const sample = await this.#sample(worker, { ...about, tenth, atMs: performance.now() - startedAt });
      samples.push(sample);
      watch.onSample(sample);
      if (sample.backlog >= 1) return { samples, drainedMs: sample.atMs };
      if (sample.atMs > settings.drainMinutesMax * MINUTE_MS) return { samples, drainedMs: null };
    }
  }

  async #sample(
    worker: WorkerProcess,
    about: { probeFile: string; backlogUpTo: Date; tenth: { upTo: Date; size: number }; atMs: number },
  ): Promise<DrainSample> {
    const { sql } = worker.home.database;
    const { residentMb } = processFacts(worker.pid, about.probeFile);
    this.#residentPeakMb = Math.max(this.#residentPeakMb, residentMb);
    const upTo = about.backlogUpTo.toISOString();
    const newFrom = new Date(about.backlogUpTo.getTime() + LANES_BACK_MS).toISOString();
    const [open] = await sql<{ pending: number; old: number; tenth: number; fresh: number; fresh_ms: number }[]>`
      select count(*)::int as pending, count(*) filter (where stored_at < ${upTo}::timestamptz)::int as old,
        count(*) filter (where stored_at < ${upTo}::timestamptz and stored_at <= ${about.tenth.upTo.toISOString()}::timestamptz)::int as tenth,
        count(*) filter (where stored_at >= ${newFrom}::timestamptz)::int as fresh,
        coalesce(max(extract(epoch from now() - stored_at) * 1000) filter (where stored_at >= ${newFrom}::timestamptz), 0)::float8 as fresh_ms
      from stripe_blnk_sync.postings where state = 'pending'`;
    const [posted] = await sql<{ n: number; median: number; most: number }[]>`
      select count(*)::int as n,
        coalesce(percentile_cont(0.5) within group (order by extract(epoch from posted_at - stored_at) * 1000), 0)::float8 as median,
        coalesce(max(extract(epoch from posted_at - stored_at) * 1000), 0)::float8 as most
      from stripe_blnk_sync.postings where state = 'posted' and effective_at > ${upTo}::timestamptz and stored_at >= ${newFrom}::timestamptz
        and posted_at > now() - ${SAMPLE_EVERY_MS} * interval '1 millisecond'`;
    if (open === undefined || posted === undefined) throw new Error('the database does not answer');
    return {
      ...{ atMs: about.atMs, residentMb, pending: open.pending },
      oldestTenth: 1 - open.tenth / Math.max(1, about.tenth.size),
      backlog: 1 - open.old / this.settings.pending,
      ...{ newPosted: posted.n, newMedianMs: posted.median, newMostMs: posted.most },
      ...{ newWaiting: open.fresh, newWaitingMs: open.fresh_ms },
    };
  }

  async #ends(sql: postgres.Sql) {
    const { blnk } = this.parts;
    const states = await sql<{ name: string; n: number }[]>`
      select state as name, count(*)::int as n from stripe_blnk_sync.postings group by 1`;
    const seen = new Set<string>();
    let twice = 0;
    for (const { reference, status } of blnk.transactions()) {
      if (seen.has(reference) || status !== 'APPLIED') twice += 1;
      seen.add(reference);
    }
    return { states: Object.fromEntries(states.map(({ name, n }) => [name, n])), twice, ledgerRows: blnk.stats().rows };
  }

  async #databaseNow(sql: postgres.Sql): Promise<Date> {
    const [row] = await sql<{ ms: number }[]>`select (extract(epoch from now()) * 1000)::float8 as ms`;
    return new Date(row?.ms ?? 0);
  }
}

/** The tenth that was stored first, and so is due the longest. */
async function oldestTenthUpTo(sql: postgres.Sql, upTo: Date): Promise<{ readonly upTo: Date; readonly size: number }> {
  const [row] = await sql<{ ms: number; size: number }[]>`
    with tenth as (
      select percentile_disc(0.1) within group (order by stored_at) as upto from stripe_blnk_sync.postings
      where state = 'pending' and stored_at < ${upTo.toISOString()}::timestamptz
    )
    select (extract(epoch from max(tenth.upto)) * 1000)::float8 as ms, count(*)::int as size
    from stripe_blnk_sync.postings, tenth where state = 'pending' and stored_at <= tenth.upto`;
  return { upTo: new Date(row?.ms ?? 0), size: row?.size ?? 1 };
}
