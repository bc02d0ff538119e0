/**
 * Reads one window of a feed page by page, newest first, and stores each page together with what it covers. Shared by the
 * tail, the backfill and the sweep. Paging is by hand: a page is the unit of progress, and a failed one must not end the whole walk.
 * The next page is asked for as soon as its cursor is known; pages are stored in order behind that.
 *
 * Invariant: coverage never claims a second that was only half read. A page ends in the middle of its oldest second
 * (several objects may share it), so it covers only what is later, unless it was the last page.
 */

import { SyncError } from '../core/base/errors.js';
import { createOrderedWork } from '../core/base/ordered-work.js';
import { earlier, floorToSecond, later, SECOND_MS } from '../core/base/window.js';
import type { Mirror } from '../core/posting/mirror.js';
import { isCrowded, readFromBothEnds } from './crowded-second.js';
import type { FeedPage, NewerRequest, OpenRun, PageRequest } from './ports.js';
import { type PageToStore, type StorePagePorts, storePage } from './store-page.js';

export interface WindowReading {
  readonly run: OpenRun;
  readonly mirror: Mirror;
  readonly from: Date;
  /** Null: read up to the newest object; then `coverUpTo` states how much of that is settled enough to be covered. */
  readonly to: Date | null;
  list(request: PageRequest): Promise<FeedPage>;
  /** The same list upwards, where it can be read so. */
  listNewer?(request: NewerRequest): Promise<FeedPage>;
  /** Upper end of what a page with this clock may cover; null: the walk covers nothing. */
  coverUpTo(pageNow: Date): Date | null;
  /** Nothing before this time is covered by a page with this clock, whatever `has_more` states. */
  coverNothingBefore(pageNow: Date): Date;
  /**
   * Whether it ends where the run's row states after each page: another reader may have taken what is older. Else it reads
   * down to `from`, whatever the row states.
   */
  readonly endsWithRun?: boolean;
  /** Stops between two pages. */
  readonly signal: AbortSignal;
}

export interface WindowOutcome {
  /** The upper end of what was covered; null when nothing could be. */
  readonly coveredTo: Date | null;
  readonly newest: Date | null;
  /** The vendor's clock at the first page; null when its answer carried none. */
  readonly vendorNow: Date | null;
  /** False when it stopped early because of the signal. */
  readonly complete: boolean;
}

/** A cursor that vanished (aged-out event, deleted test data) restarts the walk from time bounds, this often at most. */
const RESTARTS_MAX = 3;

/** Pages that are read and not stored yet while the next one is asked for: what the memory of a reader is bounded by. */
const PAGES_AHEAD_MAX = 2;

/** Reads and stores the window. Throws SyncError when Stripe or the database fails; what was stored stays covered. */
export async function readWindow(reading: WindowReading, ports: StorePagePorts): Promise<WindowOutcome> {
  const pages = createOrderedWork(PAGES_AHEAD_MAX);
  let runsFrom = reading.from;
  try {
    return await readPages(reading, {
      endsAt: () => (reading.endsWithRun === true ? runsFrom : null),
      store: (page) =>
        pages.add(async () => {
          runsFrom = (await storePage(page, ports)).runsFrom;
        }),
    });
  } finally {
    // What was read before a fault is stored all the same, and a page that could not be stored is the fault that counts.
    await pages.settled();
  }
}

interface Storing {
  /** Down to where the run reads, as its row said at the last page that is stored; null: down to the window's begin. */
  endsAt(): Date | null;
  /** Resolves when the next page may be asked for. */
  store(page: PageToStore): Promise<void>;
}

