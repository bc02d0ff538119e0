/**
 * The scheduled job: reads `payment_intent.succeeded` events from the first uncovered moment on and moves coverage up to
 * Stripe's now minus the lag. It never keeps an event id as a cursor: events surface late and share seconds, so what
 * counts is which time was read completely. What is older than events live is left as a hole for a sweep.
 *
 * Facts: https://docs.stripe.com/api/events/list (30 days; newest first).
 */

import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { earlier, floorToSecond, later, MINUTE_MS, merged, remaining, type Window } from '../core/base/window.js';
import { EVENT_LIFE_MS } from '../core/coverage/completeness.js';
import type { Trigger } from '../core/coverage/sync-run.js';
import type { Mirror } from '../core/posting/mirror.js';
import { type CollectedRun, collectRun, type RunReading } from './collect-run.js';
import type { OpenRun } from './ports.js';
import { readWindow } from './read-window.js';
import type { CollectPorts } from './store-page.js';

/** The tail begins this long before the first backfill's ceiling, so that no success falls between the two. */
const OVERLAP_MIN_MS = 10 * MINUTE_MS;

/** The backfill must be read a whole lag after the tail begins; its clock comes in whole seconds, from another server. */
const OVERLAP_SPARE_MS = MINUTE_MS;

export interface TailOptions {
  readonly trigger: Trigger;
  /** How far before Stripe's now coverage ends: events become visible late. */
  readonly lagMs: number;
  /** Read only events from this time on, and cover nothing; null reads all that is not covered. */
  readonly freshOnlyFrom: Date | null;
  readonly signal: AbortSignal;
}

export interface TailOutcome extends CollectedRun {
  /** Creation of the newest event that was seen; null when there was none. */
  readonly newest: Date | null;
  /** The vendor's clock at the first page; null when its answer carried none. */
  readonly vendorNow: Date | null;
}

/** One run of the tail. Throws SyncError; the run's row is then `failed` and coverage is where the last page left it. */
export async function collectTail(ports: CollectPorts, options: TailOptions): Promise<TailOutcome> {
  const mirror = await ports.store.mirror();
  const begin = tailBegin(mirror, options.lagMs);
  const covered = merged(await ports.store.eventCoverage(begin));
  const resumeFrom = options.freshOnlyFrom ?? covered.at(-1)?.to ?? begin;
  let seen: Pick<TailOutcome, 'newest' | 'vendorNow'> = { newest: null, vendorNow: null };
  const run = await collectRun(
    ports.store,
    { feed: 'events', trigger: options.trigger, window: { from: resumeFrom, to: null }, parentId: null },
    async (open) => {
      const tip = await readTip(ports, options, { open, mirror, from: resumeFrom });
      seen = tip;
      if (!tip.complete || options.freshOnlyFrom !== null || tip.coveredTo === null) return reading(tip, resumeFrom);
      const asked = { from: later(begin, new Date(tip.coveredTo.getTime() - EVENT_LIFE_MS)), to: resumeFrom };
      for (const hole of remaining(asked, covered).reverse()) {
        const outcome = await readHole(ports, options, { open, mirror, hole });
        if (!outcome.complete) return { complete: false, windowTo: tip.coveredTo };
      }
      return reading(tip, resumeFrom);
    },
  );
  return { ...run, newest: seen.newest, vendorNow: seen.vendorNow };
}

/** Where the tail's responsibility begins. Throws when the mirror was never handed over: the first backfill comes first. */
export function tailBegin(mirror: Mirror, lagMs: number): Date {
  if (mirror.cutoverAt === null) {
    throw new SyncError(`The first backfill was not requested yet; start a worker once: ${commandLine('worker')}`, {
      kind: 'fatal',
      code: 'not_handed_over',
    });
  }
  return floorToSecond(new Date(mirror.cutoverAt.getTime() - Math.max(OVERLAP_MIN_MS, lagMs + OVERLAP_SPARE_MS)));
}

interface TipReading {
  readonly open: OpenRun;
  readonly mirror: Mirror;
  readonly from: Date;
}

/** From `from` up to the newest event. Everything seen is stored; only what is older than the lag is covered. */
function readTip(ports: CollectPorts, options: TailOptions, { open, mirror, from }: TipReading) {
  return readWindow(
    {
      run: open,
      mirror,
      from,
      to: null,
      list: (request) => ports.feeds.succeededEvents(request),
      coverUpTo: (now) => (options.freshOnlyFrom === null ? settledEnd(now, options.lagMs) : null),
      coverNothingBefore,
      signal: options.signal,
    },
    ports,
  );
}

/** A window that an earlier run was killed or failed in. A page that is as old as it (a cache) does not close it. */
function readHole(
  ports: CollectPorts,
  options: TailOptions,
  { open, mirror, hole }: Omit<TipReading, 'from'> & { readonly hole: Window },
) {
  return readWindow(
    {
      run: open,
      mirror,
      ...hole,
      list: (request) => ports.feeds.succeededEvents(request),
      coverUpTo: (now) => earlier(hole.to, settledEnd(now, options.lagMs)),
      coverNothingBefore,
      signal: options.signal,
    },
    ports,
  );
}

function settledEnd(now: Date, lagMs: number): Date {
  return floorToSecond(new Date(now.getTime() - lagMs));
}

function coverNothingBefore(pageNow: Date): Date {
  return new Date(pageNow.getTime() - EVENT_LIFE_MS);
}

/** Minutes after the hand-over the settled end still lies before the window's start: then nothing new is covered. */
function reading(tip: { readonly complete: boolean; readonly coveredTo: Date | null }, from: Date): RunReading {
  return { complete: tip.complete, windowTo: tip.coveredTo === null ? null : later(tip.coveredTo, from) };
}
