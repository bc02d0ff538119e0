// The Stripe stand-in's lists as the real SDK sees them: order, cursors, filters, ties, and statuses that follow the
// clock. What a page must be is computed here from all intents at once, the slow way, and not by the sandbox's merging.

import Stripe from 'stripe';
import { afterEach, describe, expect, it } from 'vitest';
import { SandboxClock } from '../sandbox/clock.js';
import { standingAt } from '../sandbox/stripe/life.js';
import { type StripeSandbox, type StripeSandboxOptions, startStripeSandbox } from '../sandbox/stripe/sandbox.js';
import { compareEntries, type Entry, type FeedName, tracesOf } from '../sandbox/stripe/trace.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const DAY_MS = 86_400_000;
const open: StripeSandbox[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

async function start(options: StripeSandboxOptions = {}): Promise<{ sandbox: StripeSandbox; stripe: Stripe }> {
  const sandbox = await startStripeSandbox({ clock: SandboxClock.frozen(NOW), ...options });
  open.push(sandbox);
  const stripe = new Stripe(sandbox.apiKey, {
    host: sandbox.host,
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
  return { sandbox, stripe };
}

function history(size: number, days = 20): NonNullable<StripeSandboxOptions['population']> {
  return { size, from: new Date(NOW.getTime() - days * DAY_MS), to: new Date(NOW.getTime() + DAY_MS) };
}

/** All ids of a feed that are to be seen now, newest first, without any search. */
function allIds(sandbox: StripeSandbox, feed: FeedName, keep: (entry: Entry) => boolean = () => true): string[] {
  const { world } = sandbox;
  const ranks = Array.from({ length: world.population.size }, (_, rank) => rank);
  for (const plan of world.held()) if (plan.rank >= world.population.size) ranks.push(plan.rank);
  const entries = ranks.flatMap((rank) => {
    const plan = world.planOf(rank);
    return plan === undefined ? [] : tracesOf(feed, plan).map((trace): Entry => ({ ...trace, rank }));
  });
  return entries
    .filter((entry) => entry.at * 1000 <= world.clock.nowMs() && keep(entry))
    .sort((a, b) => compareEntries(b, a))
    .map((entry) => world.idOf(feed, entry));
}

interface Page {
  data: { id: string; created: number }[];
  has_more: boolean;
}

type Cursor = { starting_after?: string; ending_before?: string };

async function walk(
  list: (cursor: Cursor) => Promise<Page>,
  direction: keyof Cursor,
  from?: string,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor = from;
  for (;;) {
    const page = await list(cursor === undefined ? {} : { [direction]: cursor });
    const pageIds = page.data.map((item) => item.id);
    if (direction === 'starting_after') ids.push(...pageIds);
    else ids.unshift(...pageIds);
    cursor = direction === 'starting_after' ? pageIds.at(-1) : pageIds[0];
    if (!page.has_more) return ids;
    if (cursor === undefined) throw new Error('an empty page said that there is more');
  }
}

describe('lists', () => {
  it.each(['payment_intents', 'charges', 'events'] as const)('page %s newest first, each object once', async (feed) => {
    const { sandbox, stripe } = await start({ population: history(1500) });
    const expected = allIds(sandbox, feed);
    const lists: Record<FeedName, (cursor: Cursor) => Promise<Page>> = {
      payment_intents: (cursor) => stripe.paymentIntents.list({ limit: 100, ...cursor }),
      charges: (cursor) => stripe.charges.list({ limit: 97, ...cursor }),
      events: (cursor) => stripe.events.list({ limit: 100, ...cursor }),
    };
    expect(expected.length).toBeGreaterThan(1000);
    expect(await walk(lists[feed], 'starting_after')).toEqual(expected);
  });

  it('walk back to the newest with ending_before, the page next to the cursor first', async () => {
    const { sandbox, stripe } = await start({ population: history(700) });
    const expected = allIds(sandbox, 'payment_intents');
    const cursor = expected[500];
    if (cursor === undefined) throw new Error('too few intents');
    const page = await stripe.paymentIntents.list({ limit: 3, ending_before: cursor });
    expect(page.data.map((intent) => intent.id)).toEqual(expected.slice(497, 500));
    expect(page.has_more).toBe(true);
    const newer = await walk((at) => stripe.paymentIntents.list({ limit: 100, ...at }), 'ending_before', cursor);
    expect(newer).toEqual(expected.slice(0, 500));
    const older = await walk((at) => stripe.paymentIntents.list({ limit: 100, ...at }), 'starting_after', cursor);
    expect(older).toEqual(expected.slice(501));
  });

  it('are walked by the SDK itself in both directions', async () => {
    const { sandbox, stripe } = await start({ population: history(260) });
    const expected = allIds(sandbox, 'payment_intents');
    const all = await stripe.paymentIntents.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
    expect(all.map((intent) => intent.id)).toEqual(expected);
    const oldest = expected.at(-1);
    if (oldest === undefined) throw new Error('no intents');
    const upwards = await stripe.paymentIntents
      .list({ limit: 100, ending_before: oldest })
      .autoPagingToArray({ limit: 1000 });
    expect(upwards.map((intent) => intent.id)).toEqual(expected.slice(0, -1).reverse());
  });

  it('have more only when there is more', async () => {
    const { sandbox, stripe } = await start();
    for (let n = 0; n < 3; n++) sandbox.createIntent();
    expect((await stripe.paymentIntents.list({ limit: 2 })).has_more).toBe(true);
    expect((await stripe.paymentIntents.list({ limit: 3 })).has_more).toBe(false);
    expect((await stripe.paymentIntents.list()).data).toHaveLength(3);
  });

  it('give ten objects when no limit is asked', async () => {
    const { stripe } = await start({ population: history(50) });
    expect((await stripe.paymentIntents.list()).data).toHaveLength(10);
  });

  it('filter by created with each bound, ties included', async () => {
    const { sandbox, stripe } = await start({ population: history(400) });
    const second = NOW.getTime() / 1000 - 3 * 86_400;
    const until = second + 2 * 86_400;
    const tied = Array.from({ length: 5 }, () => sandbox.createIntent({ created: new Date(second * 1000) }));
    const ids = async (created: Stripe.RangeQueryParam | number) =>
      walk((cursor) => stripe.paymentIntents.list({ limit: 3, created, ...cursor }), 'starting_after');
    const expected = (keep: (at: number) => boolean) => allIds(sandbox, 'payment_intents', (entry) => keep(entry.at));
    expect(await ids({ gte: second, lt: until })).toEqual(expected((at) => at >= second && at < until));
    expect(await ids({ gt: second, lte: until })).toEqual(expected((at) => at > second && at <= until));
    expect(await ids(second)).toEqual(expect.arrayContaining(tied));
    expect(await ids(second)).toEqual(expected((at) => at === second));
    expect(await ids({ gt: until, lt: second })).toEqual([]);
  });

  it('page through a thousand intents of one second, made by rule and by hand', async () => {
    const second = NOW.getTime() - 60_000;
    const population = { size: 700, from: new Date(second), to: new Date(second + 1) };
    const { sandbox, stripe } = await start({ population });
    for (let n = 0; n < 300; n++) sandbox.createIntent({ created: new Date(second), moves: [{ move: 'succeed' }] });
    const expected = allIds(sandbox, 'payment_intents');
    const seen = await walk((cursor) => stripe.paymentIntents.list({ limit: 33, ...cursor }), 'starting_after');
    expect(seen).toEqual(expected);
    const charges = await walk((cursor) => stripe.charges.list({ limit: 33, ...cursor }), 'starting_after');
    expect(charges).toEqual(allIds(sandbox, 'charges'));
  });

  it('neither skip nor repeat when intents arrive between two pages', async () => {
    const { sandbox, stripe } = await start({ population: history(300) });
    const expected = allIds(sandbox, 'payment_intents');
    const seen = await walk(async (cursor) => {
      const page = await stripe.paymentIntents.list({ limit: 50, ...cursor });
      sandbox.createIntent();
      return page;
    }, 'starting_after');
    expect(seen).toEqual(expected);
  });

  it('say nothing about order in the ids', async () => {
    const { sandbox } = await start({ population: history(400) });
    const ids = allIds(sandbox, 'payment_intents');
    const ascending = ids.filter((id, n) => n > 0 && id > (ids[n - 1] ?? '')).length;
    expect(ascending).toBeGreaterThan(ids.length * 0.4);
    expect(ascending).toBeLessThan(ids.length * 0.6);
  });

  it('refuse a cursor that does not exist, a wrong limit and a parameter that Stripe does not know', async () => {
    const { stripe } = await start({ population: history(20) });
    const missing = stripe.paymentIntents.list({ starting_after: 'pi_3doesnotexist' });
    await expect(missing).rejects.toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'starting_after' });
    await expect(stripe.paymentIntents.list({ limit: 101 })).rejects.toMatchObject({ statusCode: 400, param: 'limit' });
    await expect(stripe.paymentIntents.list({ limit: 0 })).rejects.toMatchObject({ statusCode: 400, param: 'limit' });
    const misspelt = stripe.rawRequest('GET', '/v1/payment_intents?status=succeeded');
    await expect(misspelt).rejects.toMatchObject({ code: 'parameter_unknown', param: 'status' });
  });
});

describe('one object', () => {
  it('is retrieved by its id, with its charge expanded on request', async () => {
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent({ amount: 4200, currency: 'eur', customer: 'cus_1', metadata: { a: 'b' } });
    sandbox.succeed(id);
    const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
    expect(intent).toMatchObject({
      id,
      amount_received: 4200,
      currency: 'eur',
      customer: 'cus_1',
      status: 'succeeded',
    });
    expect(intent.metadata).toEqual({ a: 'b' });
    expect(intent.client_secret).toContain('_secret_');
    expect(intent.latest_charge).toMatchObject({ object: 'charge', payment_intent: id, amount_captured: 4200 });
    const plain = await stripe.paymentIntents.retrieve(id);
    if (typeof plain.latest_charge !== 'string') throw new Error('the charge was expanded unasked');
    expect((await stripe.charges.retrieve(plain.latest_charge)).payment_intent).toBe(id);
  });

  it('is not there when it never was, or is yet to come', async () => {
    const { sandbox, stripe } = await start();
    const later = sandbox.createIntent({ created: new Date(NOW.getTime() + 1000) });
    for (const id of ['pi_3nothing', later]) {
      await expect(stripe.paymentIntents.retrieve(id)).rejects.toMatchObject({
        statusCode: 404,
        code: 'resource_missing',
      });
    }
    await expect(stripe.charges.retrieve('ch_nothing')).rejects.toMatchObject({ statusCode: 404 });
    sandbox.clock.advance(1000);
    expect((await stripe.paymentIntents.retrieve(later)).id).toBe(later);
  });

  it('is the account of the key, and a customer of the population', async () => {
    const { sandbox, stripe } = await start({ account: 'acct_mine', population: history(20) });
    expect((await stripe.accounts.retrieveCurrent()).id).toBe('acct_mine');
    const customer = sandbox.world.population.customerIdAt(3);
    expect((await stripe.customers.retrieve(customer)).id).toBe(customer);
    await expect(stripe.customers.retrieve('cus_nobody')).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('time', () => {
  it('brings scheduled changes about as the clock moves', async () => {
    const { sandbox, stripe } = await start();
    const at = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
    const id = sandbox.createIntent({
      amount: 1000,
      captureMethod: 'manual',
      moves: [
        { move: 'require_action', at: at(1) },
        { move: 'authorize', at: at(2) },
        { move: 'succeed', at: at(3), amountReceived: 700 },
      ],
    });
    const seen: unknown[] = [];
    for (let hour = 0; hour <= 3; hour++) {
      const intent = await stripe.paymentIntents.retrieve(id);
      seen.push([intent.status, intent.amount_capturable, intent.amount_received]);
      sandbox.clock.advance(3_600_000);
    }
    expect(seen).toEqual([
      ['requires_payment_method', 0, 0],
      ['requires_action', 0, 0],
      ['requires_capture', 1000, 0],
      ['succeeded', 0, 700],
    ]);
    const charges = await stripe.charges.list();
    expect(charges.data.map((charge) => [charge.created * 1000, charge.amount_captured])).toEqual([
      [at(2).getTime(), 700],
    ]);
  });

  it('changes the population too: intents arrive and debits succeed days later', async () => {
    const { sandbox, stripe } = await start({ population: history(400, 5) });
    const { world } = sandbox;
    const before = allIds(sandbox, 'payment_intents').length;
    const debit = Array.from({ length: 400 }, (_, rank) => world.population.planAt(rank)).find(
      (plan) => plan.kind === 'debit_three_days' && standingAt(plan, world.clock.nowSeconds()).status === 'processing',
    );
    if (debit === undefined) throw new Error('this seed has no debit under way');
    expect((await stripe.paymentIntents.retrieve(debit.id)).status).toBe('processing');
    sandbox.clock.advance(3 * DAY_MS);
    expect((await stripe.paymentIntents.retrieve(debit.id)).status).toBe('succeeded');
    const after = await walk((cursor) => stripe.paymentIntents.list({ limit: 100, ...cursor }), 'starting_after');
    expect(after.length).toBeGreaterThan(before);
    expect(after).toEqual(allIds(sandbox, 'payment_intents'));
  });

  it('keeps a moved intent of the population in its place, once', async () => {
    const { sandbox, stripe } = await start({ population: history(200) });
    const before = allIds(sandbox, 'payment_intents');
    const open = (await stripe.paymentIntents.list({ limit: 100 })).data.find(
      (intent) => intent.status === 'requires_payment_method',
    );
    if (open === undefined) throw new Error('this seed has no open intent');
    sandbox.succeed(open.id);
    const walked = await walk((cursor) => stripe.paymentIntents.list({ limit: 30, ...cursor }), 'starting_after');
    expect(walked).toEqual(before);
    expect((await stripe.paymentIntents.retrieve(open.id)).status).toBe('succeeded');
    const newest = (await stripe.events.list({ type: 'payment_intent.succeeded', limit: 1 })).data[0];
    expect(newest?.data.object).toMatchObject({ id: open.id });
    const events = await walk((cursor) => stripe.events.list({ limit: 100, ...cursor }), 'starting_after');
    expect(events).toEqual(allIds(sandbox, 'events'));
  });

  it('gives a second attempt a second charge, and a failed one its error', async () => {
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent({ amount: 900 });
    sandbox.fail(id);
    expect((await stripe.paymentIntents.retrieve(id)).last_payment_error?.code).toBe('card_declined');
    sandbox.clock.advance(60_000);
    sandbox.succeed(id);
    const charges = (await stripe.charges.list()).data;
    expect(charges.map((charge) => charge.status)).toEqual(['succeeded', 'failed']);
    expect((await stripe.paymentIntents.retrieve(id)).latest_charge).toBe(charges[0]?.id);
  });

  it('refuses what would change the past', async () => {
    const { sandbox } = await start();
    const id = sandbox.createIntent();
    sandbox.succeed(id);
    const before = new Date(NOW.getTime() - 5000);
    expect(() => sandbox.cancel(id, { at: before })).toThrow(/before what happened/);
    expect(() => sandbox.createIntent({ moves: [{ move: 'succeed', at: before }] })).toThrow(/before what happened/);
    expect(() => sandbox.succeed('pi_nobody')).toThrow(/no intent/);
  });
});
