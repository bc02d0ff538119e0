/** Payment to ledger transaction: the exact bytes, what is parked, and that nothing but payment and mirror decides. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MappingRules, newMappingVersion, preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { parsePayment, serializePayment } from '../../src/core/posting/payment.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';

const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: '0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11',
  livemode: true,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

const PAYMENT: Payment = {
  kind: 'payment',
  id: 'pi_3Nabc',
  amountReceived: 1_999n,
  currency: 'usd',
  created: new Date('2026-05-31T23:59:59Z'),
  livemode: true,
  customerId: 'cus_Q1',
  chargeId: 'ch_3Nabc',
  description: 'Order 42',
  metadata: [
    ['order_id', '42'],
    ['note', 'two "cakes"'],
  ],
};

function prepared(payment: Payment, rules = RULES): PreparedTransaction {
  const preparation = preparePayment(payment, rules);
  if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
  return preparation.transaction;
}

describe('the body of version 1', () => {
  it('is this, byte for byte', () => {
    expect(prepared(PAYMENT).body).toBe(
      '{"precise_amount":1999,"precision":100,"currency":"USD","reference":"pi_3Nabc","source":"@stripe",' +
        '"destination":"@cus_Q1","description":"Order 42","allow_overdraft":true,"skip_queue":true,' +
        '"effective_date":"2026-05-31T23:59:59Z","meta_data":{"stripe_payment_intent_id":"pi_3Nabc",' +
        '"stripe_customer_id":"cus_Q1","stripe_charge_id":"ch_3Nabc","stripe_livemode":"true",' +
        '"stripe_day":"2026-05-31","stripe_mirror":"0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11",' +
        '"stripe_metadata":{"order_id":"42","note":"two \\"cakes\\""}}}',
    );
  });

  it('is this for a guest without charge, description and metadata', () => {
    const bare = { ...PAYMENT, customerId: null, chargeId: null, description: null, metadata: [] };
    expect(prepared(bare).body).toBe(
      '{"precise_amount":1999,"precision":100,"currency":"USD","reference":"pi_3Nabc","source":"@stripe",' +
        '"destination":"@stripe_guests","description":"Stripe payment pi_3Nabc","allow_overdraft":true,' +
        '"skip_queue":true,"effective_date":"2026-05-31T23:59:59Z","meta_data":{"stripe_payment_intent_id":' +
        '"pi_3Nabc","stripe_livemode":"true","stripe_day":"2026-05-31",' +
        '"stripe_mirror":"0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11"}}',
    );
  });

  it('carries the fields by which the ledger is compared', () => {
    const { body: _body, ...rest } = prepared(PAYMENT);
    expect(rest).toEqual({
      object: 'payment',
      role: 'original',
      lane: { source: '@stripe', currency: 'USD' },
      reference: 'pi_3Nabc',
      amount: 1_999n,
      precision: 100,
      currency: 'USD',
      source: '@stripe',
      destination: '@cus_Q1',
      effectiveDate: new Date('2026-05-31T23:59:59Z'),
    });
  });

  it.each([
    ['jpy', 500n, 1],
    ['kwd', 5_120n, 1_000],
    ['isk', 129_900n, 100],
    ['huf', 399_000n, 100],
    ['mga', 45_000n, 1],
  ])('has the precision of %s', (currency, amountReceived, precision) => {
    const transaction = prepared({ ...PAYMENT, currency, amountReceived });
    expect(transaction).toMatchObject({ precision, amount: amountReceived, currency: currency.toUpperCase() });
    expect(transaction.body.startsWith(`{"precise_amount":${amountReceived},"precision":${precision},`)).toBe(true);
  });

  it('writes an amount beyond 2^53 with every digit', () => {
    const { body } = prepared({ ...PAYMENT, amountReceived: 9_007_199_254_740_993n });
    expect(body.startsWith('{"precise_amount":9007199254740993,')).toBe(true);
  });

  it.each(['', '   ', '\n\t', '\u0000'])('names the payment when the description is %j', (description) => {
    expect(JSON.parse(prepared({ ...PAYMENT, description }).body).description).toBe('Stripe payment pi_3Nabc');
  });
});

describe('mapping', () => {
  it('is pure: the same body from a payment that was stored and read again, and nothing that it is given changes', () => {
    const frozen = Object.freeze({ ...PAYMENT, metadata: Object.freeze([...PAYMENT.metadata]) });
    const once = prepared(frozen);
    const again = parsePayment(serializePayment(frozen));
    expect(again).toEqual(PAYMENT);
    expect(prepared(again as Payment, Object.freeze({ ...RULES }))).toEqual(once);
  });

  it('refuses to guess what a version does that it does not know', () => {
    for (const mappingVersion of [0, 2, 1.5, Number.NaN]) {
      expect(() => preparePayment(PAYMENT, { ...RULES, mappingVersion })).toThrow(RangeError);
    }
    const spread = { ...RULES, sourceShards: 4 };
    expect(() => preparePayment(PAYMENT, spread)).toThrow(RangeError);
    expect([newMappingVersion(RULES), newMappingVersion(spread)]).toEqual([1, 2]);
  });

  it.each<[string, Partial<Payment>, string, string]>([
    ['of the other mode', { livemode: false }, 'wrong_livemode', "livemode is false, this mirror's is true"],
    ['in an unknown currency', { currency: 'zzz' }, 'unknown_currency', 'currency is "zzz"'],
    ['in no currency', { currency: '' }, 'unknown_currency', 'currency is ""'],
    ['in a prototype', { currency: '__proto__' }, 'unknown_currency', 'currency is "__proto__"'],
    ['of nothing', { amountReceived: 0n }, 'amount_not_positive', 'amount_received is 0'],
    ['of less than nothing', { amountReceived: -500n }, 'amount_not_positive', 'amount_received is -500'],
    [
      'of a fil that cannot be',
      { currency: 'kwd', amountReceived: 5_124n },
      'three_decimal_amount',
      'amount_received is 5124 KWD',
    ],
    [
      'of a customer who is the source',
      { customerId: 'stripe' },
      'same_balance',
      "the customer's balance would be @stripe",
    ],
    [
      'of a customer who is all guests',
      { customerId: 'stripe_guests' },
      'same_balance',
      "the customer's balance would be @stripe_guests",
    ],
    [
      'of a nameless customer',
      { customerId: '' },
      'unreadable_payment',
      'the customer id has 0 characters or holds a NUL',
    ],
    [
      'of a customer with a NUL',
      { customerId: 'cus_\u0000' },
      'unreadable_payment',
      'the customer id has 5 characters or holds a NUL',
    ],
    [
      'of a customer with half a character',
      { customerId: 'cus_\ud83c' },
      'unreadable_payment',
      'the customer id has 5 characters or holds a NUL',
    ],
    [
      'of a customer with a very long name',
      { customerId: 'c'.repeat(201) },
      'unreadable_payment',
      'the customer id has 201 characters or holds a NUL',
    ],
  ])('parks a payment %s', (_what, differs, reason, detail) => {
    expect(preparePayment({ ...PAYMENT, ...differs }, RULES)).toEqual({ kind: 'rejected', reason, detail });
  });

  it('posts a test payment into a mirror of test data', () => {
    expect(preparePayment({ ...PAYMENT, livemode: false }, { ...RULES, livemode: false }).kind).toBe('prepared');
  });

  it('uses nothing of a currency but its code: amounts of all two-decimal ones come out alike', () => {
    for (const currency of ['usd', 'huf', 'idr', 'cop', 'ugx', 'twd']) {
      expect(prepared({ ...PAYMENT, currency }).precision).toBe(100);
    }
  });
});

describe('a stored payment', () => {
  it('comes back as it was', () => {
    const words = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\u0000', '\ud83c', '🎂', 'é') });
    const payments = fc.record({
      kind: fc.constant('payment' as const),
      id: fc.string(),
      amountReceived: fc.bigInt(),
      currency: fc.string(),
      created: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
      livemode: fc.boolean(),
      customerId: fc.option(words),
      chargeId: fc.option(fc.string()),
      description: fc.option(words),
      metadata: fc.array(fc.tuple(fc.constantFrom('__proto__', 'a', '1', ''), words)),
    });
    fc.assert(
      fc.property(payments, (payment) => {
        expect(parsePayment(serializePayment(payment))).toEqual(payment);
      }),
      { seed: 2 },
    );
  });

  it('that could not be read comes back too', () => {
    for (const created of [null, new Date('2026-01-01T00:00:00Z')]) {
      const payment = { kind: 'unreadable' as const, id: 'pi_1', created, problem: 'amount_received holds nothing' };
      expect(parsePayment(serializePayment(payment))).toEqual(payment);
    }
  });
});
