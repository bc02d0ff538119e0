/**
 * A proof of a large day that is interrupted anywhere is gone on with by the next attempt: no page that was stored is asked for again,
 * it is as of its first beginning, and its certificates are those of a proof that nothing interrupted.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  GENERATED_DAY,
  GENERATED_MIRROR,
  generateDay,
  idOf,
  type PageCounts,
} from '../../bench/program/generated-day.js';
import { openHash } from '../../src/app/stages/proving.js';
import { createLargeStores } from '../../src/db/proof/large-stores.js';
import { createDayStores } from '../../src/prove/day-stores.js';
import { type DayProof, proveDay } from '../../src/prove/prove-day.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';

const PAYMENTS = 6_000;
/** The ledger of a day is listed in parts when so many are expected. */
const EXPECTED = 60_000;
const DAMAGED = 1_703;
const BEGAN = new Date(Date.now() - 60_000);

let database: ReadsDatabase;
beforeAll(async () => {
  database = await createReadsDatabase();
});
afterAll(() => database.drop());

class Interrupted extends Error {}

/** @param after so many pages of all lists together the process ends; never when it is null */
async function attempt(
  provedAt: Date,
  after: number | null,
): Promise<{ readonly pages: PageCounts; readonly proof: DayProof | null }> {
  let left = after ?? Number.POSITIVE_INFINITY;
  const day = generateDay(PAYMENTS, DAMAGED, () => {
    left -= 1;
    if (left < 0) throw new Interrupted();
  });
  const large = createLargeStores(database.db, {
    version: '0.0.0',
    pieceItems: 1_000,
    sleep: async () => {},
    every: () => () => {},
  });
  const stores = createDayStores({ large, memoryItems: 0, pieceItems: 1_000 });
  const own = { ...day.ports.own, countPostings: async () => EXPECTED };
  const accepted = { inForce: async () => [] };
  const facts = {
    mirror: GENERATED_MIRROR,
    coveredUpTo: new Date('2026-11-20T00:00:00Z'),
    lagMs: 0,
    earlierCurrencies: [],
  };
  try {
    const proof = await proveDay(
      { ...day.ports, own, accepted, stores, openHash },
      { day: GENERATED_DAY, provedAt, facts },
    );
    return { pages: day.pages, proof };
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return { pages: day.pages, proof: null };
  }
}

describe('a proof of a large day', () => {
  beforeEach(async () => {
    await database.sql`delete from stripe_blnk_sync.staged_items`;
    await database.sql`delete from stripe_blnk_sync.staged_days`;
  });

  it('that is interrupted in each list goes on behind what was stored', { timeout: 180_000 }, async () => {
    const pages = { stripe: 0, ledger: 0, postings: 0 };
    const ends: (number | null)[] = [30, 55, 40, 35, null];
    let proof: DayProof | null = null;
    for (const [at, end] of ends.entries()) {
      const made = await attempt(new Date(BEGAN.getTime() + at * 1_000), end);
      for (const list of ['stripe', 'ledger', 'postings'] as const) pages[list] += made.pages[list];
      proof = made.proof;
      expect(proof === null).toBe(end !== null);
    }
    expect(proof).toMatchObject({ isContinued: true, provedAt: BEGAN, stripeRequests: PAYMENTS / 100 });
    expect(proof?.certificates).toMatchObject([
      { state: 'broken', findingsCount: 1, unexplained: 0n, stripe: { count: PAYMENTS } },
    ]);
    expect(proof?.certificates[0]?.findings[0]).toMatchObject({ kind: 'different', paymentId: idOf(DAMAGED) });
    // Of each attempt at most one batch was not stored: 20 pages of a vendor, and the page on which it ended of each list in hand.
    const again = ends.length * (20 + 4);
    expect(pages.stripe - PAYMENTS / 100).toBeLessThanOrEqual(again);
    expect(pages.ledger - PAYMENTS / 100 - 11).toBeLessThanOrEqual(again);
    expect(pages.postings - Math.ceil(PAYMENTS / 2_000)).toBeLessThanOrEqual(ends.length * 2);
    await proof?.discard();
    expect(await database.sql`select from stripe_blnk_sync.staged_items`).toHaveLength(0);

    const whole = await attempt(BEGAN, null);
    expect(whole.proof?.certificates).toEqual(proof?.certificates);
    await whole.proof?.discard();
  });
});
