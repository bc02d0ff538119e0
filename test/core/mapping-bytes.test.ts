/**
 * The contract with the ledger, byte for byte: 10,000 drawn payments are prepared as they always were. A posting that is
 * prepared anew, by a retry, a repair or a rebuild, has to come out as it did the first time, so the hashes below never change
 * for mapping version 1. A new rule is a new version with hashes of its own.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type MappingRules, prepareVariant } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { randomOf } from '../support/ledger-histories.js';

const PAYMENTS = 10_000;
const BLOCK = 1_000;

const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: '0193a001-0000-7000-8000-000000000001',
  livemode: false,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

const CURRENCIES = ['usd', 'eur', 'jpy', 'kwd', 'isk', 'ugx', 'huf', 'twd', 'clp', 'xag', 'bhd'];
const CUSTOMERS = [
  null,
  'cus_1',
  'cus_NffrFeUfNV2Hib',
  'acct_1',
  'Müller & Söhne',
  'x'.repeat(201),
  'stripe_guests',
  'a\u0000b',
];
const TEXTS = [
  '',
  'Order 7',
  '  spaces  ',
  'línea\nnueva',
  '日本の注文 🍣',
  '\ud800',
  'nul\u0000nul',
  '"quoted" \\ back',
  'x'.repeat(4_000),
];
const KEYS = ['order_id', '__proto__', 'inflight', '', 'stripe_day', 'clé', 'k'.repeat(60)];

/** Of each thousand. */
const HASHES = [
  ...['72045a5988fd5c8a', '53c9fd5922e938c9', 'c2b51052c784ba22', 'e072d057fcdf4390', 'f22b40126a078c1a'],
  ...['800125894a7d0b2e', 'a40ff2265f550772', 'a3ca1c304acc6f45', '02c49d3b4d798c5f', 'eeb7906f6be226ba'],
];

function preparedOf(seed: number): string {
  const random = randomOf(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const amounts = [0n, -5n, 1n, 10n, 999n, BigInt(below(1_000_000)), BigInt(Number.MAX_SAFE_INTEGER)];
  const payment: Payment = {
    kind: 'payment',
    id: `pi_${seed}`,
    amountReceived: pick(amounts),
    currency: pick(CURRENCIES),
    created: new Date((1_300_000_000 + below(600_000_000)) * 1_000),
    livemode: random() < 0.03,
    customerId: pick(CUSTOMERS),
    chargeId: random() < 0.5 ? null : `ch_${seed}`,
    description: random() < 0.3 ? null : pick(TEXTS),
    metadata: Array.from({ length: pick([0, 1, 3, 20, 50]) }, (_, index) => [`${pick(KEYS)}${index % 7}`, pick(TEXTS)]),
  };
  const variants = [
    { reference: payment.id },
    { reference: `${payment.id}:r1` },
    { reference: `${payment.id}:adj:1`, correctedBy: 5n },
    { reference: `${payment.id}:adj:2`, correctedBy: -7n },
  ];
  const prepared = prepareVariant(payment, RULES, pick(variants));
  // What a posting is called and where it is posted from do not reach the ledger.
  return JSON.stringify(prepared, (key, value) => {
    if (['object', 'role', 'lane'].includes(key)) return undefined;
    return typeof value === 'bigint' ? `${value}n` : value;
  });
}

test('10,000 payments are prepared as they always were, metadata and references included', () => {
  const hashes: string[] = [];
  let transactions = 0;
  for (let start = 1; start <= PAYMENTS; start += BLOCK) {
    const hash = createHash('sha256');
    for (let seed = start; seed < start + BLOCK; seed += 1) {
      const prepared = preparedOf(seed);
      if (prepared.includes('"kind":"prepared"')) transactions += 1;
      hash.update(`${prepared}\n`);
    }
    hashes.push(hash.digest('hex').slice(0, 16));
  }
  expect(hashes).toEqual(HASHES);
  // The others are parked, each for its reason.
  expect(transactions).toBeGreaterThan(PAYMENTS / 5);
});
