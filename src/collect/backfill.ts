/**
 * Backfills and sweeps: PaymentIntents, or charges, by creation, under a ceiling that was frozen when it was asked for.
 * The range is cut into parts that workers take in parallel; what a part still has to read is always asked minus covered,
 * so a part that is killed, repeated or taken twice costs requests and nothing else.
 */

import { remaining } from '../core/base/window.js';
import { partsOf } from '../core/coverage/backfill-parts.js';
import { STRIPE_EPOCH } from '../core/posting/mirror.js';
import { type CollectedRun, collectInRun } from './collect-run.js';
import type {
  Backfill,
  BackfillPart,
  ClaimedPart,
  CollectStore,
  FeedPage,
  PageRequest,
  PartedFeed,
  PartSource,
} from './ports.js';
import { readWindow } from './read-window.js';
import type { CollectPorts } from './store-page.js';
import { readSweepPage } from './sweep.js';

export interface CollectedPart extends CollectedRun {
  readonly feed: PartedFeed;
}

/** The parts of a backfill or sweep that are not completely read yet; empty when it is done. */
export async function openParts(store: CollectStore, backfill: Backfill): Promise<BackfillPart[]> {
  const covered = await store.backfillCoverage(backfill.id);
  return partsOf(backfill)
    .filter((part) => remaining(part, covered).length > 0)
    .map((window) => ({ backfillId: backfill.id, window }));
}

/**
 * Reads one window that a part still lacks and nobody reads, or else one of another part, or else the older half of what
 * another reader has in hand: so all readers are busy until the last page. Null when there was nothing to take. Closes the
 * backfill when it was the last. Throws SyncError; the child run is then `failed`.
 *
 * @param passed what this reader has read before; this window is added. A page without a time is not covered, and would be
 *   read again at once, for ever
 */
export async function collectPart(
  ports: CollectPorts,
  { part, passed, signal }: PartReading,
): Promise<CollectedPart | null> {
  const claimed = signal.aborted ? null : await claimFor(ports.store, part, passed);
  if (claimed === null) return null;
  passed.push({ backfillId: claimed.backfill.id, window: claimed.window });
  const run = await readPart(ports, claimed, signal);
  await ports.store.finishBackfill(claimed.backfill.id);
  return { ...run, feed: claimed.backfill.feed };
}

export interface PartReading {
  readonly part: BackfillPart;
  readonly passed: BackfillPart[];
  readonly signal: AbortSignal;
}

async function claimFor(
  store: CollectStore,
  part: BackfillPart,
  passed: readonly BackfillPart[],
): Promise<ClaimedPart | null> {
  const claim = (wanted: BackfillPart, source: PartSource) =>
    store.claimPart(
      wanted,
      source,
      passed.filter(({ backfillId }) => backfillId === wanted.backfillId).map(({ window }) => window),
    );
  const open = await backfillsToRead(store);
  const own = open.filter(({ id }) => id === part.backfillId);
  const whole = [...own, ...open.filter((one) => !own.includes(one))].map(({ id: backfillId, window }) => ({
    backfillId,
    window,
  }));
  const unread = own.length > 0 ? [part, ...whole] : whole;
  for (const wanted of unread) {
    const claimed = await claim(wanted, 'unread');
    if (claimed !== null) return claimed;
  }
  for (const wanted of whole) {
    const claimed = await claim(wanted, 'in_hand');
    if (claimed !== null) return claimed;
  }
  return null;
}

/** Open backfills and sweeps, the oldest first, without those that the key may not read: each part would fail for it. */
export async function backfillsToRead(store: CollectStore): Promise<Backfill[]> {
  const open = await store.openBackfills();
  const isSweep = ({ feed }: Backfill): boolean => feed === 'charges';
  // Asked for only where it matters: commands and timers come here before there is a mirror.
  const isRefused = open.some(isSweep) && (await store.mirror()).chargesRefusedSince !== null;
  return open.filter((backfill) => !(isRefused && isSweep(backfill)));
}

async function readPart(
  ports: CollectPorts,
  { run, backfill, window }: ClaimedPart,
  signal: AbortSignal,
): Promise<CollectedRun> {
  return collectInRun(ports.store, run, async () => {
    const { complete } = await readWindow(
      {
        ...{ run, mirror: await ports.store.mirror(), ...window, signal },
        list: (request) => listPage(ports, backfill.feed, request),
        ...(backfill.feed === 'payment_intents' ? { listNewer: ports.feeds.newerIntents } : {}),
        coverUpTo: () => window.to,
        coverNothingBefore: () => STRIPE_EPOCH,
        endsWithRun: true,
      },
      ports,
    );
    return { complete, windowTo: null };
  });
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
