/**
 * Both stores of a day answer alike, whatever is put into them in whatever order; and what a large day had listed is gone on with by
 * the next process, or begun anew.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareText } from '../../src/core/proof/certificate.js';
import { fromAscii, keyOf, toAscii } from '../../src/core/proof/line-key.js';
import { MARKS, type StagedItem, type StagedKind, type StoredItem } from '../../src/core/proof/staged.js';
import type { PieceBounds } from '../../src/core/proof/tally-day.js';
import { createLargeStores } from '../../src/db/proof/large-stores.js';
import type { DayRequest, DayStore, LargeStores } from '../../src/prove/day-store.js';
import { createDayStores } from '../../src/prove/day-stores.js';
import { createMemoryStore } from '../../src/prove/memory-store.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { until } from '../support/stages/ledger.js';
import { inTier } from '../support/tier.js';

const SEED = 20_261_129;
const PIECE_ITEMS = 4;

let database: ReadsDatabase;
beforeAll(async () => {
  database = await createReadsDatabase();
});
afterEach(async () => {
  await database.sql`delete from stripe_blnk_sync.staged_items`;
  await database.sql`delete from stripe_blnk_sync.staged_days`;
  timers.clear();
});
afterAll(() => database.drop());

const slept: number[] = [];
/** Of the stores that are open: each is called back when its time has come. */
const timers = new Set<() => void>();
function storesOf(version = '0.0.0', sleep: () => Promise<void> = async () => {}): LargeStores {
  return createLargeStores(database.db, {
    ...{ version, pieceItems: PIECE_ITEMS },
    async sleep(durationMs) {
      slept.push(durationMs);
      await sleep();
    },
    every(_, callback) {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  });
}

function requestOf(changes: Partial<DayRequest> = {}): DayRequest {
  return { day: '2026-05-29', begunAt: new Date(), expected: 1e6, settings: 'one', isAnew: false, ...changes };
}

it('a day that cannot move over gives back what was opened for it', async () => {
  const told: string[] = [];
  const broken = {
    put: async () => {
      throw new Error('the database is away');
    },
    release: async () => void told.push('released'),
  } as unknown as DayStore;
  const large: LargeStores = { findEarlier: async () => null, open: async () => broken };
  const stores = createDayStores({ large, memoryItems: 1, pieceItems: PIECE_ITEMS });
  const store = await stores.open(requestOf({ expected: 0 }));
  const item: StagedItem = { kind: 'payment', name: 'pi_1', key: keyOf('pi_1'), marks: 0, content: null } as never;
  await expect(store.put([item, item])).rejects.toThrow('the database is away');
  await store.release();
  expect(told).toEqual(['released']);
});

const NAMES = [
  'pi_1',
  'pi_12',
  'pi_1|2',
  'pi_1_2',
  'pi_é',
  'a b',
  '',
  '\u0000',
  '\ud800',
  'z\ud83d\ude00',
  'z\ufb00',
  '~',
  '}',
];
const AT = new Date('2026-05-29T10:00:00.120Z');

function bodyOf(kind: StagedKind, name: string): StagedItem['body'] {
  const money = { amount: 12_345_678_901_234_567_890n, currency: 'USD' };
  const row = {
    ...{ transactionId: `txn ${name}`, reference: name, status: 'APPLIED', amount: null, currency: 'USD', source: 'a' },
    ...{ destination: 'b', effectiveDate: null, mirrorId: null, rejectionReason: 'no\u0000"', parentId: null },
    ...{ paymentId: name, day: '2026-05-29', createdAt: AT },
  };
  const { parentId: _, ...withoutParent } = row;
  const bodies: Record<StagedKind, StagedItem['body']> = {
    payment: { id: name, ...money, created: AT, balances: null, refused: 'because' },
    unreadable: { id: name, problem: 'no amount', currency: null },
    row,
    placed: withoutParent,
    posting: {
      ...{ reference: name, paymentId: name, role: 'original', state: 'parked', reason: 'conflict', dismissed: true },
      ...{ amount: null, currency: null, source: null, destination: null, effectiveDate: AT },
    },
    other: { kind: 'created_on', day: '2026-05-28' },
    line: { id: name, ...money, amount: -5n, effectiveDate: AT },
    alias: null,
    wanted: null,
  };
  return bodies[kind];
}

const KINDS: StagedKind[] = ['payment', 'unreadable', 'row', 'placed', 'posting', 'other', 'line', 'alias', 'wanted'];
const items = fc.array(
  fc
    .record({
      kind: fc.constantFrom(...KINDS),
      name: fc.constantFrom(...NAMES),
      id: fc.constantFrom('', '1', 'é'),
      marks: fc.nat(127),
      todo: fc.constantFrom(0, 0, 1, 2, 3, 4, 8, 32),
    })
    .map(({ kind, name, ...rest }): StagedItem => {
      const transactionId = kind === 'row' ? `txn ${name.length}` : null;
      return { kind, name, key: keyOf(name), transactionId, body: bodyOf(kind, name), ...rest } as StagedItem;
    }),
  { maxLength: 25 },
);
const selector = fc.record({ kinds: fc.subarray(KINDS, { minLength: 1 }), marks: fc.constantFrom(0, 1, 2, 5) });
const steps = fc.array(
  fc.tuple(items, selector, fc.array(selector, { maxLength: 3 }), fc.integer({ min: 1, max: 5 })),
  {
    minLength: 1,
    maxLength: 3,
  },
);

function isWithin(key: string, { after, upTo }: PieceBounds): boolean {
  return (after === null || key > after) && (upTo === null || key <= upTo);
}

/** Places in the order in which items came may have gaps. */
function withoutPlaces(found: unknown): unknown {
  return Array.isArray(found) ? found.map(({ sequence: _, ...item }) => item) : found;
}

const NEW = {
  ...{
    kind: 'wanted',
    name: 'pi_new',
    key: keyOf('pi_new'),
    id: '',
    marks: 0,
    todo: 1,
    transactionId: null,
    body: null,
  },
} as const;

/** Everything that can be asked of a store. */
async function answersOf(store: DayStore, plan: typeof steps extends fc.Arbitrary<infer Plan> ? Plan : never) {
  const answers: unknown[] = [];
  for (const [added, one, others, limit] of plan) {
    await store.put(added);
    const first = await store.without(one, others, { after: null, limit });
    answers.push(first, await store.without(one, others, { after: first.at(-1) ?? null, limit: 100 }));
    answers.push(await store.find(one, NAMES.slice(0, limit * 2)));
    answers.push(await store.findTransactions(['txn 4', 'txn 5', 'none']));
    const next = await store.todo(3, { after: -1, limit });
    answers.push(next, await store.todo(3, { after: next.at(-1)?.sequence ?? -1, limit }));
    await store.drop(8, NAMES.slice(0, limit));
    await store.drop(32);
    const bounds: PieceBounds[] = [];
    for (const again of [undefined, bounds]) {
      const found: StoredItem[] = [];
      for await (const { items: held, ...bound } of store.pieces(again)) {
        if (again === undefined) bounds.push(bound);
        expect(held.every(({ key }) => isWithin(key, bound))).toBe(true);
        found.push(...held);
      }
      answers.push(found.sort((x, y) => x.sequence - y.sequence || compareText(x.kind + x.id, y.kind + y.id)));
    }
    expect(bounds.map(({ after }) => after)).toEqual([null, ...bounds.slice(0, -1).map(({ upTo }) => upTo)]);
  }
  return answers.map(withoutPlaces);
}

const RUNS = inTier({ quick: 20, full: 60 });

describe('the stores of a day', () => {
  it(`answer alike in memory and in the database (seed ${SEED}, ${RUNS} runs)`, async () => {
    const property = fc.asyncProperty(steps, async (plan) => {
      const memory = createMemoryStore({ begunAt: new Date(), pieceItems: PIECE_ITEMS });
      const large = await storesOf().open(requestOf());
      expect(await answersOf(large, plan)).toEqual(await answersOf(memory, plan));
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
  }, 60_000);

  it(`answer alike when a day outgrows memory on the way (seed ${SEED}, ${RUNS} runs)`, async () => {
    const property = fc.asyncProperty(steps, fc.integer({ min: 0, max: 30 }), async (plan, memoryItems) => {
      const memory = createMemoryStore({ begunAt: new Date(), pieceItems: PIECE_ITEMS });
      const stores = createDayStores({ large: storesOf(), memoryItems, pieceItems: PIECE_ITEMS });
      const grown = await stores.open(requestOf({ expected: 0, isAnew: true }));
      expect(await answersOf(grown, plan)).toEqual(await answersOf(memory, plan));
      // What comes next has a place behind everything that came: questions about what is left go by it.
      const before = grown.last;
      await grown.put([{ ...plan.flatMap(([added]) => added)[0], ...NEW } as StagedItem]);
      expect(grown.last).toBeGreaterThan(before);
      const all = await grown.find({ kinds: [...KINDS], marks: 0 }, [...NAMES, NEW.name]);
      expect(Math.max(...all.map(({ sequence }) => sequence))).toBe(grown.last);
      expect(new Set(all.map(({ sequence }) => sequence)).size).toBe(all.length);
      await grown.discard();
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
  }, 60_000);

  it('sort texts as code units do, and give them back', () => {
    const texts = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(fromAscii(toAscii(one))).toBe(one);
        expect(toAscii(one)).toMatch(/^[ -~]*$/);
        expect(compareText(toAscii(one), toAscii(other))).toBe(compareText(one, other));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it('cut ids where their lines are cut', () => {
    const ids = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES));
    fc.assert(
      fc.property(ids, fc.constantFrom('1', '9', 'unknown'), ([one, other], amount) => {
        const [key, otherKey] = [keyOf(one), keyOf(other)];
        if (key === otherKey) return;
        expect(compareText(`${one}|${amount}`, `${other}|5`)).toBe(compareText(key, otherKey));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

it('a large day stores each item with one statement: a second one could come after what removes the item', async () => {
  const store = await storesOf().open(requestOf());
  await store.put([{ ...NEW, body: null } as StagedItem]);
  // Waits for whatever is under way.
  await store.release();
  const rows = await database.sql`select xmax = 0 as inserted from stripe_blnk_sync.staged_items`;
  expect([...rows]).toEqual([{ inserted: true }]);
});

describe('a large day that was interrupted', () => {
  const progress = {
    lists: { stripe: { place: '7', isWhole: false } },
    stripeAsOfMs: 5,
    stripeRequests: 3,
    ledgerRequests: 0,
  };
  const item = { kind: 'payment', key: keyOf('pi_1'), id: 'pi_1', name: 'pi_1', marks: 0, todo: 0 } as const;
  const payment: StagedItem = { ...item, transactionId: null, body: bodyOf('payment', 'pi_1') as never };
  const begunAt = () => new Date(Date.now() - 60_000);
  const lapse = () => database.sql`update stripe_blnk_sync.staged_days set renewed_at = now() - interval '1 minute'`;
  const held = async (store: DayStore | null) =>
    store === null ? null : (await store.find({ kinds: ['payment'] }, ['pi_1'])).length;

  async function renewedAt(): Promise<string> {
    const [row] = await database.sql<{ renewed: string }[]>`
      select (max(renewed_at) at time zone 'UTC')::text || '+00' as renewed from stripe_blnk_sync.staged_days`;
    return row?.renewed ?? '';
  }

  async function interrupted(changes: Partial<DayRequest> = {}): Promise<DayStore> {
    const store = await storesOf().open(requestOf({ begunAt: begunAt(), ...changes }));
    await store.put([payment], progress);
    return store;
  }

  it('is gone on with, as of the time at which it began', async () => {
    const first = await interrupted();
    await first.release();
    const next = await storesOf().findEarlier(requestOf());
    expect([next?.progress, next?.begunAt, await held(next)]).toEqual([progress, first.begunAt, 1]);
    expect(next?.last).toBe(0);
    await expect(first.put([payment])).rejects.toMatchObject({ code: 'proof_taken_over', kind: 'transient' });
    await expect(first.drop(MARKS.applied)).rejects.toMatchObject({ code: 'proof_taken_over' });
    await expect(first.discard()).rejects.toMatchObject({ code: 'proof_taken_over' });
    expect(await held(next)).toBe(1);
  });

  it('is waited for while its process may live, and left to it when it does', async () => {
    const first = await interrupted();
    slept.length = 0;
    const taken = await storesOf('0.0.0', async () => void (slept.length === 3 && (await lapse()))).findEarlier(
      requestOf(),
    );
    expect([slept.length, await held(taken)]).toEqual([3, 1]);
    expect(await storesOf('0.0.0', async () => void (await taken?.put([payment]))).findEarlier(requestOf())).toBeNull();
    await expect(first.put([])).rejects.toMatchObject({ code: 'proof_taken_over' });
  });

  it('is left to its process while that waits for a vendor longer than its lease lasts', async () => {
    const first = await interrupted();
    await lapse();
    // Its time comes again and again: while one renewal is under way the next is left out.
    const untilRenewed = async () => {
      const before = await renewedAt();
      await until(async () => {
        for (const renew of timers) renew();
        return (await renewedAt()) > before;
      });
    };
    await untilRenewed();
    let renewals = 0;
    const other = await storesOf('0.0.0', async () => {
      await untilRenewed();
      renewals += 1;
    }).findEarlier(requestOf());
    expect([other, renewals]).toEqual([null, 1]);
    await first.put([payment]);
  });

  it('is renewed by nobody who lost it, gave it back or removed it', async () => {
    const first = await interrupted();
    const [renewFirst = () => {}] = timers;
    await lapse();
    const second = await storesOf().findEarlier(requestOf());
    expect(timers.size).toBe(2);
    const taken = await renewedAt();
    renewFirst();
    await until(() => timers.size === 1);
    expect(await renewedAt()).toBe(taken);
    await expect(first.put([payment])).rejects.toMatchObject({ code: 'proof_taken_over' });

    await second?.release();
    expect([timers.size, await renewedAt()]).toEqual([0, '1970-01-01 00:00:00+00']);
    await (await storesOf().findEarlier(requestOf()))?.discard();
    expect(timers.size).toBe(0);
  });

  it.each<readonly [string, Partial<DayRequest>, () => Promise<unknown>]>([
    ['other settings', { settings: 'two' }, lapse],
    ['another day', { day: '2026-05-30' }, lapse],
    [
      'an attempt of long ago',
      {},
      () => database.sql`
      update stripe_blnk_sync.staged_days set begun_at = now() - interval '7 hours', renewed_at = now() - interval '1 minute'`,
    ],
  ])('is not gone on with by %s', async (_, changes, prepare) => {
    await interrupted();
    await prepare();
    expect(await storesOf().findEarlier(requestOf(changes))).toBeNull();
  });

  it('is not gone on with by another version, nor after a certificate, and is removed then', async () => {
    await (await interrupted()).release();
    expect(await storesOf('0.0.1').findEarlier(requestOf())).toBeNull();
    await database.sql`
      insert into stripe_blnk_sync.certificates (id, proof_id, trigger, day, state, proved_at, stripe_as_of, stripe_requests, ledger_requests,
        stripe_count, stripe_sum, stripe_hash, ledger_count, ledger_sum, ledger_hash, postings_count, postings_sum, postings_hash,
        findings, findings_count, not_seen, version)
      values (gen_random_uuid(), gen_random_uuid(), 'manual', '2026-05-29', 'sealed', now(), now(), 0, 0, 0, 0, '', 0, 0, '', 0, 0, '', '[]', 0, '[]', 'x')`;
    expect(await storesOf().findEarlier(requestOf())).toBeNull();
    expect(await database.sql`select from stripe_blnk_sync.staged_items`).toHaveLength(0);
    expect(await database.sql`select from stripe_blnk_sync.staged_days`).toHaveLength(0);
    await database.empty();
  });

  it('leaves nothing of itself when it is discarded, and of others everything', async () => {
    const [one, other] = [await interrupted(), await interrupted({ day: '2026-05-30' })];
    await one.discard();
    expect([await held(other), (await database.sql`select from stripe_blnk_sync.staged_items`).length]).toEqual([1, 1]);
  });
});
