/** What is found is what is there: each list, page after page, is the one that reading everything would give. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utcDay } from '../../src/core/base/window.js';
import { createReadModel, type ReadModel } from '../../src/db/reads/read-model.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { untilSomebodyWaits } from '../support/waits-for-lock.js';

const STATES = ['pending', 'posted', 'parked', 'dismissed'] as const;
const CURRENCIES = ['USD', 'EUR', 'JPY'] as const;
const BEGIN_MS = Date.UTC(2026, 10, 1);

let database: ReadsDatabase;
let reads: ReadModel;

beforeAll(async () => {
  database = await createReadsDatabase();
  reads = createReadModel(database.db, {
    ...{ lagMs: 0, intervalMs: 60_000 },
    stripeReads: { used: 0, allowed: null, forecast: 0 },
  });
});
beforeEach(() => database.empty());
afterAll(() => database.drop());

const drawnPayment = fc.record({
  state: fc.constantFrom(...STATES),
  currency: fc.constantFrom(...CURRENCIES),
  // Few times, so that many payments have the same one.
  hours: fc.integer({ min: 0, max: 24 * 20 }).map((hours) => hours - (hours % 7)),
  customer: fc.integer({ min: 1, max: 3 }),
});
const drawnQuery = fc.record(
  {
    state: fc.constantFrom(...STATES),
    currency: fc.constantFrom(...CURRENCIES),
    from: fc.integer({ min: 1, max: 15 }).map(dayOf),
    to: fc.integer({ min: 5, max: 22 }).map(dayOf),
    search: fc.constantFrom<string>('cus_2', '@cus_3', 'pi_000', 'pi_007', 'txn_3', 'txn_none', 'pi_none'),
  },
  { requiredKeys: [] },
);
type Drawn = (typeof drawnPayment extends fc.Arbitrary<infer T> ? T : never) & { readonly reference: string };
type DrawnQuery = typeof drawnQuery extends fc.Arbitrary<infer T> ? T : never;

function dayOf(day: number): string {
  return utcDay(new Date(BEGIN_MS + (day - 1) * 86_400_000));
}

const createdAt = ({ hours }: Pick<Drawn, 'hours'>) => new Date(BEGIN_MS + hours * 3_600_000);
const transactionOf = ({ reference, state }: Drawn) =>
  state === 'posted' ? `txn_${Number(reference.slice(3))}` : null;

function isAskedFor(payment: Drawn, { state, currency, from, to, search }: DrawnQuery): boolean {
  const day = utcDay(createdAt(payment));
  const named = [payment.reference, transactionOf(payment), `cus_${payment.customer}`, `@cus_${payment.customer}`];
  return (
    (state === undefined || payment.state === state) &&
    (currency === undefined || payment.currency === currency) &&
    (from === undefined || day >= from) &&
    (to === undefined || day <= to) &&
    (search === undefined || named.includes(search))
  );
}

async function store(drawn: readonly Drawn[]): Promise<void> {
  const firstRun = await insertRun(database.db);
  for (const [index, payment] of drawn.entries()) {
    const { reference, state, currency, customer } = payment;
    const isOut = state === 'dismissed' ? { dismissedAt: new Date(), dismissedBy: 'ann' } : {};
    await insertPosting(database.db, {
      ...{ reference, firstRun, currency, destination: `@cus_${customer}`, effectiveAt: createdAt(payment), ...isOut },
      ...{ state: state === 'dismissed' ? 'parked' : state, transactionId: transactionOf(payment) },
    });
    // Some of it added up, some not.
    if (index % 11 === 5) await addUpTotals(database.db);
  }
}

async function readAll(query: DrawnQuery, limit: number): Promise<string[]> {
  const references: string[] = [];
  let after: string | null = null;
  do {
    const page = await reads.payments({ ...query, limit, ...(after === null ? {} : { after }) });
    expect(page.payments.length).toBeLessThanOrEqual(limit);
    references.push(...page.payments.map(({ reference }) => reference));
    after = page.next;
  } while (after !== null);
  return references;
}

describe('payments', () => {
  it('are found page after page, newest first, each once and none left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(drawnPayment, { minLength: 1, maxLength: 25 }),
        fc.array(drawnQuery, { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        async (payments, queries, limit) => {
          await database.empty();
          const drawn = payments.map((payment, index) => ({
            ...payment,
            reference: `pi_${String(index).padStart(3, '0')}`,
          }));
          await store(drawn);
          const newestFirst = [...drawn].sort((a, b) => b.hours - a.hours || (a.reference < b.reference ? 1 : -1));
          for (const query of queries) {
            const expected = newestFirst.filter((payment) => isAskedFor(payment, query));
            expect(await readAll(query, limit), JSON.stringify(query)).toEqual(
              expected.map(({ reference }) => reference),
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it('of an id are all postings of that PaymentIntent; of a reference that one alone', async () => {
    const firstRun = await insertRun(database.db);
    await insertPosting(database.db, { firstRun, reference: 'pi_1' });
    await insertPosting(database.db, { firstRun, reference: 'pi_1:r1', kind: 'replacement' });
    await insertPosting(database.db, { firstRun, reference: 'pi_12' });
    expect(await readAll({ search: 'pi_1' }, 10)).toEqual(['pi_1:r1', 'pi_1']);
    expect(await readAll({ search: ' pi_1:r1 ' }, 10)).toEqual(['pi_1:r1']);
  });

  it('after one that is not there are refused, instead of an end that is none', async () => {
    await expect(reads.payments({ limit: 5, after: 'pi_gone' })).rejects.toMatchObject({ code: 'cursor_unknown' });
    await expect(reads.runs({ limit: 5, after: 'pi_gone' })).rejects.toMatchObject({ code: 'cursor_unknown' });
  });
});

describe('runs', () => {
  it('are listed page after page, each once and none left out', async () => {
    const startedAt = (minute: number) => new Date(Date.UTC(2026, 10, 1, 1, minute - (minute % 3)));
    const ids: string[] = [];
    for (let minute = 0; minute < 20; minute += 1) {
      ids.push(await insertRun(database.db, { startedAt: startedAt(minute), stored: minute % 4 }));
    }
    for (const includeEmpty of [true, false]) {
      const found: string[] = [];
      let after: string | null = null;
      do {
        const page = await reads.runs({ limit: 3, includeEmpty, ...(after === null ? {} : { after }) });
        found.push(...page.runs.map(({ id }) => id));
        after = page.next;
      } while (after !== null);
      expect([...found].sort()).toEqual(ids.filter((_, index) => includeEmpty || index % 4 > 0).sort());
    }
  });
});

it('says that there is more though all that it counted is posted before it reads the rows', async () => {
  const run = await insertRun(database.db);
  const onDay = (day: number, name: string) =>
    insertPosting(database.db, {
      reference: `pi_${name}`,
      firstRun: run,
      effectiveAt: new Date(`${dayOf(day)}T10:00:00Z`),
    });
  for (const name of ['a', 'b', 'c']) await onDay(3, name);
  for (const name of ['d', 'e']) await onDay(2, name);
  let reading: ReturnType<ReadModel['payments']> | undefined;
  // The rows wait for this transaction; the totals, which say how far back to look, do not.
  await database.sql.begin(async (sql) => {
    await sql`lock table stripe_blnk_sync.postings in access exclusive mode`;
    reading = reads.payments({ state: 'pending', limit: 2 });
    await untilSomebodyWaits(database.sql);
    await sql`update stripe_blnk_sync.postings set state = 'posted', posted_at = now(), settled_how = 'posted',
      transaction_id = 'txn_' || reference where effective_at >= ${dayOf(3)}::timestamptz`;
  });
  expect((await reading)?.next).not.toBeNull();
});
