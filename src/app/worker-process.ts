/**
 * Composition: one running worker. Joins vendors, stages, queue and timer; started in order, closed in reverse.
 */
import { v4 as uuidv4 } from 'uuid';
import type { WorkerConfig } from '../config.js';
import { describeError, SyncError } from '../core/errors.js';
import { ignoredStart } from '../core/ignored-start.js';
import type { Mirror } from '../core/mirror.js';
import type { Events } from '../observability/events.js';
import { POSTING } from '../post/posting-sizes.js';
import type { LedgerWatch } from '../worker/ledger-watch.js';
import { claimWith, noteAccess } from './begin-mirror.js';
import { feedsWithPoints, ledgerWithPoints } from './crash-points.js';
import { LANES_AT_ONCE, takeUpWork, type Work } from './take-up-work.js';
import { createVendors, type Vendors } from './vendors.js';
import { watchBalances } from './watch-balances.js';
import { type WatchParts, watchLedger } from './watch-ledger.js';

export interface RunningWorker {
  readonly workerId: string;
  readonly mirror: Mirror;
  /** Takes no new work and waits for what is in flight; then closes everything but the home. */
  stop(): Promise<void>;
}

export interface WorkerOptions extends Pick<Work, 'home' | 'events' | 'outages' | 'timings' | 'hooks' | 'onFatal'> {
  readonly adopt: boolean;
  /** Aborted while it starts: the start ends at once, with SyncError `stopped`. Later `stop` ends it. */
  readonly signal?: AbortSignal;
  /** From here on something may be in flight that is looked up before it stops: `signal` is not listened to any more. */
  onTakesWork?(): void;
}

/** Throws SyncError `fatal` for a person to mend, `transient` when a server is not there yet. */
export async function startWorker(config: WorkerConfig, options: WorkerOptions): Promise<RunningWorker> {
  const stopping = new AbortController();
  const starting = new AbortController();
  const interrupt = (): void => starting.abort();
  options.signal?.addEventListener('abort', interrupt, { once: true });
  if (options.signal?.aborted === true) interrupt();
  const closers: Array<() => Promise<void> | void> = [];
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
    const opened = createVendors(config, {
      ...options,
      postsInFlightMax: LANES_AT_ONCE * POSTING.chunksInFlight,
      signal: AbortSignal.any([stopping.signal, starting.signal]),
      abortLookUps: starting.signal,
    });
    const vendors: Vendors = {
      ...opened,
      feeds: feedsWithPoints(opened.feeds, options.hooks),
      ledger: ledgerWithPoints(opened.ledger, options.hooks),
    };
    closers.push(() => vendors.close());
    const { missing } = await vendors.checkAccess();
    const mirror = await claimWith(config, { ...options, vendors });
    tellIgnoredStart(config, { events: options.events, mirror });
    const workerId = uuidv4();
    const ledgerWatch = await beginWatch({ ...options, vendors, mirror, workerId, onOther: options.onFatal });
    closers.push(ledgerWatch.start());
    await noteAccess(config, { ...options, vendors, missing });
    const askBalances = watchBalances({ ...options, db: options.home.database.db, ledger: vendors.ledger });
    await askBalances();
    // From here on it may have posted something, which is looked up before it stops.
    options.signal?.removeEventListener('abort', interrupt);
    options.onTakesWork?.();
    if (mirror.stripeAccount !== null) vendors.expectAccount(mirror.stripeAccount);
    const { signal } = stopping;
    await takeUpWork({
      ...options,
      ...{ config, vendors, mirror, ledgerWatch, askBalances, workerId, closers, signal },
    });
    return { workerId, mirror, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
  }
}

/** The first look. In doubt the worker starts nevertheless, and collects; what is known to be another ledger is refused. */
async function beginWatch(parts: WatchParts): Promise<LedgerWatch> {
  const watch = watchLedger(parts);
  await watch.confirm().catch((error: unknown) => {
    if (!(error instanceof SyncError && error.code === 'ledger_in_doubt')) throw error;
  });
  return watch;
}

function tellIgnoredStart(
  config: WorkerConfig,
  { events, mirror }: { readonly events: Events; readonly mirror: Mirror },
): void {
  const ignored = ignoredStart(config.syncStart, { startsAt: mirror.startsAt, now: new Date() });
  if (ignored !== null) events.syncStartIgnored({ severity: ignored.level, text: ignored.text });
}
