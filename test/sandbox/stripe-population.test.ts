// The history that exists only as a rule: the same for the same seed, every kind in it, and what a right mirror must do
// with each payment. What is expected is compared here with what the SDK is shown, not with the rule itself.

import type Stripe from 'stripe';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExpectedPayment } from '../../sandbox/stripe/expectation.js';
import { KINDS, kindNamed } from '../../sandbox/stripe/kinds.js';
import type { PopulationOptions } from '../../sandbox/stripe/population.js';
import { closeAll, DAY_MS, NOW, start } from '../support/sandbox-stripe-session.js';

afterEach(closeAll);

function history(size: number): PopulationOptions {
  return { size, from: new Date(NOW.getTime() - 60 * DAY_MS), to: NOW };
}

/** The shown intent against the expectation; throws with the id when they disagree. */
function checkShown(intent: Stripe.PaymentIntent, row: ExpectedPayment): void {
  const { expected } = row;
  expect(intent.created * 1000, intent.id).toBe(row.created.getTime());
  expect(intent.client_secret, intent.id).toContain('_secret_');
  expect(intent.status === 'succeeded', intent.id).toBe(row.succeeded !== null);
  if (expected.outcome !== 'posted') return;
  expect(BigInt(intent.amount_received), intent.id).toBe(expected.amount);
  expect(intent.currency.toUpperCase(), intent.id).toBe(expected.currency);
  const { customer } = intent;
  const id = typeof customer === 'string' ? customer : (customer?.id ?? intent.customer_account);
  expect(row.destination, intent.id).toBe(id === null ? '@stripe_guests' : `@${id}`);
}

describe('a population', () => {
  it('is expected to become exactly what the SDK is shown, every kind of it', async () => {
    const { sandbox, stripe } = await start({ population: history(5000) });
    const rows = new Map([...sandbox.expected()].map((row) => [row.id, row]));
    const totals = new Map<string, bigint>();
    let count = 0;
    for await (const intent of stripe.paymentIntents.list({ limit: 100 })) {
      const row = rows.get(intent.id);
      if (row === undefined) throw new Error(`${intent.id} is shown and not expected`);
      count += 1;
      checkShown(intent, row);
      if (row.expected.outcome !== 'posted') continue;
      const currency = intent.currency.toUpperCase();
      totals.set(currency, (totals.get(currency) ?? 0n) + BigInt(intent.amount_received));
    }
    expect(count).toBe(5000);
    expect(new Set([...rows.values()].map((row) => row.kind))).toEqual(new Set(KINDS.map((kind) => kind.name)));
    const expected = sandbox.expectedTotals();
    expect(totals).toEqual(new Map(Object.entries(expected.currencies).map(([code, sum]) => [code, sum.amount])));
    const parked = Object.values(expected.parked).reduce((sum, n) => sum + n, 0);
    expect(expected.posted + expected.none + parked).toBe(5000);
    expect(expected.posted).toBeGreaterThan(3500);
    expect(Object.keys(expected.parked).sort()).toEqual([
      'amount_not_positive',
      'three_decimal_amount',
      'unknown_currency',
      'unreadable_payment',
      'wrong_livemode',
    ]);
  });

  it('is the same for the same seed, and another for another', async () => {
    const ids = async (seed: number) => {
      const { sandbox } = await start({ seed, population: history(300) });
      return [...sandbox.expected()].map((row) => [row.id, row.kind, row.created.getTime()]);
    };
    expect(await ids(3)).toEqual(await ids(3));
    expect(await ids(3)).not.toEqual(await ids(4));
  });

  it('is expected otherwise as its late payments succeed', async () => {
    const { sandbox } = await start({ population: history(5000) });
    const before = sandbox.expectedTotals();
    sandbox.clock.advance(50 * DAY_MS);
    const after = sandbox.expectedTotals();
    expect(after.intents).toBe(before.intents);
    expect(after.posted).toBeGreaterThan(before.posted + 20);
    expect(sandbox.expectedTotals({ at: NOW })).toEqual(before);
  });

  it('states nothing of an intent that a test made up or bent', async () => {
    const { sandbox } = await start();
    const outcomeOf = (id: string) => [...sandbox.expected()].find((row) => row.id === id)?.expected.outcome;
    const plain = sandbox.createIntent({ moves: [{ move: 'succeed' }] });
    const bent = sandbox.createIntent({ kind: 'card_usd', amount: 5, created: new Date(NOW.getTime() - 60_000) });
    const whole = sandbox.createIntent({ kind: 'card_usd', created: new Date(NOW.getTime() - 60_000) });
    expect([plain, bent, whole].map(outcomeOf)).toEqual(['unstated', 'unstated', 'posted']);
  });
});

describe('every kind', () => {
  it('has its own name and a weight', () => {
    expect(new Set(KINDS.map((kind) => kind.name)).size).toBe(KINDS.length);
    for (const kind of KINDS) expect(kind.weight, kind.name).toBeGreaterThan(0);
    expect(() => kindNamed('nothing')).toThrow(/no kind/);
  });

  it.each(KINDS.map((kind) => kind.name))('%s arrives as it was written, by list and by id', async (name) => {
    const kind = kindNamed(name);
    const { sandbox, stripe } = await start();
    const id = sandbox.createIntent({ kind: name });
    sandbox.clock.advance(50 * DAY_MS);
    const intent = await stripe.paymentIntents.retrieve(id);
    const row = [...sandbox.expected()][0];
    if (row === undefined) throw new Error('nothing is expected');
    checkShown(intent, row);
    expect(row.expected).toEqual(kind.expected);
    expect(intent.description).toBe(kind.description);
    const shown = Object.entries(intent.metadata).filter(([key]) => key !== 'order_id');
    expect(shown.sort()).toEqual(Object.entries(kind.metadata).sort());
    expect(Object.keys(intent.metadata).includes('order_id')).toBe(kind.numbered);
    expect((await stripe.paymentIntents.list()).data[0]).toEqual(JSON.parse(JSON.stringify(intent)));
  });
});
