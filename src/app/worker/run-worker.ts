/**
 * A worker from start to exit code: waits for servers that are not there yet, runs until SIGINT, SIGTERM or SIGHUP, then lets
 * requests in flight end within the grace. A post is never aborted: one that outlives the grace ends with the process,
 * and is looked up by the next one.
 */
import type { WorkerConfig } from '../../config/config.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import { giveUpWith } from '../../core/base/give-up.js';
import { withinTime } from '../../core/base/within-time.js';
import { explainServerFault } from '../../db/connection/server-faults.js';
import type { SettingRecord } from '../../http/ports.js';
import type { Events } from '../../observability/events.js';
import type { Flows } from '../../observability/flows.js';
import type { Log } from '../../observability/log.js';
import { createOutages, type Outages } from '../../observability/outages.js';
import { backoffMs } from '../../post/backoff.js';
import { eventsOf } from '../events-of.js';
import { closeAfterFault, ensureSchema, type Home, type HomeOptions, openHome } from '../home.js';
import { type Overrides, surroundingsOf } from '../overrides.js';
import type { Served, ServeParts } from '../server/serve-http.js';
import { systemClock } from '../system-clock.js';
import { TIMINGS, type Timings } from '../timings.js';
import { serverOf } from './tell-work.js';
import { type RunningWorker, startWorker } from './worker-process.js';

export interface RunWorkerOptions {
  readonly log: Log;
  readonly adopt: boolean;
  readonly userName?: string | undefined;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  readonly timings?: Timings;
  readonly whenUnreachable?: HomeOptions['whenUnreachable'];
  /** What is configured, for people. */
  settings?(): readonly SettingRecord[];
  /** Absent in production. */
  readonly overrides?: Overrides;
  /** From here on something may be in flight. */
  onTakesWork?(): void;
  /** Called once the worker takes jobs. */
  onStarted?(worker: RunningWorker, home: Home): void;
}

/**
 * @returns 0 after a clean stop, 1 when the grace ran out. Throws SyncError `fatal` when it could not start, or after it
 *   stopped because only a person can fix it: the tables serve newer code alone, the ledger is another one, the mirror was moved.
 */
export async function runWorker(config: WorkerConfig, options: RunWorkerOptions): Promise<0 | 1> {
  const timings = options.timings ?? TIMINGS;
  const ended = new AbortController();
  const flows = await flowsFor(config);
  const events = eventsOf(flows?.counted(options.log) ?? options.log);
  const outages = createOutages({ ...events, monotonicMs: systemClock.monotonicMs });
  const started = await startWithRetry(config, options, {
    ...{ timings, events, outages },
    ...(flows === null ? {} : { flows }),
    onFatal: (error) => ended.abort(error),
  });
  if (started === null) return 0;
  const { home, worker } = started;
  events.workerStarted({
    worker: worker.workerId,
    account: worker.mirror.stripeAccount,
    livemode: worker.mirror.livemode,
    since: worker.mirror.startsAt,
    everyMs: config.syncEveryMs,
  });
  const settings = () => options.settings?.() ?? [];
  const pagesParts = { home, queue: worker.queue, events, settings, keys: config, overrides: options.overrides };
  const pages = flows === null ? null : await servePages(config, { ...pagesParts, flows });
  options.onStarted?.(worker, home);
  await aborted(AbortSignal.any([options.signal, ended.signal]));
  if (ended.signal.aborted) {
    const { reason } = ended.signal;
    const code = reason instanceof SyncError ? reason.code : 'unexpected';
    const fields = { code, error: describeError(reason) };
    if (code === 'code_too_old') events.versionTooOld(fields);
    else events.workerMustStop(fields);
  }
  events.workerStopping({});
  pages?.drain();
  const clean = await withinGrace(config.shutdownGraceMs, async () => {
    // Together: what pages ask of both sides ends at its next request.
    await Promise.all([worker.stop(), pages?.close()]);
    await home.close();
  });
  if (clean) events.workerStopped({});
  else events.graceRanOut({});
  // The same as its next start would say.
  ended.signal.throwIfAborted();
  return clean ? 0 : 1;
}

interface Starting {
  readonly timings: Timings;
  readonly events: Events;
  readonly outages: Outages;
  readonly flows?: Flows;
  onFatal(error: SyncError): void;
}

async function startWithRetry(config: WorkerConfig, options: RunWorkerOptions, starting: Starting) {
  const { clock, random } = surroundingsOf(options.overrides ?? {});
  for (let tries = 0; !options.signal.aborted; tries += 1) {
    try {
      return await startOnce(config, options, starting);
    } catch (error) {
      const fault = explainServerFault(error);
      if (!(fault instanceof SyncError && fault.kind === 'transient')) throw fault;
      if (options.signal.aborted) break;
      const waitMs = backoffMs(tries, random, starting.timings.startRetry);
      const server = serverOf(fault);
      if (server !== null) starting.outages.failed(server, describeError(fault));
      starting.events.startWaits({ code: fault.code, error: describeError(fault), waitMs: Math.round(waitMs) });
      await clock.sleep(waitMs, options.signal).catch(() => {
        // Told to stop: the loop sees it.
      });
    }
  }
  return null;
}

async function startOnce(config: WorkerConfig, options: RunWorkerOptions, starting: Starting) {
  const { log, adopt, userName, whenUnreachable, overrides } = options;
  const giving = giveUpWith(options.signal);
  const home = await openHome(config, {
    log,
    role: 'worker',
    giveUp: giving.signal,
    onQueueFault: (error) => starting.outages.failed('queue', error),
    ...(whenUnreachable === undefined ? {} : { whenUnreachable }),
  });
  try {
    await ensureSchema(home, config);
    return {
      home,
      worker: await startWorker(config, {
        ...{ home, adopt, userName, signal: giving.signal },
        onTakesWork() {
          giving.end();
          options.onTakesWork?.();
        },
        ...starting,
        ...(overrides === undefined ? {} : { overrides }),
      }),
    };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

async function withinGrace(graceMs: number, stop: () => Promise<void>): Promise<boolean> {
  return withinTime(
    stop().then(() => true),
    { sleep: (over) => systemClock.sleep(graceMs, over), whenLate: () => false },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Null without an HTTP server: nobody could read what is counted. */
async function flowsFor({ http }: WorkerConfig): Promise<Flows | null> {
  if (http === null) return null;
  const { createFlows } = await import('../../observability/flows.js');
  return createFlows();
}

/** Loaded once the work has begun: its packages take as much memory as Stripe's. */
async function servePages(config: WorkerConfig, parts: ServeParts): Promise<Served | null> {
  const { serveBeside } = await import('../server/serve-http.js');
  return serveBeside(config, parts);
}
