/** Replacements and corrections are the payment's own transaction in all but what they must have otherwise: the exact bytes. */
import { describe, expect, it } from 'vitest';
import { type MappingRules, preparePayment, prepareVariant, type Variant } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';

const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: '0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11',
  livemode: false,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};
const PAYMENT: Payment = {
  kind: 'payment',
  id: 'pi_1',
  amountReceived: 1_999n,
  currency: 'kwd',
  created: new Date('2026-05-31T23:59:59Z'),
  livemode: false,
  customerId: 'cus_1',
  chargeId: 'ch_1',
  description: 'Order 42',
  metadata: [['order_id', '42']],
};

function bodyOf(variant: Variant, payment: Payment): string {
  const preparation = prepareVariant(payment, RULES, variant);
  if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
  return preparation.transaction.body;
}

const payment = { ...PAYMENT, amountReceived: 1_990n };
const meta =
  '"meta_data":{"stripe_payment_intent_id":"pi_1","stripe_customer_id":"cus_1","stripe_charge_id":"ch_1","stripe_livemode":"false",' +
  '"stripe_day":"2026-05-31","stripe_mirror":"0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11","stripe_metadata":{"order_id":"42"}}}';

describe('the body of version 1', () => {
  it('of a replacement has another reference, and nothing else', () => {
    const own = preparePayment(payment, RULES);
    if (own.kind !== 'prepared') throw new Error(own.detail);
    expect(bodyOf({ reference: 'pi_1:r1' }, payment)).toBe(
      own.transaction.body.replace('"reference":"pi_1"', '"reference":"pi_1:r1"'),
    );
  });

  it('of a correction that adds is this, byte for byte', () => {
    expect(bodyOf({ reference: 'pi_1:adj:1', correctedBy: 7n }, payment)).toBe(
      '{"precise_amount":7,"precision":1000,"currency":"KWD","reference":"pi_1:adj:1","source":"@stripe","destination":"@cus_1",' +
        '"description":"Correction of Stripe payment pi_1: the ledger had too little","allow_overdraft":true,"skip_queue":true,' +
        `"effective_date":"2026-05-31T23:59:59Z",${meta}`,
    );
  });

  it('of a correction that takes back goes the other way, with an amount above zero', () => {
    expect(bodyOf({ reference: 'pi_1:adj:2', correctedBy: -9_007_199_254_740_993n }, payment)).toBe(
      '{"precise_amount":9007199254740993,"precision":1000,"currency":"KWD","reference":"pi_1:adj:2","source":"@cus_1","destination":"@stripe",' +
        '"description":"Correction of Stripe payment pi_1: the ledger had too much","allow_overdraft":true,"skip_queue":true,' +
        `"effective_date":"2026-05-31T23:59:59Z",${meta}`,
    );
  });

  it('is refused for the same payments', () => {
    expect(prepareVariant(PAYMENT, RULES, { reference: 'pi_1:r1' })).toEqual(preparePayment(PAYMENT, RULES));
    expect(preparePayment(PAYMENT, RULES)).toMatchObject({ kind: 'rejected', reason: 'three_decimal_amount' });
  });
});
