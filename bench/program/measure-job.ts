/**
 * One measured run: starts both stand-ins and a worker as processes of their own, waits until everything is settled, and
 * reads times from the run rows and memory from the operating system (Linux; elsewhere memory shows 0).
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { openCommandContext } from '../../src/app/commands/command-context.js';
import { openHome } from '../../src/app/home.js';
import type { CommandContext } from '../../src/cli/ports.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { freePort } from '../../test/support/free-port.js';
import { type BareLoopFigures, readBare } from './bare-loop.js';
import { answers, cpuMs, migrate, pageFaults, residentMb, start } from './measured-process.js';
import { serverCpuMs } from './server-cpu.js';
import { type StripeOrder, startStripe } from './stripe-process.js';
import { stop } from './worker-process.js';

export interface JobSettings extends Pick<StripeOrder, 'intents' | 'endpointPerSecond' | 'newestTenth'> {
  /** The history's length. */
  readonly historySeconds: number;
  readonly stripeLatencyMs: number;
  readonly blnkLatencyMs: number;
  /** How long each posted transaction holds its balances in Blnk. */
  readonly blnkItemMs: number;
  /** False: all is read and stored, and nothing posted. */
  readonly posts: boolean;
  /** Processes that share the job. Memory and processor time are told of the first. */
  readonly workers: number;
  /** How many of the others are killed once 5,000 payments are stored. */
  readonly kills: number;
  /** Chains of the bare loop that is read with before; null: none. */
  readonly bareChains: number | null;
  /** Where a profile of the worker's processor time is written (as V8 does); null: nowhere. */
  readonly profileTo: string | null;
  /** Further variables of the worker. */
  readonly variables: Readonly<Record<string, string>>;
  /** Null: the embedded home. An empty database else. */
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
}

export interface JobFigures {
  readonly payments: number;
  /** From the start of the first run until everything was stored, and until everything was settled. */
  readonly collectedMs: number;
  readonly settledMs: number;
  readonly requests: number;
  /** Resident memory of the worker in MB: before the first page, at most, at the end. */
  readonly rssStart: number;
  readonly rssPeak: number;
  readonly rssEnd: number;
  /** Of the worker from when it was there. */
  readonly cpuMs: number;
  readonly pageFaults: number;
  /** Of PostgreSQL while the worker ran; null where it cannot be seen. */
  readonly serverCpuMs: number | null;
  /** Of the bare loop over the same history, in the same run. */
  readonly bare: BareLoopFigures | null;
}

const LOOK_EVERY_MS = 200;
const SILENT = createLog({ level: 'silent' });
/** How long ago the history ended: beyond what events tell. */
const ENDED_SECONDS_AGO = 3_600;
/** Of the bare loop where there is no limit. */
const UNLIMITED_PER_SECOND = 100_000;

export async function measureJob(settings: JobSettings): Promise<JobFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-bench-'));
  const children: ChildProcess[] = [];
  try {
    const to = Math.floor(Date.now() / 1_000) - ENDED_SECONDS_AGO;
    const order = { ...settings, latencyMs: settings.stripeLatencyMs, from: to - settings.historySeconds, to };
    const stripe = await startStripe(order);
    children.push(stripe.child);
    const requestsPerSecond = settings.endpointPerSecond ?? UNLIMITED_PER_SECOND;
    const bare =
      settings.bareChains === null
        ? null
        : await readBare({ ...stripe, ...order, chains: settings.bareChains, requestsPerSecond });
    const blnkPort = await freePort();
    const blnkWords = ['--port', blnkPort, '--latency', settings.blnkLatencyMs, '--item', settings.blnkItemMs];
    children.push(await start('sandbox/blnk/cli.ts', blnkWords));
    await answers(blnkPort);
    const variables = {
      STRIPE_API_KEY: stripe.apiKey,
      HTTP_PORT: 'off',
      STRIPE_API_BASE: stripe.url,
      STRIPE_SHARE: '1',
      BLNK_API_KEY: 'blnk_test_key',
      BLNK_INSTANCE_ID: 'inst_test',
      BLNK_API_BASE: `http://127.0.0.1:${blnkPort}`,
      LOG_LEVEL: 'warn',
      DATA_DIR: folder,
      ...(settings.databaseUrl === null ? {} : { DATABASE_URL: settings.databaseUrl }),
      ...(settings.redisUrl === null
        ? {}
        : { REDIS_URL: settings.redisUrl, QUEUE_PREFIX: `bench-${process.pid}-${settings.intents}` }),
      ...settings.variables,
    };
    if (settings.databaseUrl !== null) await migrate(variables);
    const startWorker = (profileTo: string | null): Promise<ChildProcess> =>
      settings.posts
        ? start('src/main.ts', ['worker'], variables, profileTo)
        : start('bench/program/reading-worker.ts', [], variables, profileTo);
    const worker = await startWorker(settings.profileTo);
    children.push(worker);
    const others = await Promise.all(Array.from({ length: settings.workers - 1 }, () => startWorker(null)));
    children.push(...others);
    const context = await openWhenReady(variables, worker);
    const home = await openHome(readHomeConfig(variables), { log: SILENT, role: 'command' });
    try {
      const beforeMs = await serverCpuMs(home.database.sql);
      const killing = killSome(others.slice(0, settings.kills), home.database.sql);
      const figures = await watch(context, { worker, posts: settings.posts, sql: home.database.sql });
      await killing;
      const afterMs = await serverCpuMs(home.database.sql);
      const twice = settings.posts ? await countTwice(blnkPort, home.database.sql) : 0;
      if (twice !== 0) throw new Error(`the ledger holds ${twice} rows more than were posted`);
      const tookMs = beforeMs === null || afterMs === null ? null : afterMs - beforeMs;
      return { ...figures, serverCpuMs: tookMs, bare };
    } finally {
      await home.close();
    }
  } finally {
    for (const child of children.reverse()) await stop(child);
    await rm(folder, { recursive: true, force: true });
  }
}

