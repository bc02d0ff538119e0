/**
 * What every feed of payments promises to collect and to proofs: order, pages, cursors and bounds, and which failure is
 * thrown as what. Held to the adapter on the stand-in, feed by feed, and to the list that tests make up. What the wire may do to
 * an answer is in `test/stripe/requests.test.ts`.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import type { Permission } from '../../sandbox/stripe/access.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import type { FeedPage, PageRequest, PaymentFeeds } from '../../src/collect/ports.js';
import { createStripeClient, type StripeClientOptions } from '../../src/stripe/client.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import { type ListedIntent, listedFeeds } from '../support/listed-intents.js';

const NOW = new Date('2026-11-20T12:00:00Z');
const at = (second: number) => new Date(NOW.getTime() - 5_000_000 + second * 1_000);
const ALL: PageRequest = { from: at(0), to: null, after: null };

const open: { close(): void | Promise<void> }[] = [];
afterEach(async () => {
  for (const closing of open.splice(0).reverse()) await closing.close();
});

/** A page of any feed: whose payments it brings, and the frame that all feeds have. */
interface Page extends Omit<FeedPage, 'payments'> {
  readonly seen: ReadonlyArray<{ readonly id: string; readonly seenAt: Date }>;
}

interface Listing {
  /** Makes a payment that succeeded at that second, and returns its id. */
  pay(second: number): string;
  /** Makes an intent that has not succeeded. */
  leaveUnpaid(second: number): void;
  list(request: PageRequest): Promise<Page>;
  payment: PaymentFeeds['payment'];
}

type FeedName = 'succeededEvents' | 'paymentIntents' | 'charges';

const KINDS: ReadonlyArray<{ readonly name: string; readonly feed: FeedName; open(): Promise<Listing> }> = [
  ...(['succeededEvents', 'paymentIntents', 'charges'] as const).map((feed) => ({
    name: `${feed} of the stand-in`,
    feed,
    open: async () => listingOf(await startSandbox(), feed),
  })),
  { name: 'paymentIntents that a test made up', feed: 'paymentIntents', open: async () => listingInMemory() },
];

async function startSandbox(restrictedKeys: Record<string, readonly Permission[]> = {}): Promise<StripeSandbox> {
  const sandbox = await startStripeSandbox({ clock: SandboxClock.frozen(NOW), restrictedKeys });
  open.push(sandbox);
  return sandbox;
}

function feedsOf(sandbox: StripeSandbox, more: Partial<StripeClientOptions> = {}): PaymentFeeds {
  const client = createStripeClient({
    ...{ baseUrl: sandbox.url, readKey: async () => sandbox.apiKey, version: '0.0.0-test' },
    ...{ limiter: { acquire: async () => {} }, retries: { backoffBaseMs: 1 } },
    ...more,
  });
  open.push(client);
  return createPaymentFeeds({ client });
}

async function pageOf(feeds: PaymentFeeds, feed: FeedName, request: PageRequest): Promise<Page> {
  if (feed === 'charges') {
    const { charges, ...frame } = await feeds.charges(request);
    return { ...frame, seen: charges.map(({ intentId: id, seenAt }) => ({ id, seenAt })) };
  }
  const { payments, ...frame } = await feeds[feed](request);
  return { ...frame, seen: payments.map(({ payment: { id }, seenAt }) => ({ id, seenAt })) };
}

function listingOf(sandbox: StripeSandbox, feed: FeedName): Listing {
  const feeds = feedsOf(sandbox);
  return {
    pay: (second) => sandbox.createIntent({ created: at(second), moves: [{ move: 'succeed', at: at(second) }] }),
    leaveUnpaid: (second) =>
      void sandbox.createIntent({ created: at(second), moves: [{ move: 'fail', at: at(second) }] }),
    list: (request) => pageOf(feeds, feed, request),
    payment: feeds.payment,
  };
}

function listingInMemory(): Listing {
  const held: ListedIntent[] = [];
  const add = (intent: Omit<ListedIntent, 'id'>): string => {
    const id = `pi_${String(held.length).padStart(4, '0')}`;
    held.push({ ...intent, id });
    return id;
  };
  const feeds = listedFeeds(held, NOW);
  return {
    pay: (second) => add({ created: at(second) }),
    leaveUnpaid: (second) => void add({ created: at(second), isUnpaid: true }),
    async list(request) {
      const { payments, ...frame } = await feeds.paymentIntents(request);
      return { ...frame, seen: payments.map(({ payment: { id }, seenAt }) => ({ id, seenAt })) };
    },
    payment: feeds.payment,
  };
}

/** From the first page to the last; `between` is called with how many were read. */
async function listAll(
  { list }: Listing,
  request: Partial<PageRequest> = {},
  between: (pages: number) => void = () => {},
): Promise<Page[]> {
  const pages = [await list({ ...ALL, ...request })];
  for (let page = pages[0]; page?.hasMore === true; page = pages.at(-1)) {
    between(pages.length);
    pages.push(await list({ ...ALL, ...request, after: page.lastId }));
  }
  return pages;
}

