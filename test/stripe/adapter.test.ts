/**
 * The feeds and the account reader against the stand-in: every kind of payment, over real HTTP. What every feed promises of
 * its pages is in `test/collect/conformance.test.ts`.
 */
import { afterEach, expect, test } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import { type StripeSandbox, type StripeSandboxOptions, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import type { FeedPage, PageRequest, PaymentFeeds, SeenPayment } from '../../src/collect/ports.js';
import type { FoundPayment } from '../../src/core/posting/payment.js';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import { createStripeClient, type StripeClient } from '../../src/stripe/client.js';
import type { StripeEndpoint } from '../../src/stripe/endpoint.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import type { RequestClock } from '../../src/stripe/request.js';
import { answerWith, openHttpProxy } from '../support/http-proxy.js';

const NOW = new Date('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;
const open: { close(): void | Promise<void> }[] = [];

afterEach(async () => {
  for (const closing of open.splice(0).reverse()) await closing.close();
});

test('the list gives every succeeded intent once, with what was received', async () => {
  const { sandbox, feeds } = await start({ population: lastDays({ size: 1_000, days: 20 }) });
  const pages = await readAll((after) => feeds.paymentIntents({ from: daysAgo(21), to: NOW, after }));
  const expected = [...sandbox.expected()];
  const succeeded = expected.filter((payment) => payment.succeeded !== null);

  expect(pages).toHaveLength(Math.ceil(expected.length / 100));
  expect(idsOf(pages)).toEqual(succeeded.map((payment) => payment.id).sort());
  const found = byId(pages);
  for (const wanted of succeeded) {
    const payment = found.get(wanted.id);
    if (payment?.kind === 'unreadable') {
      expect(wanted.expected).toEqual({ outcome: 'parked', reason: 'unreadable_payment' });
      continue;
    }
    expect(payment).toMatchObject({ kind: 'payment', created: wanted.created, description: wanted.description });
    expect(payment?.metadata).toEqual(Object.entries(wanted.metadata));
    if (wanted.expected.outcome === 'posted') {
      expect(payment?.amountReceived).toBe(wanted.expected.amount);
      expect(payment?.currency.toUpperCase()).toBe(wanted.expected.currency);
      expect(`@${payment?.customerId ?? 'stripe_guests'}`).toBe(wanted.destination);
    }
  }
  expect([...found.values()].filter((payment) => payment.kind === 'unreadable').length).toBeGreaterThan(0);
});

test('the events give the same payments as the list, snapshots of every version included', async () => {
  const { feeds } = await start({ population: lastDays({ size: 1_000, days: 20 }) });
  const fromEvents = await readAll((after) => feeds.succeededEvents({ from: daysAgo(21), to: null, after }));
  const fromList = await readAll((after) => feeds.paymentIntents({ from: daysAgo(21), to: NOW, after }));

  expect(idsOf(fromEvents)).toEqual(idsOf(fromList));
  const listed = byId(fromList);
  for (const [id, payment] of byId(fromEvents)) expect(payment).toEqual(listed.get(id));
});

test("time is the answer's Date less the duration of the request, and absent without a Date", async () => {
  const { sandbox, feeds, account } = await start({ latencyMs: 60 });
  const request: PageRequest = { from: daysAgo(1), to: null, after: null };
  const { vendorNow } = await feeds.succeededEvents(request);
  const behindMs = NOW.getTime() - (vendorNow?.getTime() ?? 0);
  expect(behindMs).toBeGreaterThanOrEqual(60);
  expect(behindMs).toBeLessThan(5_000);
  expect((await account.serverTime()).getTime()).toBeLessThanOrEqual(NOW.getTime() - 60);

  sandbox.faults.add({ effect: 'no_date' });
  expect((await feeds.succeededEvents(request)).vendorNow).toBeNull();
  expect((await feeds.paymentIntents(request)).vendorNow).toBeNull();
  await expect(account.serverTime()).rejects.toMatchObject({ code: 'no_server_time', kind: 'transient' });
});

test('an answer that was read long after it came gives no time, and so covers nothing', async () => {
  const { sandbox } = await start({});
  let nowMs = 0;
  // The clock is looked at when a request is sent and when its answer is read.
  const stepping = { monotonicMs: () => (nowMs += stepMs), sleep: async () => {}, random: () => 0 };
  let stepMs = 20_000;
  const feeds = createPaymentFeeds({ client: connect(sandbox, { clock: stepping }) });
  const request: PageRequest = { from: daysAgo(1), to: null, after: null };
  expect((await feeds.paymentIntents(request)).vendorNow).not.toBeNull();
  stepMs = 40_000;
  expect((await feeds.paymentIntents(request)).vendorNow).toBeNull();
});

test('a payment is what its event froze, whatever was changed afterwards', async () => {
  const { sandbox, feeds } = await start({});
  const id = sandbox.createIntent({
    created: daysAgo(1),
    description: 'as paid',
    moves: [{ move: 'succeed', at: daysAgo(1) }],
  });
  sandbox.edit(id, { description: 'changed later' });
  const page = await feeds.succeededEvents({ from: daysAgo(2), to: null, after: null });
  expect(only(page)).toMatchObject({ seenAt: daysAgo(1), payment: { kind: 'payment', id, description: 'as paid' } });
  expect(page.requests).toBe(1);
  expect(sandbox.journal.requests['payment_intents.retrieve']).toBeUndefined();
});

test('an event of a version that cannot be read is read again by id, at most eight at once', async () => {
  const { sandbox, feeds, acquired } = await start({ limits: { endpointConcurrency: 8 }, latencyMs: 10 });
  const versions = ['2020-08-27', '2019-02-11', '2022-08-01', '2030-01-01.zinnia'];
  const ids = Array.from({ length: 40 }, (_, index) =>
    sandbox.createIntent({
      created: daysAgo(1),
      eventVersion: versions[index % versions.length] ?? '',
      moves: [{ move: 'succeed', at: daysAgo(1) }],
    }),
  );
  const page = await feeds.succeededEvents({ from: daysAgo(2), to: null, after: null });
  expect(idsOf([page])).toEqual(ids.sort());
  expect(page.payments.every(({ payment }) => payment.kind === 'payment')).toBe(true);
  expect(page.requests).toBe(41);
  // A ninth in flight would have been answered 429 by the stand-in and been sent again.
  expect(sandbox.journal.answers).toEqual({ 200: 41 });
  expect(acquired.filter((endpoint) => endpoint === 'payment_intent').length).toBe(40);
});

test('a cursor that aged out is told as such', async () => {
  const { sandbox, feeds } = await start({});
  const request = { from: daysAgo(40), to: null };
  sandbox.createIntent({ created: daysAgo(29), moves: [{ move: 'succeed', at: daysAgo(29) }] });
  const { lastId } = await feeds.succeededEvents({ ...request, after: null });
  expect(lastId).toMatch(/^evt_/);
  sandbox.clock.advance(2 * DAY_MS);
  await expect(feeds.succeededEvents({ ...request, after: lastId })).rejects.toMatchObject({
    kind: 'transient',
    code: 'cursor_gone',
    message: expect.stringContaining('aged out'),
  });
});

test('every request passes the limiter under its endpoint', async () => {
  const { feeds, account, sandbox, acquired } = await start({});
  const id = sandbox.createIntent({});
  await feeds.succeededEvents({ from: daysAgo(1), to: null, after: null });
  await feeds.paymentIntents({ from: daysAgo(1), to: null, after: null });
  await account.readIntent(id);
  await account.readAccount();
  expect(acquired).toEqual(['events', 'payment_intents', 'payment_intent', 'account']);
  sandbox.faults.add({ effect: 'status', status: 500, times: 2 });
  const page = await feeds.paymentIntents({ from: daysAgo(1), to: null, after: null });
  expect(page.requests).toBe(3);
  expect(acquired.length).toBe(7);
});

test('one intent is read as it is now', async () => {
  const { sandbox, account } = await start({});
  const id = sandbox.createIntent({ amount: 700 });
  expect(await account.readIntent(id)).toMatchObject({ kind: 'not_succeeded' });
  sandbox.succeed(id);
  expect(await account.readIntent(id)).toMatchObject({ kind: 'payment', id, amountReceived: 700n });
  expect(await account.readIntent('pi_of_another_account')).toEqual({ kind: 'missing' });
  // References of a ledger, which anybody may have written: Stripe is not asked for paths that they would make.
  const asked = { ...sandbox.journal.requests };
  for (const id of ['pi_a/b', 'pi_a?b=1', 'pi_', 'pi_x:copy', `pi_${'x'.repeat(300)}`]) {
    expect(await account.readIntent(id)).toEqual({ kind: 'missing' });
  }
  expect(sandbox.journal.requests).toEqual(asked);
});

test('the account and its mode are read, and a restricted key may go without', async () => {
  const restrictedKeys = { rk_test_narrow: ['rak_payment_intent_read', 'rak_event_read'] } as const;
  const { account, sandbox } = await start({ restrictedKeys });
  expect(await account.readAccount()).toEqual({ id: 'acct_sandbox', livemode: false });
  const narrow = createStripeAccountReader({ client: connect(sandbox, { key: 'rk_test_narrow' }) });
  expect(await narrow.readAccount()).toEqual({ id: null, livemode: false });
  expect(await narrow.checkPermissions()).toEqual({ missing: ['charges'] });

  const live = await startStripeSandbox({ apiKey: 'rk_live_all', livemode: true });
  open.push(live);
  const liveAccount = createStripeAccountReader({ client: connect(live, {}) });
  expect(await liveAccount.readAccount()).toEqual({ id: 'acct_sandbox', livemode: true });
  expect(await liveAccount.checkPermissions()).toEqual({ missing: [] });
});

test('a missing permission is named, with the link that makes a key with it', async () => {
  const { sandbox } = await start({
    restrictedKeys: { rk_test_noevents: ['rak_payment_intent_read', 'rak_charge_read'] },
  });
  const client = connect(sandbox, { key: 'rk_test_noevents' });
  const account = createStripeAccountReader({ client });
  expect(await account.checkPermissions()).toEqual({ missing: ['events'] });
  expect([await account.mayRead('events'), await account.mayRead('charges')]).toEqual([false, true]);
  const reading = createPaymentFeeds({ client }).succeededEvents({ from: daysAgo(1), to: null, after: null });
  await expect(reading).rejects.toMatchObject({ kind: 'fatal', code: 'stripe_permission_missing' });
  await expect(reading).rejects.toThrow('"Events: Read" (rak_event_read)');
  await expect(reading).rejects.toThrow(
    'https://dashboard.stripe.com/test/apikeys/create?name=stripe-blnk-sync&permissions[]=rak_payment_intent_read&permissions[]=rak_charge_read&permissions[]=rak_event_read',
  );
  await expect(reading).rejects.not.toThrow('rk_test_noevents');
});

test('a key that may not read PaymentIntents can do nothing', async () => {
  const { sandbox } = await start({ restrictedKeys: { rk_test_none: ['rak_event_read'] } });
  const checking = createStripeAccountReader({ client: connect(sandbox, { key: 'rk_test_none' }) }).checkPermissions();
  await expect(checking).rejects.toMatchObject({ kind: 'fatal', code: 'stripe_permission_missing' });
  await expect(checking).rejects.toThrow('"PaymentIntents: Read" (rak_payment_intent_read) and "Charges: Read"');
});

test('a page of events that is not newest first is refused', async () => {
  const { sandbox, feeds } = await start({});
  sandbox.createIntent({ created: daysAgo(2), moves: [{ move: 'succeed', at: daysAgo(2) }] });
  sandbox.createIntent({ created: daysAgo(1), moves: [{ move: 'succeed', at: daysAgo(1) }] });
  const proxy = await openHttpProxy(sandbox.url);
  open.push(proxy);
  proxy.intercept(async ({ response, forward }) => {
    const answer = await forward();
    const page: { data: unknown[] } = JSON.parse(answer.body);
    answerWith(response, { ...answer, body: JSON.stringify({ ...page, data: [...page.data].reverse() }) });
  });
  const wrong = createPaymentFeeds({ client: connect({ ...sandbox, url: proxy.url }, {}) });
  await expect(wrong.succeededEvents({ from: daysAgo(3), to: null, after: null })).rejects.toThrow('not newest first');
  expect((await feeds.succeededEvents({ from: daysAgo(3), to: null, after: null })).payments).toHaveLength(2);
});

async function start(options: StripeSandboxOptions): Promise<{
  sandbox: StripeSandbox;
  feeds: PaymentFeeds;
  account: ReturnType<typeof createStripeAccountReader>;
  acquired: StripeEndpoint[];
}> {
  const sandbox = await startStripeSandbox({ clock: SandboxClock.frozen(NOW), ...options });
  open.push(sandbox);
  const acquired: StripeEndpoint[] = [];
  const client = connect(sandbox, { acquired });
  return { sandbox, feeds: createPaymentFeeds({ client }), account: createStripeAccountReader({ client }), acquired };
}

function connect(
  sandbox: StripeSandbox,
  options: { key?: string; acquired?: StripeEndpoint[]; clock?: RequestClock },
): StripeClient {
  const client = createStripeClient({
    baseUrl: sandbox.url,
    readKey: () => Promise.resolve(options.key ?? sandbox.apiKey),
    version: '0.0.0-test',
    limiter: {
      acquire: (endpoint) => {
        options.acquired?.push(endpoint);
        return Promise.resolve();
      },
    },
    retries: { backoffBaseMs: 1 },
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  open.push(client);
  return client;
}

async function readAll(read: (after: string | null) => Promise<FeedPage>): Promise<FeedPage[]> {
  const pages = [await read(null)];
  for (let page = pages[0]; page?.hasMore === true; page = pages.at(-1)) pages.push(await read(page.lastId));
  return pages;
}

function byId(pages: readonly FeedPage[]): Map<string, FoundPayment> {
  return new Map(pages.flatMap((page) => page.payments).map(({ payment }) => [payment.id, payment]));
}

/** Sorted, and with doubles, so that equality means each exactly once. */
function idsOf(pages: readonly FeedPage[]): string[] {
  return pages
    .flatMap((page) => page.payments)
    .map(({ payment }) => payment.id)
    .sort();
}

function only(page: FeedPage): SeenPayment | undefined {
  expect(page.payments.length).toBe(1);
  return page.payments[0];
}

function lastDays(options: { size: number; days: number }): { size: number; from: Date; to: Date } {
  return { size: options.size, from: daysAgo(options.days), to: new Date(NOW.getTime() - 60_000) };
}

function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * DAY_MS);
}