/** SIGKILL, once much is stored and much is left. */
async function killSome(workers: readonly ChildProcess[], sql: postgres.Sql): Promise<void> {
  if (workers.length === 0) return;
  while ((await sql`select 1 from stripe_blnk_sync.postings offset 5000 limit 1`).length === 0)
    await sleep(LOOK_EVERY_MS);
  for (const worker of workers) worker.kill('SIGKILL');
}

/** Rows of the ledger beyond the postings that it was seen to hold. */
async function countTwice(blnkPort: number, sql: postgres.Sql): Promise<number> {
  const stats = (await (await fetch(`http://127.0.0.1:${blnkPort}/_sandbox/stats`)).json()) as {
    readonly rows: number;
  };
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from stripe_blnk_sync.postings where state = 'posted'`;
  return stats.rows - (row?.n ?? 0);
}

/** Looks with statements that cost next to nothing: what PostgreSQL spends is measured. */
async function watch(
  context: CommandContext,
  { worker, posts, sql }: { readonly worker: ChildProcess; readonly posts: boolean; readonly sql: postgres.Sql },
): Promise<Omit<JobFigures, 'bare' | 'serverCpuMs'>> {
  const rssStart = residentMb(worker);
  let rssPeak = rssStart;
  const [startedWithMs, startedWithFaults] = [cpuMs(worker), pageFaults(worker)];
  try {
    for (;;) {
      if (worker.exitCode !== null) throw new Error(`the worker left with ${worker.exitCode}`);
      rssPeak = Math.max(rssPeak, residentMb(worker));
      const [state] = await sql<{ is_read: boolean; is_pending: boolean }[]>`
        select exists (
          select 1 from stripe_blnk_sync.sync_runs where feed = 'payment_intents' and parent_id is null and state <> 'collecting') as is_read,
        exists (select 1 from stripe_blnk_sync.postings where state = 'pending') as is_pending`;
      if (state?.is_read === true && !(posts && state.is_pending)) {
        const now = await context.reads.databaseNow();
        const runId = await context.reads.firstRunAfter({ feed: 'payment_intents', startedAfter: new Date(0) });
        const answer = runId === null ? null : await context.reads.run(runId);
        if (answer?.kind !== 'found') throw new Error('the run is gone');
        const { run } = answer;
        return {
          payments: run.stored,
          collectedMs: run.durationMs ?? 0,
          settledMs: now.getTime() - run.startedAt.getTime(),
          requests: run.stripeRequests,
          rssStart,
          rssPeak,
          rssEnd: residentMb(worker),
          cpuMs: cpuMs(worker) - startedWithMs,
          pageFaults: pageFaults(worker) - startedWithFaults,
        };
      }
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    await context.close();
  }
}

async function openWhenReady(variables: Record<string, string>, worker: ChildProcess): Promise<CommandContext> {
  for (;;) {
    if (worker.exitCode !== null) throw new Error(`the worker left with ${worker.exitCode}`);
    try {
      const context = await openCommandContext(readHomeConfig(variables), { log: SILENT, userName: 'bench' });
      if ((await context.reads.livingWorkers()).length > 0) return context;
      await context.close();
    } catch (error) {
      if (worker.exitCode !== null) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
}
