/** The merchant's own words: they arrive or are cut and say so, they fit into Core's row, and they steer nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import { capMetadata, capText, cleanText } from '../../src/core/posting/metadata.js';
import type { Payment } from '../../src/core/posting/payment.js';

type Pairs = ReadonlyArray<readonly [string, string]>;

const RULES = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: '0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11',
  livemode: true,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

function bodyOf(metadata: Pairs, differs: Partial<Payment> = {}): string {
  const preparation = preparePayment(
    {
      kind: 'payment',
      id: 'pi_3Nabc',
      amountReceived: 999_999_999_999n,
      currency: 'usd',
      created: new Date('2026-05-31T23:59:59Z'),
      livemode: true,
      customerId: 'cus_Q1',
      chargeId: 'ch_3Nabc',
      description: 'Order 42',
      metadata,
      ...differs,
    },
    RULES,
  );
  if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
  return preparation.transaction.body;
}

const metaDataOf = (metadata: Pairs) => JSON.parse(bodyOf(metadata)).meta_data;
const pairs = (count: number, value: string): Pairs =>
  Array.from({ length: count }, (_, n) => [`key_${String(n).padStart(2, '0')}_${'k'.repeat(33)}`, value] as const);

/** Bytes of a value as PostgreSQL writes it, written anew here: `": "`, `", "`, two for short escapes, six for others. */
function storedBytes(value: unknown): number {
  if (typeof value === 'string') {
    return [...value].reduce((bytes, character) => {
      if ('"\\\n\r\t\b\f'.includes(character)) return bytes + 2;
      return bytes + ((character.codePointAt(0) ?? 0) < 0x20 ? 6 : Buffer.byteLength(character));
    }, 2);
  }
  if (typeof value !== 'object' || value === null) return String(value).length;
  const entries = Object.entries(value);
  const inner = entries.reduce((bytes, [key, entry]) => bytes + storedBytes(key) + 2 + storedBytes(entry), 0);
  return 2 + inner + Math.max(0, entries.length - 1) * 2;
}

/** The row as Core measures it, in a bulk of 10,000, with the longest row id that there will be. */
function rowBytes(body: string): number {
  const { meta_data, reference, description, currency, precise_amount, precision } = JSON.parse(body);
  const metaData = { ...meta_data, allow_overdraft: true, sequence: 10_000 };
  const texts = [reference, description, currency].reduce((bytes, text) => bytes + storedBytes(text) - 2, 0);
  const amount = precise_amount / precision;
  return 570 + 41 + 10 + texts + [amount, precise_amount, precision].join('').length + storedBytes(metaData);
}

const letters = fc.constantFrom('x', '"', '\\', '\u0001', '\n', '💰', '北', '\ud83c', '\u0000', 'é');

describe('hostile metadata', () => {
  it('stays one level down, where no key means anything to the ledger', () => {
    const names = [
      'inflight',
      'allow_overdraft',
      'skip_queue',
      'precise_amount',
      'reference',
      'scheduled_for',
      'status',
    ];
    const body = JSON.parse(bodyOf(names.map((name) => [name, 'true'])));
    expect(body).toMatchObject({ allow_overdraft: true, skip_queue: true, reference: 'pi_3Nabc' });
    expect(body.precise_amount).toBe(999_999_999_999);
    for (const name of names) expect(Object.hasOwn(body.meta_data, name)).toBe(false);
    expect(body.meta_data.stripe_metadata).toEqual(Object.fromEntries(names.map((name) => [name, 'true'])));
  });

  it('cannot take the place of our own keys', () => {
    const metaData = metaDataOf([
      ['stripe_payment_intent_id', 'pi_other'],
      ['stripe_mirror', 'other'],
      ['stripe_metadata_cut', 'nothing'],
    ]);
    expect(metaData).toMatchObject({ stripe_payment_intent_id: 'pi_3Nabc', stripe_mirror: RULES.mirrorId });
    expect(Object.hasOwn(metaData, 'stripe_metadata_cut')).toBe(false);
    expect(metaData.stripe_metadata.stripe_mirror).toBe('other');
  });

  it('keeps __proto__ and its like as keys, and changes no prototype', () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    const body = bodyOf(names.map((name) => [name, 'polluted']));
    expect(body).toContain('"stripe_metadata":{"__proto__":"polluted","constructor":"polluted",');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(String({})).toBe('[object Object]');
  });

  it('loses a NUL and half a character, in keys and values, and marks it', () => {
    expect(metaDataOf([['a\u0000b', 'c\u0000d']])).toMatchObject({
      stripe_metadata: { ab: 'cd' },
      stripe_metadata_cut: 'text',
    });
    expect(metaDataOf([['k', 'x\ud83cy']])).toMatchObject({
      stripe_metadata: { k: 'x\ufffdy' },
      stripe_metadata_cut: 'text',
    });
    expect(cleanText('\ud83c\udf82')).toBe('🎂');
  });

  it('arrives as it is when nothing is wrong with it', () => {
    const metadata: Pairs = [
      ['', ''],
      ['quotes', '"\\/'],
      ['controls', '\u0001\u001f\n\u2028'],
      ['unicode', 'Žluťoučký 北京 🎂 👩‍👩‍👧‍👦'],
    ];
    const metaData = metaDataOf(metadata);
    expect(metaData.stripe_metadata).toEqual(Object.fromEntries(metadata));
    expect(Object.hasOwn(metaData, 'stripe_metadata_cut')).toBe(false);
  });
});

