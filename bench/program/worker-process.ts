/** The program as a user runs it, in processes of its own, and its database looked at from here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Home, openHome } from '../../src/app/home.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';

type Variables = Readonly<Record<string, string>>;

const LOOK_EVERY_MS = 250;

export interface WorkerProcess {
  readonly pid: number;
  readonly home: Home;
  /** Throws when it left. */
  assertRuns(): void;
  /** Tells it to stop and waits until it has. */
  stop(): Promise<void>;
}

export interface WorkerOrder {
  readonly variables: Variables;
  /** Where its memory is noted; see memory-probe.mjs. */
  readonly probeFile: string;
  /** Null: nowhere. */
  readonly logFile: string | null;
}

/** Resolves once the worker has said that it is there. */
export async function startWorkerProcess({ variables, probeFile, logFile }: WorkerOrder): Promise<WorkerProcess> {
  const words = ['--import', 'tsx', '--import', './bench/program/memory-probe.mjs', 'src/main.ts', 'worker'];
  const child = spawn(process.execPath, words, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables, MEMORY_PROBE: probeFile },
    stdio: ['ignore', openSync(logFile ?? '/dev/null', 'a'), 'inherit'],
  });
  const assertRuns = (): void => {
    if (child.exitCode !== null) throw new Error(`the worker left with ${child.exitCode}`);
  };
  try {
    const home = await openWhenReady(variables, assertRuns);
    return {
      ...{ pid: child.pid ?? 0, home, assertRuns },
      async stop() {
        await home.close();
        await stop(child);
      },
    };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** `src/main.ts <words>` to its end. */
export function runCommand(
  words: readonly string[],
  variables: Variables,
): Promise<{ readonly code: number | null; readonly output: string; readonly durationMs: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    output += piece;
  });
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ code, output, durationMs: performance.now() - startedAt })),
  );
}

async function openWhenReady(variables: Variables, assertRuns: () => void): Promise<Home> {
  const options = { log: createLog({ level: 'silent' }), role: 'command' as const };
  for (;;) {
    assertRuns();
    // Not there yet: its data folder is made, or its server starts.
    const home = await openHome(readHomeConfig(variables), options).catch(() => null);
    if (home !== null && (await hasWorker(home))) return home;
    await home?.close();
    await sleep(LOOK_EVERY_MS);
  }
}

async function hasWorker({ database }: Home): Promise<boolean> {
  const rows = await database.sql`select 1 from stripe_blnk_sync.workers`.catch(() => []);
  return rows.length > 0;
}

/** Ends it in order. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const left = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await left;
}
