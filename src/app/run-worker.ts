/**
 * A worker from start to exit code: waits for servers that are not there yet, runs until SIGINT or SIGTERM, then lets the
 * requests in flight end within the grace. A post is never aborted: one that outlives the grace ends with the process,
 * and is looked up by the next one.
 */
import type { WorkerConfig } from '../config.js';
import { describeError, SyncError } from '../core/errors.js';
import { isServerFault } from '../db/server-faults.js';
import type { Log } from '../observability/log.js';
import { withoutRepeats } from '../observability/without-repeats.js';
import { backoffMs } from '../post/backoff.js';
import type { CrashHooks } from './crash-points.js';
import { closeAfterFault, ensureSchema, type Home, type HomeOptions, openHome } from './home.js';
import { systemClock } from './system-clock.js';
import { TIMINGS, type Timings } from './timings.js';
import { type RunningWorker, startWorker } from './worker-process.js';

export interface RunWorkerOptions {
  readonly log: Log;
  readonly adopt: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly timings?: Timings;
  readonly whenUnreachable?: HomeOptions['whenUnreachable'];
  /** Absent in production. */
  readonly hooks?: CrashHooks;
  /** Called once the worker takes jobs. */
  onStarted?(worker: RunningWorker, home: Home): void;
}

/**
 * @returns 0 after a clean stop, 1 when the grace ran out. Throws SyncError `fatal` when it could not start, and
 *   `code_too_old` after it stopped because the tables were migrated for newer code alone.
 */
export async function runWorker(config: WorkerConfig, options: RunWorkerOptions): Promise<0 | 1> {
  const timings = options.timings ?? TIMINGS;
  const servedNoMore = new AbortController();
  const started = await startWithRetry(config, options, {
    timings,
    onServedNoMore: (error) => servedNoMore.abort(error),
  });
  if (started === null) return 0;
  const { home, worker } = started;
  options.log.info(
    {
      worker: worker.workerId,
      account: worker.mirror.stripeAccount,
      livemode: worker.mirror.livemode,
      since: worker.mirror.startsAt,
    },
    `mirroring every ${config.syncEveryMs / 1000} s`,
  );
  options.onStarted?.(worker, home);
  await aborted(AbortSignal.any([options.signal, servedNoMore.signal]));
  if (servedNoMore.signal.aborted) {
    options.log.error(
      { code: 'code_too_old', error: describeError(servedNoMore.signal.reason) },
      'this version is too old',
    );
  }
  options.log.info({}, 'stopping: no new work; what is in flight ends');
  const clean = await withinGrace(config.shutdownGraceMs, async () => {
    await worker.stop();
    await home.close();
  });
  if (clean) options.log.info({}, 'stopped');
  else options.log.error({}, 'SHUTDOWN_GRACE ran out; what was in flight is looked up at the next start');
  // The same as its next start would say.
  servedNoMore.signal.throwIfAborted();
  return clean ? 0 : 1;
}

interface Starting {
  readonly timings: Timings;
  onServedNoMore(error: SyncError): void;
}

async function startWithRetry(config: WorkerConfig, options: RunWorkerOptions, starting: Starting) {
  for (let tries = 0; !options.signal.aborted; tries += 1) {
    try {
      return await startOnce(config, options, starting);
    } catch (error) {
      const fault = error instanceof SyncError || !isServerFault(error) ? error : databaseFailed(error);
      if (!(fault instanceof SyncError && fault.kind === 'transient')) throw fault;
      const waitMs = backoffMs(tries, Math.random, starting.timings.startRetry);
      options.log.warn(
        { code: fault.code, error: describeError(fault), waitMs: Math.round(waitMs) },
        'cannot start yet; trying again',
      );
      await Promise.race([systemClock.sleep(waitMs), aborted(options.signal)]);
    }
  }
  return null;
}

function databaseFailed(cause: unknown): SyncError {
  return new SyncError('The database answers, and fails at what is asked of it', {
    kind: 'transient',
    code: 'database_failed',
    cause,
  });
}

async function startOnce(config: WorkerConfig, options: RunWorkerOptions, starting: Starting) {
  const { adopt, whenUnreachable, hooks } = options;
  const log = withoutRepeats(options.log, systemClock.monotonicMs);
  const home = await openHome(config, {
    log,
    role: 'worker',
    ...(whenUnreachable === undefined ? {} : { whenUnreachable }),
  });
  try {
    await ensureSchema(home, config);
    return {
      home,
      worker: await startWorker(config, { home, log, adopt, ...starting, ...(hooks === undefined ? {} : { hooks }) }),
    };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

async function withinGrace(graceMs: number, stop: () => Promise<void>): Promise<boolean> {
  const deadline = new AbortController();
  const timeout = systemClock.sleep(graceMs, deadline.signal).then(
    () => false,
    () => true,
  );
  const clean = await Promise.race([stop().then(() => true), timeout]);
  deadline.abort();
  return clean;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
