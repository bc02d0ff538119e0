// The Stripe stand-in's lists and objects as the real SDK sees them: order, cursors, filters, ties. What a page must be is
// computed from all intents at once, the slow way, and not by the sandbox's merging.

import type Stripe from 'stripe';
import { afterEach, describe, expect, it } from 'vitest';
import type { FeedName } from '../../sandbox/stripe/trace.js';
import {
  allIds,
  type Cursor,
  closeAll,
  history,
  NOW,
  type Page,
  start,
  walk,
} from '../support/sandbox-stripe-session.js';

afterEach(closeAll);

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
