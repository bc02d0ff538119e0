// What the Stripe stand-in shows follows its clock: scheduled changes, late successes, and moves that tests make.

import { afterEach, describe, expect, it } from 'vitest';
import { standingAt } from '../../sandbox/stripe/life.js';
import { allIds, closeAll, DAY_MS, history, NOW, start, walk } from '../support/sandbox-stripe-session.js';

afterEach(closeAll);

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
