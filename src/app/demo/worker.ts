/**
 * The worker of the demonstration, as a process of its own that can be killed. The same as `worker` but for waits that are there
 * for networks and for Blnk's locks of minutes: a demonstration has no minutes. What to do comes as one message from its parent.
 */
import { fork } from 'node:child_process';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWorkerConfig } from '../../config/config.js';
import type { Bag } from '../../config/environment.js';
import { describeFault } from '../../core/base/errors.js';
import { callProgramAs, commandLine } from '../../core/base/own-command.js';
import { createLog } from '../../observability/log.js';
import { describeSettings } from '../describe-settings.js';
import { TIMINGS, type Timings } from '../timings.js';

export interface DemoWorker {
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>;
  /** As SIGTERM does. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Rejects when it ends without being told to; never resolves. */
  readonly failed: Promise<never>;
}

/** How long a claim of a killed worker stands, and how long Blnk's refusal is doubted. */
export const DEMO_WAITS = { leaseMs: 4_000, finalAfterMs: 2_000 };

const DEMO_TIMINGS: Timings = {
  ...TIMINGS,
  ...DEMO_WAITS,
  jobLockMs: 2_000,
  runSilentAfterMs: 3_000,
  backoff: { baseMs: 100, maxMs: 1_000 },
  lanePause: { baseMs: 100, maxMs: 1_000 },
  // The demonstration proves by itself, so that each proof is seen.
  proofs: { ...TIMINGS.proofs, firstAfterMs: 365 * 86_400_000 },
};

interface Order {
  readonly variables: Bag;
  /** How the reader calls the program that started this process, for the commands that its pages name. */
  readonly program: string;
}
type Report = { readonly fault: string };

export function startDemoWorker(variables: Bag): DemoWorker {
  const own = fileURLToPath(import.meta.url);
  const script = join(dirname(own), `worker-process${extname(own)}`);
  const child = fork(script, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let isExpected = false;
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4_000);
  });
  child.on('message', (report: Report) => {
    said = report.fault;
  });
  child.send({ variables, program: commandLine('').trimEnd() } satisfies Order);
  const gone = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const failed = gone.then((code) => {
    if (isExpected) return new Promise<never>(() => undefined);
    throw new Error(said.trim() === '' ? `The worker ended with ${code}` : said.trim());
  });
  failed.catch(() => undefined);
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    isExpected = true;
    child.kill(signal);
    await gone;
  };
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM'), failed };
}

/** What the process of the worker does with its order; it ends in order when its parent is gone. */
export async function liveAsDemoWorker({ variables, program }: Order, signal: AbortSignal): Promise<string | null> {
  callProgramAs(program);
  const { runWorker } = await import('../worker/run-worker.js');
  try {
    const config = readWorkerConfig(variables);
    const log = createLog({ level: 'silent' });
    await runWorker(config, {
      ...{ log, adopt: false, signal, timings: DEMO_TIMINGS, whenUnreachable: 'temporary' },
      settings: () => describeSettings(variables),
    });
    return null;
  } catch (error) {
    return describeFault(error);
  }
}
