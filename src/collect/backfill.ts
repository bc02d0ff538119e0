/**
 * The backfill: PaymentIntents by creation, under a ceiling that was frozen when it was asked for. The range is cut into
 * parts that workers take in parallel; what a part still has to read is always asked minus covered, so a part that is
 * killed, repeated or taken twice costs requests and nothing else.
 */

import { STRIPE_EPOCH } from '../core/mirror.js';
import { HOUR_MS, remaining, split, type Window } from '../core/window.js';
import { type CollectedRun, collectRun } from './collect-run.js';
import type { Backfill, CollectStore, PaymentFeeds } from './ports.js';
import { readWindow } from './read-window.js';
import type { StorePagePorts } from './store-page.js';

/** More parts than workers keep all of them busy; each part costs at least one request and one run row. */
const PARTS_MAX = 8;
const PART_MIN_MS = HOUR_MS;

export interface BackfillPorts extends StorePagePorts {
  readonly store: CollectStore;
  readonly feeds: PaymentFeeds;
}

export interface BackfillPart {
  readonly backfillId: string;
  readonly window: Window;
}

/** The parts of a backfill that are not completely read yet; empty when it is done. */
export async function openParts(store: CollectStore, backfill: Backfill): Promise<BackfillPart[]> {
  const covered = await store.backfillCoverage(backfill.id);
  return split(backfill.window, { partMinMs: PART_MIN_MS, partsMax: PARTS_MAX })
    .filter((part) => remaining(part, covered).length > 0)
    .map((window) => ({ backfillId: backfill.id, window }));
}

/**
 * Reads what one part still lacks, and closes the backfill when it was the last. A part of a backfill that is finished,
 * or of one that does not exist, is nothing to do. Throws SyncError; the child run then says `failed`.
 */
export async function collectPart(
  ports: BackfillPorts,
  part: BackfillPart,
  signal: AbortSignal,
): Promise<CollectedRun | null> {
  const backfill = await ports.store.backfill(part.backfillId);
  if (backfill === null) return null;
  const windows = remaining(part.window, await ports.store.backfillCoverage(backfill.id)).reverse();
  const run = windows.length > 0 ? await readPart(ports, { backfill, windows, signal }) : null;
  if (remaining(backfill.window, await ports.store.backfillCoverage(backfill.id)).length === 0) {
    await ports.store.finishBackfill(backfill.id);
  }
  return run;
}

interface PartReading {
  readonly backfill: Backfill;
  /** Newest first. */
  readonly windows: readonly Window[];
  readonly signal: AbortSignal;
}

async function readPart(ports: BackfillPorts, { backfill, windows, signal }: PartReading): Promise<CollectedRun> {
  const mirror = await ports.store.mirror();
  const whole = { from: windows.at(-1)?.from ?? backfill.window.from, to: windows[0]?.to ?? backfill.window.to };
  return collectRun(
    ports.store,
    { feed: 'payment_intents', trigger: backfill.trigger, window: whole, parentId: backfill.id },
    async (run) => {
      for (const window of windows) {
        const outcome = await readWindow(
          {
            run,
            mirror,
            ...window,
            list: (request) => ports.feeds.paymentIntents(request),
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
