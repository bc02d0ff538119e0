/**
 * One measured run: starts both stand-ins and a worker as processes of their own, waits until everything is settled, and
 * reads times from the run rows and memory from the operating system (Linux; elsewhere memory shows 0).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCommandContext } from '../../src/app/command-context.js';
import type { CommandContext } from '../../src/cli/ports.js';
import { readHomeConfig } from '../../src/config.js';
import { createLog } from '../../src/observability/log.js';
import { freePort } from '../../test/support/free-port.js';
import { stop } from './worker-process.js';

export interface JobSettings {
  readonly intents: number;
  readonly stripeLatencyMs: number;
  readonly blnkLatencyMs: number;
  /** Null: the embedded home. An empty, migrated database else. */
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
  readonly cpuMs: number;
}

const LOOK_EVERY_MS = 200;
const SILENT = createLog({ level: 'silent' });

export async function measureJob(settings: JobSettings): Promise<JobFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-bench-'));
  const children: ChildProcess[] = [];
  try {
    const [stripePort, blnkPort] = [await freePort(), await freePort()];
    children.push(
      start('sandbox/stripe/cli.ts', [
        '--port',
        stripePort,
        '--intents',
        settings.intents,
        '--days',
        25,
        '--latency',
        settings.stripeLatencyMs,
      ]),
      start('sandbox/blnk/cli.ts', ['--port', blnkPort, '--latency', settings.blnkLatencyMs]),
    );
    await Promise.all([answers(stripePort), answers(blnkPort)]);
    const variables = {
      STRIPE_API_KEY: 'sk_test_sandbox',
      STRIPE_API_BASE: `http://127.0.0.1:${stripePort}`,
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
    };
    const worker = start('src/main.ts', ['worker'], variables);
    children.push(worker);
    return await watch(await openWhenReady(variables, worker), worker);
  } finally {
    for (const child of children.reverse()) await stop(child);
    await rm(folder, { recursive: true, force: true });
  }
}

async function watch(context: CommandContext, worker: ChildProcess): Promise<JobFigures> {
  const rssStart = residentMb(worker);
  let rssPeak = rssStart;
  let collectedMs: number | null = null;
  try {
    for (;;) {
      if (worker.exitCode !== null) throw new Error(`the worker left with ${worker.exitCode}`);
      rssPeak = Math.max(rssPeak, residentMb(worker));
      const runId = await context.reads.firstRunAfter({ feed: 'payment_intents', startedAfter: new Date(0) });
      const progress = runId === null ? null : await context.reads.progress(runId);
      if (runId !== null && progress !== null && progress.status !== 'collecting') {
        const answer = await context.reads.run(runId);
        if (answer.kind !== 'found') throw new Error('the run is gone');
        const { run } = answer;
        collectedMs ??= run.durationMs ?? 0;
        if (run.pending === 0) {
          const now = await context.reads.databaseNow();
          return {
            payments: run.stored,
            collectedMs,
            settledMs: now.getTime() - run.startedAt.getTime(),
            requests: run.stripeRequests,
            rssStart,
            rssPeak,
            rssEnd: residentMb(worker),
            cpuMs: cpuMs(worker),
          };
        }
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
      const context = await openCommandContext(readHomeConfig(variables), { log: SILENT });
      if ((await context.reads.livingWorkers()).length > 0) return context;
      await context.close();
    } catch (error) {
      if (worker.exitCode !== null) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function start(
  file: string,
  words: ReadonlyArray<string | number>,
  variables: Record<string, string> = {},
): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', file, ...words.map(String)], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const reply = await fetch(`http://127.0.0.1:${port}/_sandbox/stats`).catch(() => null);
    if (reply !== null) return;
    await sleep(50);
  }
}

function residentMb({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/status`;
  const kilobytes = existsSync(file) ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  return Math.round(Number(kilobytes ?? 0) / 1_024);
}

/** User and system time, in clock ticks of 10 ms. */
function cpuMs({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
