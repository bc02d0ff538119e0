/**
 * What the `sync` job does, whoever asked: begins the mirror at its very first run, requests what open backfills still
 * lack, runs the tail once (or, while the key may not read events, the list of what is new), and requests sweeps.
 */
import { backfillsToRead, openParts } from '../collect/backfill.js';
import { collectNewest } from '../collect/newest.js';
import type { BackfillPart, VendorClock } from '../collect/ports.js';
import { requestSweeps } from '../collect/request-sweeps.js';
import type { CollectPorts } from '../collect/store-page.js';
import { collectTail, type TailOutcome } from '../collect/tail.js';
import { floorToSecond, MINUTE_MS, SECOND_MS } from '../core/base/window.js';
import { type ClockFault, isTimeUnknown } from '../core/coverage/agree-on-time.js';
import type { PaymentFeed, Trigger } from '../core/coverage/sync-run.js';
import { createPermissionWatch, type PermissionPorts, type PermissionWatch } from './permission-watch.js';

export interface SyncJobPorts extends CollectPorts, Omit<PermissionPorts, 'store'> {
  requestPart(part: BackfillPart): Promise<void>;
  /** Which clock was found off last; null when none was lately. */
  clockFault(): ClockFault | null;
  /** Tells people that coverage lay in a time that had not come, and up to when it holds now. */
  onTakenBack?(to: Date): void;
}

/** What the schedule is measured by. */
export interface SchedulePorts {
  /** Milliseconds since the newest run of the tail began, by the database's clock; null when there was none. */
  sinceLastTailMs(): Promise<number | null>;
  /** The interval between scheduled runs that is in force. */
  intervalMs(): Promise<number>;
}

export interface SyncJobOptions {
  readonly lagMs: number;
  readonly signal: AbortSignal;
}

/**
 * Once a minute the whole lag is read again; ticks in between only look at what is newer than the newest event. A little
 * less than the minute, so that a tick that comes early is still this minute's.
 */
const FULL_EVERY_MS = MINUTE_MS - 5 * SECOND_MS;

/** A tick that comes a little early is the schedule's jitter, not a second request. */
const EARLY_MS = 1_000;

/** The run that served the request: of the tail, or of the list while events may not be read. */
export interface SyncOutcome extends TailOutcome {
  readonly feed: PaymentFeed;
}

export type SyncJob = (trigger: Trigger) => Promise<SyncOutcome>;

export function createSyncJob(ports: SyncJobPorts, options: SyncJobOptions): SyncJob {
  let lastFull: { readonly atMs: number; readonly newest: Date | null } | null = null;
  const permissions = createPermissionWatch(ports);
  return async (trigger) => {
    await beginMirror(ports, trigger);
    await requestOpenParts(ports);
    await permissions.probe();
    const nowMs = ports.clock.monotonicMs();
    const fresh = lastFull !== null && nowMs - lastFull.atMs < FULL_EVERY_MS ? lastFull.newest : null;
    let run: SyncOutcome;
    try {
      run = await readNew(ports, permissions, { ...options, trigger, freshOnlyFrom: fresh });
      // Where coverage lay ahead of the truth, this reading began too late: it is done again from where it is sound.
      if (fresh === null && (await takeBackAhead(ports, run)))
        run = await readNew(ports, permissions, { ...options, trigger, freshOnlyFrom: null });
    } catch (error) {
      // What the tail cannot read, a sweep may have to; the fault of the tail is the one that is told.
      await Promise.allSettled([askForSweeps(ports, options.lagMs, null)]);
      throw error;
    }
    const { newest, complete } = run;
    if (fresh === null && complete) lastFull = { atMs: nowMs, newest };
    else if (lastFull !== null) lastFull = { ...lastFull, newest: newest ?? lastFull.newest };
    if (fresh === null || run.feed !== 'events') await askForSweeps(ports, options.lagMs, run.vendorNow);
    return run;
  };
}

async function takeBackAhead(ports: SyncJobPorts, { complete, vendorNow }: SyncOutcome): Promise<boolean> {
  if (!complete || vendorNow === null) return false;
  const takenBackTo = await ports.store.takeBackAhead({ now: vendorNow, isDoubted: isTimeDoubted(ports) });
  if (takenBackTo === null) return false;
  ports.onTakenBack?.(takenBackTo);
  return true;
}

/** Whether the agreed time may be of the past: where only the database or only this machine is off, the other two hold. */
function isTimeDoubted(ports: Pick<SyncJobPorts, 'clockFault'>): boolean {
  const code = ports.clockFault()?.code;
  return code === 'stripe_time_off' || code === 'clocks_disagree';
}

/** The tail; or, while the key may not read events, the list of what is new. */
async function readNew(
  ports: SyncJobPorts,
  permissions: PermissionWatch,
  options: Parameters<typeof collectTail>[1],
): Promise<SyncOutcome> {
  const { eventsRefusedSince } = await ports.store.mirror();
  if (eventsRefusedSince === null) {
    try {
      return { ...(await collectTail(ports, options)), feed: 'events' };
    } catch (error) {
      if (!(await permissions.isRefusal(error, 'events'))) throw error;
    }
  }
  return { ...(await collectNewest(ports, options)), feed: 'payment_intents' };
}

/** @param vendorNow null: asked for with a small request; while it is not known, no sweep can be due */
async function askForSweeps(ports: SyncJobPorts, lagMs: number, vendorNow: Date | null): Promise<void> {
  const now = vendorNow ?? (await timeIfKnown(ports.vendorClock));
  // Which sweeps are due is decided by the vendor's time alone.
  if (now !== null && (await requestSweeps(ports.store, { now, lagMs })) > 0) await requestOpenParts(ports);
}

/** Asks workers for the parts of open backfills and sweeps that are not read yet. Asking twice is harmless. */
export async function requestOpenParts(ports: Pick<SyncJobPorts, 'store' | 'requestPart'>): Promise<void> {
  for (const backfill of await backfillsToRead(ports.store)) {
    const parts = await openParts(ports.store, backfill);
    if (parts.length === 0) await ports.store.finishBackfill(backfill.id);
    for (const part of parts) await ports.requestPart(part);
  }
}

/**
 * Whether a tick of the schedule should ask for a sync. Asked at the tick, never by the job: requests merge, and one that
 * a person waits for must not be dropped because a tick came after it.
 */
export async function isDue(ports: SchedulePorts): Promise<boolean> {
  const since = await ports.sinceLastTailMs();
  return since === null || since >= (await ports.intervalMs()) - EARLY_MS;
}

/** The hand-over: the backfill reads what was created before it, the tail what succeeds from shortly before it on. */
async function beginMirror(ports: SyncJobPorts, trigger: Trigger): Promise<void> {
  const { cutoverAt } = await ports.store.mirror();
  if (cutoverAt !== null) return;
  const now = await ports.vendorClock.serverTime();
  await ports.store.beginMirror(floorToSecond(now), trigger);
}

async function timeIfKnown(clock: VendorClock): Promise<Date | null> {
  try {
    return await clock.serverTime();
  } catch (error) {
    if (isTimeUnknown(error)) return null;
    throw error;
  }
}
