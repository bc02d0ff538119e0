/** Totals of a mirror that had none: what is stored already is counted once, and so is what workers store meanwhile. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { applyMigration } from '../../src/db/migrations/apply-migration.js';
import { prepareSchema } from '../../src/db/migrations/journal.js';
import { readMigrations } from '../../src/db/migrations/migration-files.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { type OwnDatabase, openEmptyDatabase } from '../support/own-database.js';
import { differences } from '../support/recount.js';

const LAST_WITHOUT = '0022_what_to_do';
const WAITS = { lockTimeoutMs: 500, pauseMs: 100, blockedMaxMs: 30_000 };

/** A page, a chunk that is settled, a payment that is parked: as a worker of any version leaves them. */
async function work({ sql }: Pick<OwnDatabase, 'sql'>, round: number): Promise<void> {
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    select id, id, 'payment', '@stripe', '@cus_1', case when n % 3 = 0 then 'EUR' else 'USD' end, n, 100,
      timestamptz '2026-11-01Z' + n * interval '20 minutes', 'pending', ${randomUUID()}
    from generate_series(1, 100) n, lateral (select 'pi_' || ${round}::int || '_' || n as id) named`;
  const first = sql`select reference from stripe_blnk_sync.postings where state = 'pending' order by reference`;
  await sql`update stripe_blnk_sync.postings set state = 'posted', settled_how = 'bulk' where reference in (${first} limit 80)`;
  await sql`update stripe_blnk_sync.postings set state = 'parked', reason = 'conflict' where reference in (${first} limit 3)`;
}

it('are exact from the first migration on that has them, with workers at work all the while', async () => {
  const database = await openEmptyDatabase();
  const worker = await database.openAnother();
  await prepareSchema(database);
  const migrations = await readMigrations();
  const first = migrations.findIndex(({ name }) => name === LAST_WITHOUT) + 1;
  for (const migration of migrations.slice(0, first)) await applyMigration(database, migration, WAITS);
  let [rounds, isOver] = [0, false];
  const oneMore = async () => {
    rounds += 1;
    await work(worker, rounds);
  };
  await oneMore();
  const busy = (async () => {
    while (!isOver) await oneMore();
  })();
  for (const migration of migrations.slice(first)) {
    const before = rounds;
    await applyMigration(database, migration, WAITS);
    await expect.poll(() => rounds, { timeout: 20_000 }).toBeGreaterThan(before + 1);
  }
  isOver = true;
  await busy;
  expect(await differences(database.sql)).toEqual([]);
  await addUpTotals(database.db);
  expect(await differences(database.sql)).toEqual([]);
  const [counted] = await database.sql`select count(*)::int as postings from stripe_blnk_sync.postings`;
  expect(counted?.postings).toBe(rounds * 100);
  await worker.close();
  await database.remove();
});