async function readPages(reading: WindowReading, storing: Storing): Promise<WindowOutcome> {
  let walk: Walk = { to: reading.to, after: null, restartBelow: reading.to, restarts: 0 };
  let outcome: Omit<WindowOutcome, 'complete'> = { coveredTo: null, newest: null, vendorNow: null };
  let upper: Date | null = null;
  let before: FeedPage | null = null;
  let readAt: Date | null = null;
  /** Read already: beneath a second that was read from both ends. */
  let ahead: FeedPage | null = null;
  let fromOneEndMs: number | undefined;
  const isRead = (): boolean => {
    const endsAt = storing.endsAt();
    return endsAt !== null && upper !== null && upper <= endsAt;
  };
  while (!reading.signal.aborted) {
    const page: FeedPage = ahead ?? (await nextPage(reading, walk));
    ahead = null;
    if (before === null) {
      upper = page.vendorNow === null ? null : reading.coverUpTo(page.vendorNow);
      outcome = { coveredTo: upper, newest: page.newest, vendorNow: page.vendorNow };
    }
    const provenUpper = upperEnd(reading, page, upper);
    const covers = coveredBy(page, {
      upper: provenUpper,
      lower: lowerEnd(reading, page),
      secondReadAt: readAt,
    });
    await storing.store({ run: reading.run, page, mirror: reading.mirror, covers });
    upper = covers?.from ?? upperAfterUncovered(page, { upper, isProven: provenUpper === upper });
    if (!page.hasMore || isRead()) return { ...outcome, complete: true };
    walk.after = page.lastId;
    if (page.oldest !== null) walk.restartBelow = new Date(page.oldest.getTime() + SECOND_MS);
    readAt = secondReadAt(page, { before, readAt });
    if (before !== null && isCrowded(page, before) && page.oldest?.getTime() !== fromOneEndMs) {
      fromOneEndMs = page.oldest?.getTime();
      const place = { walk, upper, readAt, shown: [before, page], isRead };
      ({ walk, upper, readAt, ahead } = await readCrowded(reading, storing, place));
      if (isRead()) return { ...outcome, complete: true };
    }
    before = page;
  }
  return { ...outcome, complete: false };
}

interface Walk {
  /** Upper bound of the requests; Stripe requires it unchanged along a cursor. */
  to: Date | null;
  after: string | null;
  /** The bound to start anew from when the cursor vanishes: everything at or above it was stored. */
  restartBelow: Date | null;
  restarts: number;
}

interface Place {
  readonly walk: Walk;
  readonly upper: Date | null;
  /** When the first page was read that holds a part of the second at which the window is read on. */
  readonly readAt: Date | null;
}

/** The second in which this page lies, from both ends where that can be. @returns from where the window is read on */
async function readCrowded(
  reading: WindowReading,
  storing: Storing,
  {
    walk,
    upper,
    readAt: firstReadAt,
    shown,
    isRead,
  }: Place & { readonly shown: readonly FeedPage[]; isRead(): boolean },
): Promise<Place & { readonly ahead: FeedPage | null }> {
  const { listNewer } = reading;
  const [second, endsAt] = [shown.at(-1)?.oldest ?? null, storing.endsAt() ?? reading.from];
  if (listNewer === undefined || second === null || endsAt >= second)
    return { walk, upper, readAt: firstReadAt, ahead: null };
  // To walk upwards something older has to be known; this page is read next in any case.
  const below: Walk = { to: second, after: null, restartBelow: second, restarts: 0 };
  const ahead = await nextPage(reading, below);
  const [newestBelow] = ahead.ids ?? [];
  if (newestBelow === undefined || ahead.newest === null) return { walk, upper, readAt: firstReadAt, ahead: null };
  const bounds = { from: ahead.newest, to: new Date(second.getTime() + SECOND_MS) };
  const lower = later(reading.from, second);
  let isProven = true;
  let readAt = firstReadAt;
  const covered = (): PageToStore['covers'] =>
    isProven && readAt !== null && upper !== null && lower < upper ? { from: lower, to: upper, readAt } : null;
  const result = await readFromBothEnds(
    { second, shown, below: newestBelow },
    {
      async older() {
        const older = await nextPage(reading, walk);
        walk.after = older.lastId;
        return older;
      },
      newer: (than) => listNewer({ ...bounds, than }).catch(nullWhenGone),
      store(page, isLast) {
        if (page.vendorNow === null || upperEnd(reading, page, upper) !== upper) isProven = false;
        else readAt = earlier(readAt ?? page.vendorNow, page.vendorNow);
        return storing.store({
          run: reading.run,
          page,
          mirror: reading.mirror,
          covers: isLast ? covered() : null,
        });
      },
      isOver: () => reading.signal.aborted || isRead(),
    },
  );
  // What was not proven stays uncovered: no later page covers it in its stead.
  const upperBelow = upper === null ? null : earlier(upper, lower);
  if (result.kind === 'read') return { walk: below, upper: upperBelow, readAt, ahead };
  return { walk, upper: isProven ? upper : upperBelow, readAt, ahead: result.kind === 'passed' ? result.page : null };
}

