/** A retry that comes while a repair puts another posting in the payment's place waits for it, and leaves the original where it is. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { postings } from '../../src/db/schema/postings.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { until } from '../support/process/wait.js';
import { insertRun } from '../support/reads-database.js';

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
});
afterAll(() => database.remove());

it.each([
  ['as it was prepared', { prepared: '{}', payment: null }],
  ['mapped anew', { prepared: null, payment: '{}' }],
])('a payment that is retried %s', async (_, kept) => {
  const original = `pi_${randomUUID()}`;
  const firstRun = await insertRun(database.db);
  const owed = {
    ...{
      objectId: original,
      kind: 'payment' as const,
      firstRun,
      effectiveAt: new Date(),
      source: '@stripe',
      currency: 'USD',
    },
    ...{ destination: '@cus_1', amount: 100n, precision: 100 },
  };
  const parked = { state: 'parked', reason: 'burnt_reference', reasonDetail: 'burnt' } as const;
  await database.db.insert(postings).values({ ...owed, ...kept, ...parked, reference: original });
  const store = createParkedStore(database.db, () => {
    const lane = { source: owed.source, currency: owed.currency };
    const { source, destination, currency, amount, precision, effectiveAt: effectiveDate } = owed;
    const transaction = { source, destination, currency, amount, precision, effectiveDate, lane, body: '{}' };
    return {
      kind: 'prepared',
      transaction: { ...transaction, object: 'payment', role: 'original', reference: original },
    };
  });
  let retrying: ReturnType<typeof store.retry> | undefined;
  await database.sql.begin(async (repairing) => {
    await repairing`select from stripe_blnk_sync.postings where object_id = ${original} for update`;
    retrying = store.retry({ references: [original] });
    await until('the retry waits', async () => {
      const waiting =
        await database.sql`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      return waiting.count > 0;
    });
    await repairing`
      update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'repair plan 1, applied by ada', dismissed_why = 'replaced'
      where reference = ${original}`;
    await repairing`
      insert into stripe_blnk_sync.postings (reference, object_id, kind, role, object, first_run, effective_at, source, destination,
        currency, amount, precision, prepared, state)
      select reference || ':r1', object_id, kind, 'replacement', object, first_run, effective_at, source, destination, currency, amount,
        precision, '{}', 'pending' from stripe_blnk_sync.postings where reference = ${original}`;
  });
  expect(await retrying).toMatchObject({ retried: 0, stillParked: [{ reference: original }], notParked: [] });
  const rows = await database.sql`select state from stripe_blnk_sync.postings where reference = ${original}`;
  expect([...rows]).toEqual([{ state: 'parked' }]);
});