describe('too much metadata', () => {
  it.each([
    ['letters', 'x'.repeat(500)],
    ['emoji', '💰'.repeat(250)],
    ['escapes', '"\\'.repeat(250)],
    ['controls', '\u0001'.repeat(500)],
    ['three-byte letters', '北'.repeat(500)],
  ])('of 50 by 500 %s has its values cut before keys are dropped', (_what, value) => {
    const body = bodyOf(pairs(50, value));
    const { stripe_metadata: kept, stripe_metadata_cut: cut } = JSON.parse(body).meta_data;
    expect(cut).toBe('values');
    expect(Object.keys(kept)).toHaveLength(50);
    for (const text of Object.values<string>(kept)) {
      expect(text.endsWith('…')).toBe(true);
      expect(text.isWellFormed()).toBe(true);
      expect(value.startsWith(text.slice(0, -1))).toBe(true);
    }
    expect(rowBytes(body)).toBeLessThanOrEqual(7_962);
  });

  it('drops keys from the end when even short values are too much', () => {
    const many = Array.from({ length: 200 }, (_, n) => [`${n}_${'k'.repeat(60)}`, 'value'] as const);
    const { entries, cut } = capMetadata(many, {});
    expect(cut).toBe('keys');
    expect(entries.length).toBeGreaterThan(30);
    expect(entries.map(([key]) => key)).toEqual(many.slice(0, entries.length).map(([key]) => key));
  });

  it('keeps values whole as long as there is room, and shortens all of them alike', () => {
    const { entries, cut } = capMetadata(
      [
        ['long', 'x'.repeat(500)],
        ['short', 'y'],
      ],
      {},
    );
    expect([cut, entries]).toEqual([
      'nothing',
      [
        ['long', 'x'.repeat(500)],
        ['short', 'y'],
      ],
    ]);
    const shortened = capMetadata([...pairs(20, 'x'.repeat(500)), ['short', 'y']], {});
    expect(new Set(shortened.entries.slice(0, 20).map(([, value]) => value.length)).size).toBe(1);
    expect(shortened.entries.at(-1)).toEqual(['short', 'y']);
  });
});

describe('text with a limit', () => {
  it('is cut between characters and ends with an ellipsis', () => {
    expect(capText('short', 100)).toBe('short');
    expect(capText('🎂🎂🎂🎂', 14)).toBe('🎂🎂…');
    expect(capText('aaaaaaaaaa', 10)).toBe('aaaaa…');
    expect(capText('\n\n\n\n\n\n', 10)).toBe('\n\n…');
  });

  it('never takes more bytes than it may', () => {
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 200 }), fc.integer({ min: 5, max: 300 }), (text, bytesMax) => {
        const clean = cleanText(text);
        const capped = capText(clean, bytesMax);
        expect(storedBytes(capped)).toBeLessThanOrEqual(bytesMax);
        expect(capped.isWellFormed()).toBe(true);
        if (capped !== clean) expect(clean.startsWith(capped.slice(0, -1))).toBe(true);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('the row', () => {
  const text = (max: number) =>
    fc.tuple(letters, letters, fc.nat(max)).map(([a, b, length]) => (a + b).repeat(length).slice(0, length));
  const metadata = fc.array(fc.tuple(fc.oneof(text(40), fc.string({ maxLength: 40 })), text(500)), { maxLength: 50 });
  const payment = fc.record({
    metadata,
    description: fc.option(text(5_000)),
    customerId: fc.option(fc.string({ minLength: 1, maxLength: 200, unit: fc.constantFrom('c', '"', '\u0001', '北') })),
    id: fc.integer({ min: 1, max: 200 }).map((length) => `pi_${'a'.repeat(length)}`),
    chargeId: fc.option(fc.integer({ min: 4, max: 200 }).map((length) => `py_${'b'.repeat(length - 3)}`)),
  });

  it('fits with the worst of everything', () => {
    const body = bodyOf(pairs(50, '\u0001'.repeat(500)), {
      description: '\u0001'.repeat(5_000),
      id: `pi_${'a'.repeat(200)}`,
      chargeId: `py_${'b'.repeat(197)}`,
      customerId: '\u0001'.repeat(200),
    });
    expect(rowBytes(body)).toBeLessThanOrEqual(7_962);
  });

  it('always fits into what Core can store, and comes out the same each time', () => {
    fc.assert(
      fc.property(payment, ({ metadata, ...differs }) => {
        const body = bodyOf(metadata, differs);
        expect(rowBytes(body)).toBeLessThanOrEqual(7_962);
        expect(bodyOf(metadata, differs)).toBe(body);
        expect(body.includes('\\u0000')).toBe(false);
        expect(body.isWellFormed()).toBe(true);
      }),
      {
        seed: 20_261_121,
        numRuns: 400,
      },
    );
  });
});