function nullWhenGone(error: unknown): null {
  if (isCursorGone(error)) return null;
  throw error;
}

function isCursorGone(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'cursor_gone';
}

async function nextPage(reading: WindowReading, walk: Walk): Promise<FeedPage> {
  for (;;) {
    try {
      const page = await reading.list({ from: reading.from, to: walk.to, after: walk.after });
      assertProgress(page, walk);
      assertWithin(page, { from: reading.from, below: walk.after === null ? walk.to : walk.restartBelow });
      return page;
    } catch (error) {
      if (!isCursorGone(error) || walk.after === null || walk.restarts >= RESTARTS_MAX) throw error;
      walk.restarts += 1;
      walk.after = null;
      walk.to = walk.restartBelow;
    }
  }
}

/** A page that was cut earlier than the one before it (a cache) shows less, and proves less. */
function upperEnd(reading: WindowReading, page: FeedPage, upper: Date | null): Date | null {
  if (upper === null || page.vendorNow === null) return upper;
  const ofPage = reading.coverUpTo(page.vendorNow);
  return ofPage !== null && ofPage < upper ? ofPage : upper;
}

function lowerEnd(reading: WindowReading, page: FeedPage): Date | null {
  if (page.vendorNow === null) return null;
  const reliableFrom = later(reading.from, reading.coverNothingBefore(page.vendorNow));
  if (!page.hasMore) return reliableFrom;
  return page.oldest === null ? null : later(reliableFrom, new Date(page.oldest.getTime() + SECOND_MS));
}

/** When the first of the pages was read that hold a part of the second in which this one ends: one second may fill many. */
function secondReadAt(
  page: FeedPage,
  { before, readAt }: { readonly before: FeedPage | null; readonly readAt: Date | null },
): Date | null {
  const goesOn = before !== null && page.oldest?.getTime() === before.oldest?.getTime();
  if (!goesOn || readAt === null || page.vendorNow === null) return page.vendorNow;
  return earlier(readAt, page.vendorNow);
}

/** A page was read when the first was that holds a part of the second in which it meets the one before it. */
function coveredBy(
  page: FeedPage,
  bounds: { readonly upper: Date | null; readonly lower: Date | null; readonly secondReadAt: Date | null },
): PageToStore['covers'] {
  const { upper, lower } = bounds;
  if (page.vendorNow === null || lower === null || upper === null || lower >= upper) return null;
  const readAt = bounds.secondReadAt === null ? page.vendorNow : earlier(bounds.secondReadAt, page.vendorNow);
  return { from: lower, to: upper, readAt };
}

/** What a page showed that cannot prove it stays uncovered: the next page must not cover it in its stead. */
function upperAfterUncovered(
  page: FeedPage,
  { upper, isProven }: { readonly upper: Date | null; readonly isProven: boolean },
): Date | null {
  if ((page.vendorNow !== null && isProven) || page.oldest === null || upper === null) return upper;
  return earlier(upper, page.oldest);
}

/** A page that promises more but has no last object, or the same one again, would be read for ever. */
function assertProgress(page: FeedPage, walk: Walk): void {
  if (page.hasMore && (page.lastId === null || page.lastId === walk.after)) {
    throw new SyncError(
      'Stripe says that there is more but its page gives no new object to go on from; the window is read again',
      {
        kind: 'transient',
        code: 'stripe_answer_unreadable',
      },
    );
  }
}

/**
 * A page covers what lies between its objects and the end of the page before. One with an object that is older than the
 * window, or newer than that end, would cover what nobody has read.
 */
function assertWithin(page: FeedPage, asked: { readonly from: Date; readonly below: Date | null }): void {
  const isOlder = page.oldest !== null && page.oldest < floorToSecond(asked.from);
  // A bound within a second lets that second in.
  const isNewer = page.newest !== null && asked.below !== null && page.newest >= asked.below;
  if (!isOlder && !isNewer) return;
  throw new SyncError(
    `Stripe answered with a page that reaches ${isOlder ? 'before' : 'behind'} what was asked for; it is asked again`,
    { kind: 'transient', code: 'stripe_answer_unreadable' },
  );
}
