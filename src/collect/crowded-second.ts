/**
 * One second that fills many pages, read from both ends. Stripe knows no finer bound than a second, so that nobody else can take a
 * part of it; but its list can be walked upwards too, from an object that is older than the second. Stores nothing by itself.
 *
 * Invariant: the second is read when the walk from above shows an object that the walk from below has shown. What the walk from
 * below shows is never taken for an end by itself: a server that ignored where it was to begin would show the newest again.
 */
import { SECOND_MS } from '../core/base/window.js';
import type { FeedPage } from './ports.js';

export interface BothEnds {
  /** The next page of the walk from above. */
  older(): Promise<FeedPage>;
  /** The page of the second that is next to this object, and newer. Null when the object is gone. */
  newer(than: string): Promise<FeedPage | null>;
  /** @param isLast the second is read with it */
  store(page: FeedPage, isLast: boolean): Promise<void>;
  /** Asked before each further page. */
  isOver(): boolean;
}

export type SecondRead =
  | { readonly kind: 'read' }
  /** The walk from above has left the second by itself; its last page is not stored. */
  | { readonly kind: 'passed'; readonly page: FeedPage }
  | { readonly kind: 'over' };

/** Two pages that lie wholly within one second: then reading it from below as well is worth a request more. */
export function isCrowded(page: FeedPage, before: FeedPage): boolean {
  const [newest, oldest, oldestBefore] = [page.newest, page.oldest, before.oldest].map((time) => time?.getTime());
  return page.hasMore && newest !== undefined && newest === oldest && newest === oldestBefore;
}

export interface CrowdedSecond {
  readonly second: Date;
  /** Pages of the walk from above that have shown its newest objects. */
  readonly shown: readonly FeedPage[];
  /** The newest object that is older. */
  readonly below: string;
}

export async function readFromBothEnds(
  { second, shown: pagesBefore, below }: CrowdedSecond,
  ends: BothEnds,
): Promise<SecondRead> {
  const fromAbove = new Set(pagesBefore.flatMap(({ ids }) => ids ?? []));
  const fromBelow = new Set<string>();
  let than: string | null = below;
  while (!ends.isOver()) {
    const [older, shown] = await both(ends.older(), than === null ? null : ends.newer(than));
    const newer = shown !== null && isUsable(shown, { second, fromBelow }) ? shown : null;
    than = newer?.hasMore === true ? (newer.ids?.[0] ?? null) : null;
    const ofOlder = without(older, fromBelow);
    remember(newer, fromBelow);
    remember(older, fromAbove);
    const ofNewer = newer === null ? [] : [without(newer, fromAbove)];
    const isMet = older.ids?.some((id) => fromBelow.has(id)) === true;
    const isPassed = !isMet && hasLeft(second, older);
    const pages = isPassed ? ofNewer : [within(second, ofOlder), ...ofNewer];
    for (const page of pages) await ends.store(page, isMet && page === pages.at(-1));
    if (isPassed) return { kind: 'passed', page: ofOlder };
    if (isMet) return { kind: 'read' };
  }
  return { kind: 'over' };
}

/** Waits for both also when one fails: nothing is to be under way when the window is left. */
async function both(
  older: Promise<FeedPage>,
  newer: Promise<FeedPage | null> | null,
): Promise<[FeedPage, FeedPage | null]> {
  const answers = await Promise.allSettled([older, newer]);
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  return [await older, await newer];
}

/** An answer of another form, or one that repeats itself, is no ground to fail on: the walk from above needs none of it. */
function isUsable(
  { newest, oldest, ids }: FeedPage,
  { second, fromBelow }: { readonly second: Date; readonly fromBelow: ReadonlySet<string> },
): boolean {
  if (newest === null || oldest === null || ids === undefined) return false;
  const isOfSecond = oldest >= second && newest.getTime() < second.getTime() + SECOND_MS;
  return isOfSecond && !ids.some((id) => fromBelow.has(id));
}

function remember(page: FeedPage | null, ids: Set<string>): void {
  for (const id of page?.ids ?? []) ids.add(id);
}

function hasLeft(second: Date, { hasMore, oldest }: FeedPage): boolean {
  return !hasMore || oldest === null || oldest < second;
}

/** Counted as what they bring: a payment that both walks show is found once. */
function without(page: FeedPage, ids: ReadonlySet<string>): FeedPage {
  return { ...page, payments: page.payments.filter(({ payment }) => !ids.has(payment.id)) };
}

/** What is older is on the page below, too. */
function within(second: Date, page: FeedPage): FeedPage {
  return { ...page, payments: page.payments.filter(({ seenAt }) => seenAt >= second) };
}
