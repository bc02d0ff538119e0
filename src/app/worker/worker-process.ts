/**
 * Composition: one running worker. Joins vendors, stages, queue and timer; started in order, closed in reverse.
 */
import { v4 as uuidv4 } from 'uuid';
import type { WorkerConfig } from '../../config/config.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { ignoredStart } from '../../core/settings/ignored-start.js';
import { POSTING, requestsAtOnce } from '../../post/posting-sizes.js';
import type { JobQueue } from '../../queue/job-queue.js';
import type { RunningTasks } from '../../worker/background-tasks.js';
import type { LedgerWatch } from '../../worker/ledger-watch.js';
import { type Context, createContext } from '../context.js';
import { lookAtBalances } from '../look-at-balances.js';
import type { Overrides } from '../overrides.js';
import { claimWith, noteAccess } from './begin-mirror.js';
import { LANES_AT_ONCE, startWork, type Work } from './start-work.js';
import { type WatchParts, watchLedger } from './watch-ledger.js';

export interface RunningWorker {
  readonly workerId: string;
  readonly mirror: Mirror;
  /** To which requests go, for as long as it runs. */
  readonly queue: JobQueue;
  /** What each background task came to last. */
  readonly lastTurns: RunningTasks['lastTurns'];
  /** Takes no new work and waits for what is in flight; then closes everything but the home. */
  stop(): Promise<void>;
}

export interface WorkerOptions
  extends Pick<Work, 'home' | 'outages' | 'onFatal'>,
    Pick<Context, 'events' | 'timings' | 'flows'> {
  readonly adopt: boolean;
  /** Who started it: in whose name it is noted that a ledger was adopted. */
  readonly userName?: string | undefined;
  /** Aborted while it starts: the start ends at once, with SyncError `stopped`. Later `stop` ends it. */
  readonly signal?: AbortSignal;
  /** From here on something may be in flight that is looked up before it stops: `signal` is not listened to any more. */
  onTakesWork?(): void;
  readonly overrides?: Overrides;
}

/** Throws SyncError `fatal` for a person to fix, `transient` when a server is not there yet. */
export async function startWorker(config: WorkerConfig, options: WorkerOptions): Promise<RunningWorker> {
  const stopping = new AbortController();
  const starting = new AbortController();
  const interrupt = (): void => starting.abort();
  options.signal?.addEventListener('abort', interrupt, { once: true });
  if (options.signal?.aborted === true) interrupt();
  const closers: Work['closers'] = [];
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const close of closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        // A server that is away must not keep the rest open.
        options.events.closingFailed({ error: describeError(error) });
      }
    }
  };
  try {
    const parts = {
      ...{ ...options, database: options.home.database },
      requestsToBlnkMax: LANES_AT_ONCE * requestsAtOnce({ ...POSTING, ...options.overrides?.posting }),
      signal: AbortSignal.any([stopping.signal, starting.signal]),
      abortLookUps: starting.signal,
    };
    const context = createContext(config, parts, options.overrides);
    const { vendors } = context;
    closers.push(() => vendors.close());
    const { missing } = await vendors.checkAccess();
    const mirror = await claimWith(context, options);
    tellIgnoredStart(context, mirror);
    const workerId = uuidv4();
    const ledgerWatch = await beginWatch(context, { mirror, workerId, onOther: options.onFatal });
    await noteAccess(context, { missing });
    await lookAtBalances(context);
    // From here on it may have posted something, which is looked up before it stops.
    options.signal?.removeEventListener('abort', interrupt);
    options.onTakesWork?.();
    if (mirror.stripeAccount !== null) vendors.expectAccount(mirror.stripeAccount);
    const { queue, lastTurns } = await startWork(context, {
      ...options,
      mirror,
      ledgerWatch,
      workerId,
      closers,
      signal: stopping.signal,
    });
    return { workerId, mirror, queue, lastTurns, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
  }
}

/** The first look. In doubt the worker starts nevertheless, and collects; what is known to be another ledger is refused. */
async function beginWatch(context: Context, parts: WatchParts): Promise<LedgerWatch> {
  const watch = watchLedger(context, parts);
  await watch.confirm().catch((error: unknown) => {
    if (!(error instanceof SyncError && error.code === 'ledger_in_doubt')) throw error;
  });
  return watch;
}

function tellIgnoredStart({ config, events, machineNow }: Context, { startsAt }: Mirror): void {
  const ignored = ignoredStart(config.syncStart, { startsAt, now: machineNow() });
  if (ignored !== null) events.syncStartIgnored({ severity: ignored.level, text: ignored.text });
}
