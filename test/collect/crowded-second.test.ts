/** Seconds that fill many pages, read from both ends: each payment once, no page twice, and covered only what was read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedPage, NewerRequest, PageRequest } from '../../src/collect/ports.js';
import { readWindow } from '../../src/collect/read-window.js';
import { SyncError } from '../../src/core/base/errors.js';
import { remaining } from '../../src/core/base/window.js';
import type { Mirror } from '../../src/core/posting/mirror.js';
import { type ListedIntent, listedFeeds } from '../support/listed-intents.js';
import { NOW, stages } from '../support/stages/collect.js';

const FROM = new Date('2026-06-01T00:00:00Z');
const SECONDS = 20;
const at = (second: number) => new Date(FROM.getTime() + second * 1_000);
const TO = at(SECONDS);
const MIRROR = {
  ...{ startsAt: FROM, cutoverAt: TO, mappingVersion: 1, mirrorId: 'mirror', livemode: false },
  ...{ source: '@stripe', sourceShards: 1, guestDestination: '@stripe_guests' },
} as Mirror;

interface Crowd {
  readonly second: number;
  readonly intents: number;
}

function intentsOf(crowds: readonly Crowd[]): ListedIntent[] {
  return crowds.flatMap(({ second, intents }, crowd) =>
    Array.from({ length: intents }, (_, n) => ({
      id: `pi_${crowd}x${(n * 7_919) % 10_007}x${n}`,
      created: at(second),
      ...(n % 5 === 4 ? { isUnpaid: true as const } : {}),
    })),
  );
}

/** How a server may answer to the walk upwards. */
type Upwards = (honest: () => Promise<FeedPage>, request: NewerRequest) => Promise<FeedPage>;

interface Reading {
  readonly held: readonly ListedIntent[];
  readonly upwards?: Upwards;
  /** After so many pages the run's row states that it ends here. */
  readonly cut?: { readonly afterPages: number; readonly at: Date } | null;
  /** From one end alone, as a feed that cannot be walked upwards. */
  readonly isOneWay?: boolean;
}

/** Reads the window to its end. Checks at each page that all it covers has been handed over before. */
async function read({ held, upwards = (honest) => honest(), cut = null, isOneWay = false }: Reading) {
  const feeds = listedFeeds(held, TO);
  const asked: string[] = [];
  /** Each page is read a second after the one before it. */
  const shownAt = new Map<string, Date>();
  const timed = async (answer: Promise<FeedPage>): Promise<FeedPage> => {
    const vendorNow = new Date(TO.getTime() + asked.length * 1_000);
    const page = await answer;
    for (const id of page.ids ?? []) shownAt.set(id, vendorNow);
    return { ...page, vendorNow };
  };
  const found = new Map<string, number>();
  const covered: Array<{ from: Date; to: Date; readAt: Date }> = [];
  const lateReadings: string[] = [];
  let pages = 0;
  const listNewer = (request: NewerRequest): Promise<FeedPage> => {
    asked.push(`newer than ${request.than}`);
    return upwards(() => timed(feeds.newerIntents(request)), request);
  };
  const outcome = await readWindow(
    {
      ...{
        run: { id: 'run', feed: 'payment_intents' as const },
        mirror: MIRROR,
        from: FROM,
        to: TO,
        endsWithRun: true,
      },
      list: (request: PageRequest) => {
        asked.push(`older than ${request.after ?? request.to?.toISOString()}`);
        return timed(feeds.paymentIntents(request));
      },
      ...(isOneWay ? {} : { listNewer }),
      coverUpTo: () => TO,
      coverNothingBefore: () => FROM,
      signal: new AbortController().signal,
    },
    {
      store: {
        async storePage(_run, page) {
          pages += 1;
          for (const { payment } of page.postings) found.set(payment.id, (found.get(payment.id) ?? 0) + 1);
          if (page.covers !== null) {
            covered.push(page.covers);
            for (const { id, created, isUnpaid } of held) {
              const isCovered = created >= page.covers.from && created < page.covers.to;
              if (isCovered && isUnpaid !== true)
                expect(found.has(id), `${id} is covered and was not stored`).toBe(true);
              // What changed in a payment after it was shown is not known.
              if (isCovered && page.covers.readAt > (shownAt.get(id) ?? TO)) lateReadings.push(id);
            }
          }
          const runsFrom = cut !== null && pages >= cut.afterPages ? cut.at : FROM;
          return { lanes: [], parked: [], stored: 0, knownBefore: 0, runsFrom };
        },
      },
      wakeLanes: () => {},
    },
  );
  return { outcome, asked, found, covered, lateReadings };
}

const paidOf = (held: readonly ListedIntent[]) => held.filter(({ isUnpaid }) => isUnpaid !== true).map(({ id }) => id);
const once = (held: readonly ListedIntent[]) => new Map(paidOf(held).map((id) => [id, 1]));

const crowds = fc.array(
  fc.record({
    second: fc.integer({ min: 0, max: SECONDS - 1 }),
    intents: fc.oneof(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 90, max: 110 }),
      fc.integer({ min: 150, max: 650 }),
    ),
  }),
  { maxLength: 5 },
);

