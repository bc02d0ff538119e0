/**
 * A sync or backfill without its effects: the same walk over Stripe's pages, the same mapping, and a store that only
 * counts. Memory is bounded: of all that is read nothing is kept but sums and a few ids, and the ids of customers where they are
 * asked for.
 */

import { customerOf } from '../core/accounts/identity.js';
import { floorToSecond, later, merged, remaining, type Window } from '../core/base/window.js';
import { EVENT_LIFE_MS } from '../core/coverage/completeness.js';
import type { DryRunCounts } from '../core/coverage/dry-run-counts.js';
import type { PaymentFeed } from '../core/coverage/sync-run.js';
import { type Mirror, STRIPE_EPOCH } from '../core/posting/mirror.js';
import type { ParkingReason, PreparedTransaction } from '../core/posting/posting.js';
import type { Backfill, CollectStore, NewPosting, OpenRun, PaymentFeeds, StoredPage, StoreOutcome } from './ports.js';
import { readWindow } from './read-window.js';
import { tailBegin } from './tail.js';

export interface DryRunPorts {
  readonly feeds: Pick<PaymentFeeds, 'succeededEvents' | 'paymentIntents'>;
  /** Which of these payments are stored already; at most one statement a page. */
  known(references: readonly string[]): Promise<ReadonlySet<string>>;
  /** Which of these customers were posted to before. Absent: customers are not counted. */
  knownCustomers?(customers: readonly string[]): Promise<ReadonlySet<string>>;
  /** Which of these balances, as `currency:name`, are there already. Absent: they are not counted. */
  knownBalances?(pairs: readonly string[]): Promise<ReadonlySet<string>>;
  /** After each page. @param share how much of the asked time is read, 0 to 1 */
  onPage(counts: DryRunCounts, share: number): void;
}

/** One stretch of a feed; up to the newest object when `to` is null. */
export interface DryReading {
  readonly feed: PaymentFeed;
  readonly from: Date;
  readonly to: Date | null;
}

export interface DryRunOptions {
  readonly mirror: Mirror;
  readonly readings: readonly DryReading[];
  /** Stripe's clock, for readings without an end. */
  readonly now: Date;
  /** Stops between two pages. */
  readonly signal: AbortSignal;
}

/** Ids that are shown for each reason to park. */
const EXAMPLES_MAX = 5;

/**
 * Reads all of it. @returns whether it came to the end. Throws SyncError when Stripe or the database fails; what was
 * counted until then was told to `onPage`.
 */
export async function dryRun(ports: DryRunPorts, options: DryRunOptions): Promise<boolean> {
  const { mirror, readings, now, signal } = options;
  const tally = createTally();
  const customers =
    ports.knownCustomers === undefined
      ? null
      : createCount(ports.knownCustomers, ({ destination }) => customerOf(destination, mirror));
  const balances =
    ports.knownBalances === undefined
      ? null
      : createCount(ports.knownBalances, ({ destination, currency }) => `${currency}:${destination}`);
  const lengths = readings.map(({ from, to }) => Math.max(0, (to ?? now).getTime() - from.getTime()));
  const asked = lengths.reduce((sum, ms) => sum + ms, 0);
  let readMs = 0;
  // A payment that succeeded lately and was created in a list's window would be counted by both: the list has it.
  const lists = readings
    .filter(({ feed }) => feed === 'payment_intents')
    .map(({ from, to }) => ({ from, to: to ?? now }));
  const store: Pick<CollectStore, 'storePage'> = {
    async storePage(run, page) {
      const postings = run.feed === 'events' ? page.postings.filter((one) => !isListed(one, lists)) : page.postings;
      const known =
        postings.length === 0 ? new Set<string>() : await ports.known(postings.map(({ payment }) => payment.id));
      const outcome = tally.add({ ...page, postings }, known);
      await customers?.add(postings);
      await balances?.add(postings);
      readMs += page.covers === null ? 0 : page.covers.to.getTime() - page.covers.from.getTime();
      ports.onPage(
        { ...tally.counts(), newCustomers: customers?.count() ?? null, newBalances: balances?.count() ?? null },
        asked === 0 ? 1 : Math.min(1, readMs / asked),
      );
      return { ...outcome, runsFrom: STRIPE_EPOCH };
    },
  };
  for (const { feed, from, to } of readings) {
    const run: OpenRun = { id: 'dry-run', feed };
    const list: PaymentFeeds['paymentIntents'] = (request) =>
      feed === 'events' ? ports.feeds.succeededEvents(request) : ports.feeds.paymentIntents(request);
    const upTo = (pageNow: Date): Date => to ?? pageNow;
    const { complete } = await readWindow(
      { run, mirror, from, to, list, signal, coverUpTo: upTo, coverNothingBefore: () => STRIPE_EPOCH },
      { store, wakeLanes: () => {} },
    );
    if (!complete) return false;
  }
  return true;
}

export interface SyncFacts {
  readonly mirror: Mirror;
  /** Stripe's. */
  readonly now: Date;
  readonly lagMs: number;
  /** The events feed, from the tail's begin on. */
  readonly events: readonly Window[];
  /** Up to when the list was read in place of events that the key may not read; null when it never was. */
  readonly listedUpTo: Date | null;
  /** What open backfills still have to read. */
  readonly backfills: readonly Window[];
}

