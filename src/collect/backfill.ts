/**
 * Backfills and sweeps: PaymentIntents, or charges, by creation, under a ceiling that was frozen when it was asked for.
 * The range is cut into parts that workers take in parallel; what a part still has to read is always asked minus covered,
 * so a part that is killed, repeated or taken twice costs requests and nothing else.
 */

import { DAY_MS, earlier, HOUR_MS, later, remaining, split, type Window } from '../core/base/window.js';
import { STRIPE_EPOCH } from '../core/posting/mirror.js';
import { type CollectedRun, collectRun } from './collect-run.js';
import type { Backfill, BackfillPart, CollectStore, FeedPage, PageRequest, PartedFeed } from './ports.js';
import { readWindow } from './read-window.js';
import type { CollectPorts } from './store-page.js';
import { readSweepPage } from './sweep.js';

/** More parts than workers keep all of them busy; each part costs at least one request and one run row. */
const PARTS_MAX = 8;
const PART_MIN_MS: Readonly<Record<PartedFeed, number>> = { payment_intents: HOUR_MS, charges: DAY_MS };

export interface CollectedPart extends CollectedRun {
  readonly feed: PartedFeed;
}

/** The parts of a backfill or sweep that are not completely read yet; empty when it is done. */
export async function openParts(store: CollectStore, backfill: Backfill): Promise<BackfillPart[]> {
  const covered = await store.backfillCoverage(backfill.id);
  return split(backfill.window, { partMinMs: PART_MIN_MS[backfill.feed], partsMax: PARTS_MAX })
    .filter((part) => remaining(part, covered).length > 0)
    .map((window) => ({ backfillId: backfill.id, window }));
}

/**
 * Reads what one part still lacks, and closes the backfill when it was the last. A part of a backfill that is finished,
 * or of one that does not exist, is nothing to do. Throws SyncError; the child run then says `failed`.
 */
export async function collectPart(
  ports: CollectPorts,
  part: BackfillPart,
  signal: AbortSignal,
): Promise<CollectedPart | null> {
  const backfill = await ports.store.backfill(part.backfillId);
  if (backfill === null || (await isRefused(ports.store, backfill.feed))) return null;
  // Anybody may add jobs: nothing is read that the backfill did not ask for.
  const asked = {
    from: later(part.window.from, backfill.window.from),
    to: earlier(part.window.to, backfill.window.to),
  };
  const windows = remaining(asked, await ports.store.backfillCoverage(backfill.id)).reverse();
  const run = windows.length > 0 ? await readPart(ports, { backfill, windows, signal }) : null;
  await ports.store.finishBackfill(backfill.id);
  return run === null ? null : { ...run, feed: backfill.feed };
}

/** Parts of sweeps that were asked for before the key lost its permission would each fail for it. */
async function isRefused(store: CollectStore, feed: PartedFeed): Promise<boolean> {
  return feed === 'charges' && (await store.mirror()).chargesRefusedSince !== null;
}

interface PartReading {
  readonly backfill: Backfill;
  /** Newest first. */
  readonly windows: readonly Window[];
  readonly signal: AbortSignal;
}

async function readPart(ports: CollectPorts, { backfill, windows, signal }: PartReading): Promise<CollectedRun> {
  const mirror = await ports.store.mirror();
  const whole = { from: windows.at(-1)?.from ?? backfill.window.from, to: windows[0]?.to ?? backfill.window.to };
  return collectRun(
    ports.store,
    { feed: backfill.feed, trigger: backfill.trigger, window: whole, parentId: backfill.id },
    async (run) => {
      for (const window of windows) {
        const outcome = await readWindow(
          {
            run,
            mirror,
            ...window,
            list: (request) => listPage(ports, backfill.feed, request),
            coverUpTo: () => window.to,
            coverNothingBefore: () => STRIPE_EPOCH,
            signal,
          },
          ports,
        );
        if (!outcome.complete) return { complete: false, windowTo: null };
      }
      return { complete: true, windowTo: null };
    },
  );
}

function listPage(ports: CollectPorts, feed: PartedFeed, request: PageRequest): Promise<FeedPage> {
  switch (feed) {
    case 'payment_intents':
      return ports.feeds.paymentIntents(request);
    case 'charges':
      return readSweepPage(ports, request);
    default:
      return feed satisfies never;
  }
}