const idsOf = (pages: readonly Page[]) => pages.flatMap(({ seen }) => seen.map(({ id }) => id));
const timesOf = (pages: readonly Page[]) => pages.flatMap(({ seen }) => seen.map(({ seenAt }) => seenAt.getTime()));
const newestFirst = (times: readonly number[]) => [...times].sort((one, other) => other - one);

describe.each(KINDS)('$name', ({ feed, open: openListing }) => {
  it.each([
    [100, 1, (index: number) => index],
    [101, 2, (index: number) => index],
    [350, 4, (index: number) => index],
    [350, 4, (index: number) => Math.floor(index / 40)],
    [230, 3, () => 7],
  ])('lists %i payments in %i pages, newest first, each once', async (count, pagesCount, secondOf) => {
    const listing = await openListing();
    const ids = Array.from({ length: count }, (_, index) => listing.pay(secondOf(index)));
    const pages = await listAll(listing);
    expect(idsOf(pages).sort()).toEqual([...ids].sort());
    expect(timesOf(pages)).toEqual(newestFirst(timesOf(pages)));
    expect(pages.map(({ seen }) => seen.length)).toEqual([
      ...Array.from({ length: pagesCount - 1 }, () => 100),
      count - 100 * (pagesCount - 1),
    ]);
    expect(pages.map(({ requests }) => requests)).toEqual(pages.map(() => 1));
  });

  it('lists from its beginning, and not its end', async () => {
    const listing = await openListing();
    const [, first, second] = [0, 1, 2, 3].map(listing.pay);
    expect(idsOf([await listing.list({ from: at(1), to: at(3), after: null })])).toEqual([second, first]);
  });

  it('lists the whole second in which a bound lies', async () => {
    const listing = await openListing();
    const [, first, second] = [0, 1, 2, 3].map(listing.pay);
    const within = (time: Date) => new Date(time.getTime() + 500);
    expect(idsOf([await listing.list({ from: within(at(1)), to: within(at(2)), after: null })])).toEqual([
      second,
      first,
    ]);
  });

  it('lists the newest without an end', async () => {
    const listing = await openListing();
    const ids = [10, 5_000].map(listing.pay);
    expect(idsOf([await listing.list(ALL)])).toEqual([...ids].reverse());
  });

  it('is empty without an object in the window: no more, no cursor, no times', async () => {
    const listing = await openListing();
    listing.pay(1);
    const nothing = { seen: [], hasMore: false, lastId: null, newest: null, oldest: null };
    expect(await listing.list({ from: at(2), to: null, after: null })).toMatchObject(nothing);
    expect(await listing.list({ from: at(2), to: at(2), after: null })).toMatchObject(nothing);
  });

  it('states the times of its newest and oldest object, and when they were seen', async () => {
    const listing = await openListing();
    const ids = [1, 60, 3_000].map(listing.pay);
    const page = await listing.list(ALL);
    expect(page).toMatchObject({ newest: at(3_000), oldest: at(1), hasMore: false });
    expect(page.lastId).not.toBeNull();
    expect(page.seen).toEqual([3_000, 60, 1].map((second, index) => ({ id: ids[2 - index], seenAt: at(second) })));
  });

  it("states the vendor's time, never too late", async () => {
    const { vendorNow } = await (await openListing()).list(ALL);
    expect(vendorNow?.getTime()).toBeLessThanOrEqual(NOW.getTime());
    expect(vendorNow?.getTime()).toBeGreaterThan(NOW.getTime() - 10_000);
  });

  // Events are of what succeeded alone.
  if (feed !== 'succeededEvents') {
    it('counts what has not succeeded as read, and brings no payment of it', async () => {
      const listing = await openListing();
      for (let second = 0; second < 130; second += 1) listing.leaveUnpaid(second);
      const id = listing.pay(50);
      const pages = await listAll(listing);
      expect(idsOf(pages)).toEqual([id]);
      expect(pages.map(({ newest, oldest }) => [newest, oldest])).toEqual([
        [at(129), at(31)],
        [at(30), at(0)],
      ]);
    });
  }

  it('goes on after its cursor, whatever was added before it meanwhile', async () => {
    const listing = await openListing();
    const ids = Array.from({ length: 250 }, (_, index) => listing.pay(index));
    const pages = await listAll(listing, {}, (read) => void listing.pay(1_000 + read));
    expect(idsOf(pages).sort()).toEqual([...ids].sort());
  });

  it('answers the same page to the same request', async () => {
    const listing = await openListing();
    for (let second = 0; second < 150; second += 1) listing.pay(second);
    const first = await listing.list(ALL);
    const request = { ...ALL, after: first.lastId };
    expect(idsOf([await listing.list(ALL)])).toEqual(idsOf([first]));
    expect(idsOf([await listing.list(request)])).toEqual(idsOf([await listing.list(request)]));
  });

  it('throws a cursor that is not there as transient', async () => {
    const listing = await openListing();
    listing.pay(1);
    const after = { succeededEvents: 'evt_vanished', paymentIntents: 'pi_vanished', charges: 'ch_vanished' }[feed];
    await expect(listing.list({ ...ALL, after })).rejects.toMatchObject({ kind: 'transient', code: 'cursor_gone' });
  });

  it('reads one intent as it is now, and requests nothing that cannot be one', async () => {
    const listing = await openListing();
    const id = listing.pay(1);
    expect(await listing.payment(id)).toMatchObject({ reading: { kind: 'payment', id }, requests: 1 });
    expect(await listing.payment('pi_nobodys')).toEqual({ reading: { kind: 'missing' }, requests: 1 });
    for (const odd of ['pi_', 'pi_a/b', 'pi_x:r1', 'ch_1', ''])
      expect(await listing.payment(odd)).toEqual({ reading: { kind: 'missing' }, requests: 0 });
  });
});

