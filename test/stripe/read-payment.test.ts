/** Reading a PaymentIntent that nobody vouches for: what is needed comes out right, all else is refused, nothing throws. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IntentReading, readPaymentIntent } from '../../src/stripe/read-payment.js';
import { isReadableVersion } from '../../src/stripe/snapshot-version.js';

const INTENT = {
  id: 'pi_3Abc',
  object: 'payment_intent',
  status: 'succeeded',
  amount: 5_000,
  amount_received: 4_200,
  currency: 'usd',
  created: 1_700_000_000,
  livemode: false,
  customer: 'cus_1',
  customer_account: null,
  latest_charge: 'ch_1',
  description: 'Order 7',
  metadata: { order: '7', note: '' },
  client_secret: 'pi_3Abc_secret_do_not_keep',
  receipt_email: 'someone@example.com',
};

test('a succeeded intent becomes a payment with what was received', () => {
  expect(readPaymentIntent(INTENT)).toEqual({
    kind: 'payment',
    id: 'pi_3Abc',
    amountReceived: 4_200n,
    currency: 'usd',
    created: new Date('2023-11-14T22:13:20Z'),
    livemode: false,
    customerId: 'cus_1',
    chargeId: 'ch_1',
    description: 'Order 7',
    metadata: [
      ['order', '7'],
      ['note', ''],
    ],
  });
});

test('an intent that has not succeeded, or is in a state not known yet, is no payment', () => {
  for (const status of ['requires_capture', 'processing', 'canceled', 'a_state_of_tomorrow']) {
    expect(readPaymentIntent({ ...INTENT, status })).toEqual({ kind: 'not_succeeded', id: 'pi_3Abc' });
  }
});

test.each([
  ['an id', { customer: 'cus_1' }, 'cus_1'],
  ['an expanded object', { customer: { id: 'cus_2', object: 'customer', email: 'a@example.com' } }, 'cus_2'],
  ['a deleted object', { customer: { id: 'cus_3', object: 'customer', deleted: true } }, 'cus_3'],
  ['an account in its stead', { customer: null, customer_account: 'acct_4' }, 'acct_4'],
  ['both, and the customer goes first', { customer: 'cus_5', customer_account: 'acct_5' }, 'cus_5'],
  ['a guest', { customer: null }, null],
  ['an account alone', { customer: undefined, customer_account: 'acct_6' }, 'acct_6'],
  ['a guest of a time before accounts', { customer: null, customer_account: undefined }, null],
])('the customer is %s', (_name, fields, customerId) => {
  expect(readPaymentIntent({ ...INTENT, ...fields })).toMatchObject({ kind: 'payment', customerId });
});

test.each([
  ['an id', { latest_charge: 'ch_1' }, 'ch_1'],
  ['an expanded object', { latest_charge: { id: 'py_2', amount: 1 } }, 'py_2'],
  ['null', { latest_charge: null }, null],
  [
    'the newest of an old snapshot',
    { latest_charge: undefined, charges: { data: [{ id: 'ch_9' }, { id: 'ch_8' }] } },
    'ch_9',
  ],
  ['none of an old snapshot', { latest_charge: undefined, charges: { data: [] } }, null],
])('the charge is %s', (_name, fields, chargeId) => {
  expect(readPaymentIntent({ ...INTENT, ...fields })).toMatchObject({ kind: 'payment', chargeId });
});

test.each([
  ['amount_received', 1999.5],
  ['amount_received', 2 ** 53],
  ['amount_received', '4200'],
  ['amount_received', null],
  ['amount_received', undefined],
  ['currency', null],
  ['currency', ''],
  ['currency', 'x'.repeat(1_000)],
  ['currency', 'u\u017fd'],
  ['currency', 'usd\u0000'],
  ['created', '1700000000'],
  ['created', 1e18],
  ['created', -5],
  ['livemode', 'false'],
  ['livemode', undefined],
  ['customer', 7],
  ['customer', ''],
  ['customer', { deleted: true }],
  ['latest_charge', 7],
  ['latest_charge', 'ch_1 or ch_2'],
  ['metadata', ['a']],
  ['metadata', 'a=b'],
  ['status', null],
  ['status', undefined],
])('%s as %j is not guessed', (field, value) => {
  const reading = readPaymentIntent({ ...INTENT, [field]: value });
  expect(reading).toMatchObject({
    kind: 'unreadable',
    id: 'pi_3Abc',
    problem: expect.stringContaining(`${field} holds`),
  });
  expect(reading).toHaveProperty('created', field === 'created' ? null : new Date('2023-11-14T22:13:20Z'));
});

test('of what is not guessed, what could be read is kept for the person who decides', () => {
  expect(readPaymentIntent({ ...INTENT, amount_received: null, customer: 7 })).toMatchObject({
    kind: 'unreadable',
    known: {
      currency: 'usd',
      chargeId: 'ch_1',
      description: 'Order 7',
      metadata: [
        ['order', '7'],
        ['note', ''],
      ],
    },
  });
  expect(readPaymentIntent({ ...INTENT, amount_received: null })).not.toHaveProperty('known.amountReceived');
  expect(readPaymentIntent({ ...INTENT, currency: 7 })).not.toHaveProperty('known.currency');
  expect(readPaymentIntent({ ...INTENT, currency: 7 })).toMatchObject({ known: { amountReceived: 4_200n } });
});

test.each([undefined, null])('whose payment it is is not guessed without its field, with an account %j', (account) => {
  const { customer: _customer, ...nobodys } = INTENT;
  expect(readPaymentIntent({ ...nobodys, customer_account: account })).toMatchObject({
    kind: 'unreadable',
    problem: 'customer holds nothing; an id, an object with an id, or null is expected',
  });
});

test('an amount below zero or of nothing is read as it is: whether it can be posted is not decided here', () => {
  expect(readPaymentIntent({ ...INTENT, amount_received: 0 })).toMatchObject({ kind: 'payment', amountReceived: 0n });
  expect(readPaymentIntent({ ...INTENT, amount_received: -5 })).toMatchObject({ kind: 'payment', amountReceived: -5n });
});

test('metadata keys of the language are data, and no value holds a payment back', () => {
  const metadata: unknown = JSON.parse('{"__proto__":"polluted","constructor":"c","n":1,"o":{"a":[true]},"z":null}');
  expect(readPaymentIntent({ ...INTENT, metadata })).toMatchObject({
    metadata: [
      ['__proto__', 'polluted'],
      ['constructor', 'c'],
      ['n', '1'],
      ['o', '{"a":[true]}'],
      ['z', 'null'],
    ],
  });
  const deep: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  expect(readPaymentIntent({ ...INTENT, metadata: { deep } })).toMatchObject({ kind: 'payment' });
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('without an id of the right form there is nothing to hold on to', () => {
  for (const id of [undefined, null, 7, '', 'pi_', 'ch_1', 'pi_../../charges', 'pi_a\u0000', `pi_${'x'.repeat(300)}`]) {
    expect(readPaymentIntent({ ...INTENT, id })).toEqual({ kind: 'no_id' });
  }
});

test('no value makes it throw, and no secret comes out', () => {
  const secret = 'pi_3Abc_secret_do_not_keep';
  const junk = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  });
  const fields = fc.record(Object.fromEntries(Object.keys({ ...INTENT, charges: 0 }).map((field) => [field, junk])), {
    requiredKeys: [],
  });
  const damaged = fields.map((wrong) => ({ ...INTENT, ...wrong, client_secret: secret }));
  fc.assert(
    fc.property(fc.oneof(junk, damaged), (value) => {
      const reading = readPaymentIntent(value);
      expect(['payment', 'unreadable', 'not_succeeded', 'no_id']).toContain(reading.kind);
      expect(shown(reading)).not.toContain(secret);
      if (reading.kind === 'payment') {
        expect(typeof reading.amountReceived).toBe('bigint');
        expect(Number.isNaN(reading.created.getTime())).toBe(false);
        for (const entry of reading.metadata.flat()) expect(typeof entry).toBe('string');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('one damaged field gives the right payment or no payment, never a wrong one', () => {
  const whole = readPaymentIntent(INTENT);
  const decisive = ['id', 'status', 'amount_received', 'currency', 'created', 'livemode'] as const;
  const wrongType = fc.anything().filter((value) => !['string', 'number', 'boolean'].includes(typeof value));
  fc.assert(
    fc.property(fc.constantFrom(...decisive), wrongType, (field, value) => {
      const reading = readPaymentIntent({ ...INTENT, [field]: value });
      expect(reading.kind).not.toBe('payment');
      expect(reading).not.toEqual(whole);
    }),
  );
});

test('a problem quotes no text of the object', () => {
  const name = 'Jane Doe, 12 Long Street';
  for (const field of ['amount_received', 'currency', 'created', 'livemode', 'latest_charge', 'metadata']) {
    expect(shown(readPaymentIntent({ ...INTENT, [field]: name }))).not.toContain('Jane');
  }
});

test.each([
  ['2022-11-15', true],
  ['2024-06-20', true],
  ['2025-03-31.basil', true],
  ['2026-10-28.endive', true],
  ['2022-08-01', false],
  ['2020-08-27', false],
  ['2026-10-29.endive', false],
  ['2027-01-01.ferns', false],
  ['2026-01-28.preview', false],
  ['latest', false],
  ['', false],
  [null, false],
])('a snapshot of version %j is readable: %s', (version, readable) => {
  expect(isReadableVersion(version)).toBe(readable);
});

function shown(reading: IntentReading): string {
  return JSON.stringify(reading, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
