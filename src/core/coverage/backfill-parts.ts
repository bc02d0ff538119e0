/**
 * How a backfill or sweep is shared among readers. At first its time is cut into equal parts; but accounts grow, so a reader
 * that has nothing left takes over the older half of what another one still has in hand, judged by how dense its pages were.
 */
import { DAY_MS, floorToSecond, HOUR_MS, SECOND_MS, split, type Window } from '../base/window.js';
import type { Feed } from './sync-run.js';

type PartedFeed = Extract<Feed, 'payment_intents' | 'charges'>;

/** More parts than readers keep all of them busy; each costs at least one request and one row. */
const PARTS_MAX = 8;
const PART_MIN_MS: Readonly<Record<PartedFeed, number>> = { payment_intents: HOUR_MS, charges: DAY_MS };

/** The parts that are read first, oldest first. The same for every process that asks. */
export function partsOf({ feed, window }: { readonly feed: PartedFeed; readonly window: Window }): Window[] {
  return split(window, { partMinMs: PART_MIN_MS[feed], partsMax: PARTS_MAX });
}

/** What a living reader has in hand; it reads from the newest down. */
export interface PartInHand {
  readonly runId: string;
  readonly window: Window;
  /** All from here up to the window's end is read. The window's end before its first page is stored. */
  readonly readDownTo: Date;
  readonly requests: number;
}

/** Another reader takes what is older than `at`; the one that has it ends there. */
export interface PartCut {
  readonly runId: string;
  readonly at: Date;
}

/** As many keep 25 requests a second on the way to a server that answers within a quarter of a second. */
const READERS_MAX = 8;

/** Fewer pages are read before a reader that takes them over has begun. */
const PAGES_WORTH_A_CUT = 4;

/**
 * @param ended parts that are not in hand any more, for how dense they were
 * @returns where the part with the most pages left is cut in two; null when none has enough of them, or enough read
 */
export function cutOf(inHand: readonly PartInHand[], ended: readonly PartInHand[] = []): PartCut | null {
  if (inHand.length >= READERS_MAX) return null;
  // Of a part without a page nothing is known: it may be as dense as the densest.
  const assumed = [...inHand, ...ended].reduce((most, part) => Math.max(most, pagesPerMs(part) ?? 0), 0);
  let best: { readonly cut: PartCut; readonly pages: number } | null = null;
  for (const part of inHand) {
    const at = middleOf({ from: part.window.from, to: part.readDownTo });
    if (at === null) continue;
    const pages = (part.readDownTo.getTime() - part.window.from.getTime()) * (pagesPerMs(part) ?? assumed);
    if (pages >= PAGES_WORTH_A_CUT && pages > (best?.pages ?? 0)) best = { cut: { runId: part.runId, at }, pages };
  }
  return best?.cut ?? null;
}

/** Null before anything is covered: a first page may lie within one second. */
function pagesPerMs({ window, readDownTo, requests }: PartInHand): number | null {
  const readMs = window.to.getTime() - readDownTo.getTime();
  return readMs <= 0 ? null : requests / readMs;
}

/** A whole second, because Stripe knows no finer bound; null when there is none strictly within. */
function middleOf({ from, to }: Window): Date | null {
  const at = floorToSecond(new Date((from.getTime() + to.getTime()) / 2));
  return at.getTime() - from.getTime() >= SECOND_MS && at < to ? at : null;
}