/** What the next sync would read, and the backfills that it would ask for. Before the first one: all from the start on. */
export function readingsOfSync(facts: SyncFacts): DryReading[] {
  const { mirror, now, lagMs } = facts;
  if (mirror.cutoverAt === null)
    return mirror.startsAt < now ? [listOf({ from: mirror.startsAt, to: floorToSecond(now) })] : [];
  const begin = tailBegin(mirror, lagMs);
  const covered = merged(facts.events);
  const resumeFrom = covered.at(-1)?.to ?? begin;
  const lists = facts.backfills.map(listOf);
  if (mirror.eventsRefusedSince !== null) {
    const seenUpTo = facts.listedUpTo ?? resumeFrom;
    const newest = { from: floorToSecond(new Date(seenUpTo.getTime() - lagMs)), to: floorToSecond(now) };
    return merged([newest, ...facts.backfills]).map(listOf);
  }
  const asked = { from: later(begin, new Date(now.getTime() - lagMs - EVENT_LIFE_MS)), to: resumeFrom };
  const holes = remaining(asked, covered).reverse();
  return [
    { feed: 'events', from: resumeFrom, to: null },
    ...holes.map((hole) => ({ feed: 'events' as const, ...hole })),
    ...lists,
  ];
}

/** What a backfill's parts have not read yet. */
export async function openWindows(
  store: Pick<CollectStore, 'backfillCoverage'>,
  backfills: readonly Backfill[],
): Promise<Window[]> {
  const open: Window[] = [];
  for (const { id, feed, window } of backfills) {
    if (feed === 'payment_intents') open.push(...remaining(window, await store.backfillCoverage(id)));
  }
  return merged(open);
}

/** An explicit backfill reads its window again; from before the start, all up to the start with it. */
export function readingOfBackfill(window: Window, { startsAt }: Pick<Mirror, 'startsAt'>): DryReading {
  return listOf(window.from < startsAt ? { from: window.from, to: later(window.to, startsAt) } : window);
}

function listOf({ from, to }: Window): DryReading {
  return { feed: 'payment_intents', from, to };
}

function isListed({ payment }: NewPosting, lists: readonly Window[]): boolean {
  const { created } = payment;
  return created !== null && lists.some(({ from, to }) => created >= from && created < to);
}

/** Each once, over all pages. */
function createCount(
  known: (names: readonly string[]) => Promise<ReadonlySet<string>>,
  nameOf: (transaction: PreparedTransaction) => string | null,
) {
  const seen = new Set<string>();
  let fresh = 0;
  return {
    async add(postings: readonly NewPosting[]): Promise<void> {
      const met = postings.flatMap(({ preparation }) => {
        if (preparation.kind !== 'prepared') return [];
        return nameOf(preparation.transaction) ?? [];
      });
      const unseen = [...new Set(met)].filter((name) => !seen.has(name));
      if (unseen.length === 0) return;
      fresh += unseen.length - (await known(unseen)).size;
      for (const name of unseen) seen.add(name);
    },
    count: () => fresh,
  };
}

interface Tally {
  add(page: StoredPage, known: ReadonlySet<string>): Omit<StoreOutcome, 'runsFrom'>;
  counts(): Omit<DryRunCounts, 'newCustomers' | 'newBalances'>;
}

function createTally(): Tally {
  const sums = { found: 0, knownBefore: 0, fresh: 0, beforeStart: 0, stripeRequests: 0 };
  const posts = new Map<string, { count: number; amount: bigint }>();
  const parks = new Map<ParkingReason, { count: number; examples: string[] }>();
  const addFresh = ({ payment, preparation }: NewPosting): void => {
    if (preparation.kind === 'prepared') {
      const { currency, amount } = preparation.transaction;
      const sum = posts.get(currency) ?? { count: 0, amount: 0n };
      posts.set(currency, { count: sum.count + 1, amount: sum.amount + amount });
      return;
    }
    const sum = parks.get(preparation.reason) ?? { count: 0, examples: [] };
    if (sum.examples.length < EXAMPLES_MAX) sum.examples.push(payment.id);
    parks.set(preparation.reason, { ...sum, count: sum.count + 1 });
  };
  return {
    add(page, known) {
      const fresh = page.postings.filter(({ payment }) => !known.has(payment.id));
      fresh.forEach(addFresh);
      sums.found += page.postings.length;
      sums.knownBefore += page.postings.length - fresh.length;
      sums.fresh += fresh.length;
      sums.beforeStart += page.beforeStart;
      sums.stripeRequests += page.requests;
      return { lanes: [], parked: [], stored: fresh.length, knownBefore: page.postings.length - fresh.length };
    },
    counts: () => ({
      ...sums,
      wouldPost: [...posts]
        .map(([currency, sum]) => ({ currency, ...sum }))
        .sort((a, b) => (a.currency < b.currency ? -1 : 1)),
      wouldPark: [...parks].map(([reason, sum]) => ({ reason, ...sum })).sort((a, b) => b.count - a.count),
    }),
  };
}
