/**
 * What the `sync` job does, whoever asked: begins the mirror at its very first run, asks for what open backfills still
 * lack, and runs the tail once.
 */
import { type BackfillPart, openParts } from '../collect/backfill.js';
import type { VendorClock } from '../collect/ports.js';
import { collectTail, type TailOutcome, type TailPorts } from '../collect/tail.js';
import type { Clock } from '../core/clock.js';
import type { Trigger } from '../core/sync-run.js';
import { floorToSecond, MINUTE_MS, SECOND_MS } from '../core/window.js';
import { noServerTime } from './claim-mirror.js';

export interface SyncJobPorts extends TailPorts {
  readonly vendorClock: VendorClock;
  readonly clock: Clock;
  requestPart(part: BackfillPart): Promise<void>;
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

export type SyncJob = (trigger: Trigger) => Promise<TailOutcome>;

export function createSyncJob(ports: SyncJobPorts, options: SyncJobOptions): SyncJob {
  let lastFull: { readonly atMs: number; readonly newest: Date | null } | null = null;
  return async (trigger) => {
    await beginMirror(ports, trigger);
    await requestOpenParts(ports);
    const nowMs = ports.clock.monotonicMs();
    const fresh = lastFull !== null && nowMs - lastFull.atMs < FULL_EVERY_MS ? lastFull.newest : null;
    const run = await collectTail(ports, { ...options, trigger, freshOnlyFrom: fresh });
    const { newest, complete } = run;
    if (fresh === null && complete) lastFull = { atMs: nowMs, newest };
    else if (lastFull !== null) lastFull = { ...lastFull, newest: newest ?? lastFull.newest };
    return run;
  };
}

/** Asks workers for the parts of open backfills that are not read yet. Asking twice is harmless. */
export async function requestOpenParts(ports: Pick<SyncJobPorts, 'store' | 'requestPart'>): Promise<void> {
  for (const backfill of await ports.store.openBackfills()) {
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
  const { handOverAt } = await ports.store.mirror();
  if (handOverAt !== null) return;
  const now = await ports.vendorClock.serverTime();
  if (now === null) throw noServerTime();
  await ports.store.beginMirror(floorToSecond(now), trigger);
}
