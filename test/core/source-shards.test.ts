/** The balances that a mirror's source is spread over: which payment goes out of which, for ever. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import { isOwnBalance, ownBalancesOf, SHARDS_MAX, sourceOf } from '../../src/core/posting/source-shards.js';
import { makePayments } from '../support/stages/ledger.js';

const spread = (sourceShards: number) => ({ source: '@stripe', sourceShards });
const RULES = { ...spread(8), mappingVersion: 2, mirrorId: 'm', livemode: false, guestDestination: '@guests' };

describe('the source of a payment', () => {
  it('is the one source of a mirror that spreads nothing', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(sourceOf(id, spread(1))).toBe('@stripe');
      }),
    );
    expect(ownBalancesOf(spread(1))).toEqual(['@stripe']);
  });

  // In ledgers: none of these may ever change.
  it.each([
    ['pi_3MtwBwLkdIwHu7ix28a3tqPa', '@stripe_1', '@stripe_1', '@stripe_9'],
    ['pi_1Gt0RG2eZvKYlo2CtxkQK2rm', '@stripe_0', '@stripe_2', '@stripe_10'],
    ['pi_00000000000000000000000000', '@stripe_1', '@stripe_5', '@stripe_5'],
    ['pi_00000000000000000000000001', '@stripe_0', '@stripe_4', '@stripe_12'],
    ['', '@stripe_1', '@stripe_3', '@stripe_11'],
  ])('%s is always the same of two, of eight and of 64', (id, ofTwo, ofEight, ofAll) => {
    expect([2, 8, 64].map((shards) => sourceOf(id, spread(shards)))).toEqual([ofTwo, ofEight, ofAll]);
  });

  it('is one of the mirror’s own balances, and each of them gets its part', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: SHARDS_MAX }), (shards) => {
        const own = ownBalancesOf(spread(shards));
        const counts = new Map(own.map((name) => [name, 0]));
        for (let n = 0; n < 200 * shards; n += 1) {
          const name = sourceOf(`pi_3${n.toString(36).padStart(23, 'Q')}`, spread(shards));
          counts.set(name, (counts.get(name) ?? Number.NaN) + 1);
        }
        expect(counts.size).toBe(shards);
        expect(Math.min(...counts.values())).toBeGreaterThan(120);
        expect(Math.max(...counts.values())).toBeLessThan(290);
      }),
    );
  });

  it('makes the transaction and its lane; a customer who is called like one of the balances is parked', () => {
    const [payment] = makePayments(1);
    if (payment === undefined) throw new Error('no payment');
    const source = sourceOf(payment.id, RULES);
    const preparation = preparePayment(payment, RULES);
    expect(preparation).toMatchObject({ transaction: { source, lane: { source, currency: 'USD' } } });
    const namesake = preparePayment({ ...payment, customerId: 'stripe_5' }, RULES);
    expect(namesake).toMatchObject({ kind: 'rejected', reason: 'same_balance' });
    expect(isOwnBalance('@stripe_8', RULES)).toBe(false);
  });
});