describe('a window with crowded seconds', () => {
  it('is read with each payment once and no page twice, and covered without a gap', async () => {
    await fc.assert(
      fc.asyncProperty(crowds, async (some) => {
        const held = intentsOf(some);
        const { outcome, asked, found, covered } = await read({ held });
        expect(outcome.complete).toBe(true);
        expect(found).toEqual(once(held));
        expect(new Set(asked).size).toBe(asked.length);
        expect(remaining({ from: FROM, to: TO }, covered)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('counts as read when its first page was, from one end and from both', async () => {
    const held = intentsOf([
      { second: 3, intents: 450 },
      { second: 9, intents: 1_250 },
      { second: 12, intents: 30 },
    ]);
    for (const isOneWay of [true, false]) {
      const { covered, lateReadings } = await read({ held, isOneWay });
      expect(remaining({ from: FROM, to: TO }, covered)).toEqual([]);
      expect(lateReadings).toEqual([]);
    }
  });

  it('covers down to wherever it is cut meanwhile, each payment once', async () => {
    const cuts = fc.record({
      afterPages: fc.integer({ min: 1, max: 15 }),
      second: fc.integer({ min: 0, max: SECONDS }),
    });
    await fc.assert(
      fc.asyncProperty(crowds, cuts, async (some, { afterPages, second }) => {
        const held = intentsOf(some);
        const { asked, found, covered } = await read({ held, cut: { afterPages, at: at(second) } });
        expect(remaining({ from: at(second), to: TO }, covered)).toEqual([]);
        expect([...found.values()].every((times) => times === 1)).toBe(true);
        expect(new Set(asked).size).toBe(asked.length);
      }),
      { numRuns: 60 },
    );
  });

  it('takes half of the time that one walk would, and no page more than three', async () => {
    const held = intentsOf([
      { second: 3, intents: 250 },
      { second: 9, intents: 5_000 },
    ]);
    const { asked, found } = await read({ held });
    expect(found).toEqual(once(held));
    const upwards = asked.filter((request) => request.startsWith('newer')).length;
    expect(asked.length).toBeLessThanOrEqual(53 + 3);
    // Both walks go on side by side, so the longer one is what it takes.
    expect(asked.length - upwards).toBeLessThanOrEqual(1.1 * 25 + 4);
  });
});

describe('a server that reads the walk upwards in another way', () => {
  const held = intentsOf([
    { second: 2, intents: 130 },
    { second: 9, intents: 1_250 },
    { second: 15, intents: 70 },
  ]);
  const empty = { payments: [], ids: [], hasMore: false, lastId: null, newest: null, oldest: null };
  const ways: ReadonlyArray<{ readonly way: string; readonly upwards: Upwards }> = [
    {
      way: 'by showing the newest again',
      upwards: (_, { from, to }) => listedFeeds(held, TO).paymentIntents({ from, to, after: null }),
    },
    { way: 'by nothing', upwards: async () => ({ ...empty, vendorNow: TO, requests: 1 }) },
    {
      way: 'by the same page each time',
      upwards: (_, { from, to }) => listedFeeds(held, TO).newerIntents({ from, to, than: oldestOf(held, 2) }),
    },
    {
      way: 'by the page that is older',
      upwards: (_, { than, from, to }) => listedFeeds(held, TO).paymentIntents({ from, to, after: than }),
    },
    {
      way: 'by a cursor that is gone',
      upwards: async () => {
        throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
      },
    },
  ];

  it.each(ways)('$way costs requests and loses nothing', async ({ upwards }) => {
    const { outcome, found, covered } = await read({ held, upwards });
    expect(outcome.complete).toBe(true);
    expect(found).toEqual(once(held));
    expect(remaining({ from: FROM, to: TO }, covered)).toEqual([]);
  });

  it('without its time covers nothing of the second', async () => {
    const upwards: Upwards = async (honest) => ({ ...(await honest()), vendorNow: null });
    const { found, covered } = await read({ held, upwards });
    expect(found).toEqual(once(held));
    expect(remaining({ from: FROM, to: TO }, covered)).toEqual([{ from: at(9), to: at(10) }]);
  });
});

function oldestOf(held: readonly ListedIntent[], second: number): string {
  const ids = held.filter(({ created }) => created.getTime() === at(second).getTime()).map(({ id }) => id);
  return ids.sort()[0] ?? '';
}

describe('a backfill', () => {
  const open = stages();

  it('reads a second of many payments from both ends of the list, as Stripe shows it', async () => {
    const stage = await open({ startsAt: new Date(NOW.getTime() - 3 * 86_400_000) });
    const crowded = new Date(NOW.getTime() - 86_400_000);
    const paid = Array.from({ length: 650 }, () => stage.pay({ created: crowded }));
    for (let hour = 1; hour < 48; hour += 1)
      paid.push(stage.pay({ created: new Date(NOW.getTime() - hour * 3_600_000 - 7_000) }));
    await stage.syncJob()('startup');
    stage.requests();
    await stage.backfills();
    expect((await stage.postings()).size).toBe(paid.length);
    await stage.assertHonest();
    expect(await stage.store.openBackfills()).toEqual([]);
    const runs = (await stage.runs()).filter((run) => run.parentId !== null);
    expect(runs.reduce((sum, { found }) => sum + found, 0)).toBe(paid.length);
    expect(stage.requests()['payment_intents.list']).toBeLessThanOrEqual(8 + 7 + 3);
  });
});
