// The Stripe stand-in's events: when they can be seen, for how long, and what they froze.

import type Stripe from 'stripe';
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, DAY_MS, NOW, start } from '../support/sandbox-stripe-session.js';

afterEach(closeAll);

async function typesOf(stripe: Stripe, params: Stripe.EventListParams = {}): Promise<string[]> {
  return (await stripe.events.list({ limit: 100, ...params })).data.map((event) => event.type);
}

describe('events', () => {
  it('tell what happened, newest first, by type, by types and by wildcard', async () => {
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent();
    sandbox.clock.advance(1000);
    sandbox.fail(id);
    sandbox.clock.advance(1000);
    sandbox.succeed(id);
    expect(await typesOf(stripe)).toEqual([
      'payment_intent.succeeded',
      'charge.succeeded',
      'payment_intent.payment_failed',
      'charge.failed',
      'payment_intent.created',
    ]);
    expect(await typesOf(stripe, { type: 'payment_intent.succeeded' })).toEqual(['payment_intent.succeeded']);
    expect(await typesOf(stripe, { type: 'charge.*' })).toEqual(['charge.succeeded', 'charge.failed']);
    const both = { types: ['charge.failed', 'payment_intent.succeeded'] };
    expect(await typesOf(stripe, both)).toEqual(['payment_intent.succeeded', 'charge.failed']);
    await expect(typesOf(stripe, { type: 'charge.failed', ...both })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('come late for a late success, with the snapshot of that second', async () => {
    const { sandbox, stripe } = await start();
    const created = new Date(NOW.getTime() - 60 * DAY_MS);
    const id = sandbox.createIntent({ created, amount: 1000, metadata: { version: 'first' } });
    sandbox.succeed(id, { amountReceived: 700 });
    sandbox.clock.advance(5000);
    sandbox.edit(id, { metadata: { version: 'second' }, description: 'changed', customer: 'cus_new' });
    const [event] = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data;
    expect(event?.created).toBe(NOW.getTime() / 1000);
    expect(event?.data.object).toMatchObject({
      id,
      created: created.getTime() / 1000,
      status: 'succeeded',
      amount_received: 700,
      metadata: { version: 'first' },
      description: null,
      customer: null,
    });
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      metadata: { version: 'second' },
      description: 'changed',
      customer: 'cus_new',
    });
  });

  it('keep apart what happened within one second', async () => {
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent();
    sandbox.fail(id);
    sandbox.succeed(id);
    const events = (await stripe.events.list({ type: 'payment_intent.*' })).data;
    expect(events.map((event) => [event.type, 'status' in event.data.object && event.data.object.status])).toEqual([
      ['payment_intent.succeeded', 'succeeded'],
      ['payment_intent.payment_failed', 'requires_payment_method'],
      ['payment_intent.created', 'requires_payment_method'],
    ]);
  });

  it('become listable only after the visibility delay, with the created of the moment itself', async () => {
    const { sandbox, stripe } = await start({ eventVisibilityDelayMs: 30_000 });
    const id = sandbox.createIntent();
    sandbox.succeed(id);
    sandbox.clock.advance(29_999);
    expect(await typesOf(stripe)).toEqual([]);
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
    sandbox.clock.advance(1);
    const [event] = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data;
    expect(event?.created).toBe(NOW.getTime() / 1000);
  });

  it('may appear out of order within a seeded random delay, and all are there once it is over', async () => {
    const { sandbox, stripe } = await start({ eventVisibilityDelayMs: { upToMs: 60_000 } });
    const ids = Array.from({ length: 40 }, () => {
      sandbox.clock.advance(1000);
      const id = sandbox.createIntent();
      sandbox.succeed(id);
      return id;
    });
    const seen = async () =>
      (await stripe.events.list({ limit: 100, type: 'payment_intent.succeeded' })).data.map((event) =>
        'id' in event.data.object ? event.data.object.id : '',
      );
    const early = await seen();
    const newestFirst = ids.toReversed();
    const gaps = newestFirst.indexOf(early.at(-1) ?? '') + 1 - early.length;
    expect(gaps).toBeGreaterThan(0);
    sandbox.clock.advance(60_000);
    expect(await seen()).toEqual(newestFirst);
  });

  it('age out: not listed any more, and a cursor on one is refused in the words of Stripe', async () => {
    const { sandbox, stripe } = await start();
    sandbox.succeed(sandbox.createIntent());
    const old = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data[0]?.id ?? '';
    sandbox.clock.advance(30 * DAY_MS);
    expect(await typesOf(stripe)).toHaveLength(3);
    sandbox.clock.advance(1000);
    sandbox.succeed(sandbox.createIntent());
    expect(await typesOf(stripe)).toHaveLength(3);
    const refused = { statusCode: 400, message: expect.stringContaining('aged out of our retention policy') };
    await expect(stripe.events.list({ starting_after: old })).rejects.toMatchObject(refused);
    await expect(stripe.events.list({ ending_before: old })).rejects.toMatchObject(refused);
    await expect(stripe.events.list({ ending_before: 'evt_never' })).rejects.toMatchObject({
      code: 'resource_missing',
    });
    await expect(stripe.events.retrieve(old)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('keep the shape of the version in which they were made, whatever version is requested', async () => {
    const { sandbox, stripe } = await start();
    sandbox.createIntent({ kind: 'old_event_snapshot' });
    sandbox.clock.advance(5000);
    const [event] = (await stripe.events.list({ type: 'payment_intent.succeeded' })).data;
    expect(event?.api_version).toBe('2020-08-27');
    expect(event?.data.object).not.toHaveProperty('latest_charge');
    expect(event?.data.object).toMatchObject({ charges: { object: 'list', data: [{ object: 'charge', paid: true }] } });
    expect(event?.data.object).toMatchObject({ object: 'payment_intent', status: 'succeeded', amount_received: 1999 });
  });

  it('carry no charge events for a payment without a charge', async () => {
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent({ kind: 'no_charge' });
    sandbox.clock.advance(5000);
    expect(await typesOf(stripe)).toEqual(['payment_intent.succeeded', 'payment_intent.created']);
    expect((await stripe.paymentIntents.retrieve(id)).latest_charge).toBeNull();
    expect((await stripe.charges.list()).data).toEqual([]);
  });
});