describe.each(['succeededEvents', 'paymentIntents', 'charges'] as const)('%s of the stand-in', (feed) => {
  it('throws that a permission is missing, as fatal, and nothing of other feeds', async () => {
    const permissions = {
      succeededEvents: 'rak_event_read',
      paymentIntents: 'rak_payment_intent_read',
      charges: 'rak_charge_read',
    } as const;
    const others = Object.values(permissions).filter((permission) => permission !== permissions[feed]);
    const sandbox = await startSandbox({ rk_test_some: others });
    const feeds = feedsOf(sandbox, { readKey: async () => 'rk_test_some' });
    const missing = { kind: 'fatal', code: 'stripe_permission_missing' };
    await expect(pageOf(feeds, feed, ALL)).rejects.toMatchObject(missing);
    for (const other of ['succeededEvents', 'paymentIntents', 'charges'] as const)
      if (other !== feed) expect(await pageOf(feeds, other, ALL)).toMatchObject({ seen: [] });
  });

  it('throws that the key is refused, as fatal', async () => {
    const feeds = feedsOf(await startSandbox(), { readKey: async () => 'sk_test_wrong' });
    await expect(pageOf(feeds, feed, ALL)).rejects.toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  });

  it.each([
    ['stripe_unavailable', { effect: 'status', status: 500 }],
    ['stripe_unavailable', { effect: 'reset' }],
    ['stripe_rate_limited', { effect: 'rate_limited', reason: 'global-rate' }],
    ['stripe_lock_timeout', { effect: 'lock_timeout' }],
  ] as const)('is asked again, and then thrown as transient: %s', async (code, fault) => {
    const sandbox = await startSandbox();
    const feeds = feedsOf(sandbox, { clock: { monotonicMs: () => 0, sleep: async () => {}, random: () => 0 } });
    sandbox.faults.add({ ...fault, times: 1 });
    expect(await pageOf(feeds, feed, ALL)).toMatchObject({ requests: 2 });
    sandbox.faults.add(fault);
    await expect(pageOf(feeds, feed, ALL)).rejects.toMatchObject({ kind: 'transient', code });
  });

  it('brings no time without a Date', async () => {
    const sandbox = await startSandbox();
    sandbox.faults.add({ effect: 'no_date' });
    expect((await pageOf(feedsOf(sandbox), feed, ALL)).vendorNow).toBeNull();
  });

  it('ends as stopped when it is aborted, and requests nothing', async () => {
    const sandbox = await startSandbox();
    const feeds = feedsOf(sandbox, { signal: AbortSignal.abort() });
    const stopped = { kind: 'transient', code: 'stopped' };
    await expect(pageOf(feeds, feed, ALL)).rejects.toMatchObject(stopped);
    await expect(feeds.payment('pi_1')).rejects.toMatchObject(stopped);
    expect(sandbox.journal.requests).toEqual({});
  });
});

it('an amount of fifteen digits is exact, and one beyond 2^53 is unreadable, never another number', async () => {
  const sandbox = await startSandbox();
  const feeds = feedsOf(sandbox);
  const pay = (amount: number) =>
    sandbox.createIntent({ amount, created: at(1), moves: [{ move: 'succeed', at: at(1) }] });
  const [exact, beyond] = [pay(999_999_999_999_999), pay(2 ** 53)];
  for (const feed of ['succeededEvents', 'paymentIntents'] as const) {
    const { payments } = await feeds[feed](ALL);
    const read = new Map(payments.map(({ payment }) => [payment.id, payment]));
    expect(read.get(exact)).toMatchObject({ kind: 'payment', amountReceived: 999_999_999_999_999n });
    expect(read.get(beyond)).toMatchObject({ kind: 'unreadable', problem: expect.stringContaining('amount_received') });
  }
});
