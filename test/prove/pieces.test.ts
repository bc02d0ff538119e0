/**
 * A day that is proven in pieces has the certificates of one that is compared whole: hashes, counts, sums, findings and their
 * order, whatever is damaged, however it is cut, in memory and in the database.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHash } from '../../src/app/stages/proving.js';
import { FINDINGS_KEPT_MAX } from '../../src/core/proof/certificate.js';
import { createLargeStores } from '../../src/db/proof/large-stores.js';
import type { DayStores } from '../../src/prove/day-store.js';
import { createDayStores } from '../../src/prove/day-stores.js';
import { proveDay } from '../../src/prove/prove-day.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { inTier, itInFull } from '../support/tier.js';
import { proveWhole } from '../support/whole-day/prove-whole.js';
import { DAY, MIRROR, missingPayment, portsOf, type RandomDay, randomDays } from '../support/whole-day/random-day.js';

const SEED = 20_261_129;
const facts = {
  mirror: MIRROR,
  coveredUpTo: new Date('2026-06-02T00:00:00Z'),
  lagMs: 0,
  earlierCurrencies: ['EUR', 'NOK'],
};
const request = { day: DAY, provedAt: new Date(), facts };

const hash = (lines: Iterable<string>) =>
  createHash('sha256')
    .update([...lines].join('\n'))
    .digest('hex');

let database: ReadsDatabase;
beforeAll(async () => {
  database = await createReadsDatabase();
});
afterAll(() => database.drop());

function storesOf({
  memoryItems,
  pieceItems,
}: {
  readonly memoryItems: number;
  readonly pieceItems: number;
}): DayStores {
  const large = createLargeStores(database.db, {
    version: '0.0.0',
    pieceItems,
    sleep: async () => {},
    every: () => () => {},
  });
  return createDayStores({ large, memoryItems, pieceItems });
}

async function expectSame(day: RandomDay, stores: DayStores): Promise<void> {
  const whole = await proveWhole({ ...portsOf(day), hash }, request);
  const proof = await proveDay({ ...portsOf(day), stores, openHash }, request);
  await proof.discard();
  expect(proof.certificates).toEqual(whole);
}

/** Each takes a third of a second on a slow machine. */
const DAYS_IN_MEMORY = inTier({ quick: 8, full: 200 });
const DAYS_IN_DATABASE = inTier({ quick: 3, full: 60 });

describe('a day in pieces', () => {
  itInFull(
    'keeps the worst findings of too many, in the order of the whole day, and counts them all',
    async () => {
      const [one] = fc.sample(randomDays(1), { seed: SEED, numRuns: 1 });
      if (one === undefined) throw new Error('no day was drawn');
      const wrong = Array.from({ length: FINDINGS_KEPT_MAX + 2_500 }, (_, index) => missingPayment(index));
      const day = {
        ...one,
        payments: wrong.map(({ payment }) => payment),
        rows: wrong.flatMap(({ rows }) => rows),
        own: [],
      };
      await expectSame(day, storesOf({ memoryItems: 1e9, pieceItems: 300 }));
      const { certificates } = await proveDay(
        { ...portsOf(day), stores: storesOf({ memoryItems: 1e9, pieceItems: 300 }), openHash },
        request,
      );
      const found = certificates.find(({ currency }) => currency === 'USD');
      expect(found?.findings).toHaveLength(FINDINGS_KEPT_MAX);
      expect(found?.findingsCount).toBeGreaterThan(wrong.length);
    },
    60_000,
  );

  it(`in memory is certified as the whole day is (seed ${SEED}, ${DAYS_IN_MEMORY} days)`, async () => {
    const property = fc.asyncProperty(randomDays(300), fc.integer({ min: 1, max: 50 }), (day, pieceItems) =>
      expectSame(day, storesOf({ memoryItems: 1e9, pieceItems })),
    );
    await fc.assert(property, { seed: SEED, numRuns: DAYS_IN_MEMORY, endOnFailure: true });
  }, 120_000);

  it(`in the database is certified as the whole day is (seed ${SEED}, ${DAYS_IN_DATABASE} days)`, async () => {
    const cuts = fc.record({ memoryItems: fc.constantFrom(0, 20, 200), pieceItems: fc.integer({ min: 20, max: 200 }) });
    const property = fc.asyncProperty(randomDays(200), cuts, (day, cut) => expectSame(day, storesOf(cut)));
    await fc.assert(property, { seed: SEED, numRuns: DAYS_IN_DATABASE, endOnFailure: true });
    expect(await database.sql`select from stripe_blnk_sync.staged_items`).toHaveLength(0);
    expect(await database.sql`select from stripe_blnk_sync.staged_days`).toHaveLength(0);
  }, 120_000);
});
