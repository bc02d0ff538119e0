/**
 * A worker in this process, with the same face as a process of its own: for tests of what a worker does, not of what a process is.
 * It starts in a tenth of the time. It can be told to stop; it can neither be killed nor put to sleep.
 */

import { TIMINGS } from '../../../src/app/timings.js';
import { runWorker } from '../../../src/app/worker/run-worker.js';
import { readWorkerConfig } from '../../../src/config/config.js';
import { describeError } from '../../../src/core/base/errors.js';
import type { Log } from '../../../src/observability/log.js';
import type { Child, Ended, LogLine } from './child.js';
import { until } from './wait.js';
import type { WorkerOrder } from './worker.js';

/** As pino numbers them. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
const STOPPING = ['SIGTERM', 'SIGINT', 'SIGHUP'];

const running = new Set<Child>();

export function startWorkerHere(order: WorkerOrder): Child {
  const startedAt = performance.now();
  const lines: LogLine[] = [];
  const stopping = new AbortController();
  let errors = '';
  let isAlive = true;
  const output = () => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const live = async (): Promise<Ended> => {
    const end = { code: 0, signal: null };
    try {
      end.code = await runHere(order, collectLog(lines, order.variables.LOG_LEVEL), stopping.signal);
    } catch (error) {
      errors = `${describeError(error)}\n`;
      end.code = 2;
    }
    isAlive = false;
    running.delete(worker);
    return { ...end, output: output(), errors, durationMs: performance.now() - startedAt };
  };
  const worker: Child = {
    pid: process.pid,
    output,
    errors: () => errors,
    log: () => lines,
    // Not before `worker` is there: what ends at once takes itself out.
    ended: Promise.resolve().then(live),
    isAlive: () => isAlive,
    kill(signal) {
      if (!STOPPING.includes(signal)) throw new Error(`A worker in this process cannot be given ${signal}`);
      stopping.abort();
    },
    send() {
      throw new Error('A worker in this process has no channel');
    },
    untilLogged(message, timeoutMs) {
      return until(
        `a worker logs ${message}`,
        () => {
          const found = lines.find(({ msg }) => (typeof message === 'string' ? msg === message : message.test(msg)));
          if (found === undefined && !isAlive) throw new Error(`the worker ended:\n${output()}${errors}`);
          return found;
        },
        { explain: () => output() + errors, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      );
    },
  };
  running.add(worker);
  return worker;
}

/** Ends whatever a failed test left running. */
export async function endWorkersHere(): Promise<void> {
  const workers = [...running];
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ ended }) => ended));
}

function runHere({ variables, timings, adopt }: WorkerOrder, log: Log, signal: AbortSignal): Promise<0 | 1> {
  return runWorker(readWorkerConfig(variables), { log, adopt, signal, timings: { ...TIMINGS, ...timings } });
}

function collectLog(lines: LogLine[], level = 'info'): Log {
  const least = LEVELS[level as keyof typeof LEVELS] ?? LEVELS.info;
  const at = (name: keyof typeof LEVELS) => (fields: object, msg: string) => {
    if (LEVELS[name] >= least) lines.push({ level: LEVELS[name], time: Date.now(), ...fields, msg });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
