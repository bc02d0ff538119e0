/**
 * Totals that somebody wrote past are found and made right again, whatever was written past them and whoever writes meanwhile; and
 * `status` says when nothing keeps them.
 */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needsOf } from '../../src/core/verdict/needs.js';
import { readVerdictFacts } from '../../src/db/reads/status.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { countTotalsAnew, findWrongTotals } from '../../src/db/totals/check.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { differences } from '../support/recount.js';

const RUN = randomUUID();
const ALL = 60;

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
});
beforeEach(async () => {
  await database.sql`delete from stripe_blnk_sync.postings`;
  await store(database.sql, 0, ALL);
  await addUpTotals(database.db);
  // Some of it stands there and some beside, as always.
  await post(database.sql, 20);
});
afterAll(() => database.remove());

type Sql = postgres.Sql | postgres.TransactionSql;

function store(sql: Sql, from: number, to: number) {
  return sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, object, role, lane, source, destination, currency, amount,
      precision, effective_at, state, prepared, first_run)
    select 'pi_' || n, 'pi_' || n, 'payment', 'payment', 'original', 'USD:@stripe', '@stripe', '@cus_1', 'USD', n, 100,
      now() - n % 3 * interval '1 day', 'pending', '{}', ${RUN} from generate_series(${from}::int, ${to - 1}::int) n`;
}

function post(sql: Sql, payments: number) {
  return sql`
    update stripe_blnk_sync.postings set state = 'posted', settled_how = 'bulk', prepared = null where reference in (
      select reference from stripe_blnk_sync.postings where state = 'pending' order by reference limit ${payments})`;
}

/** As a restore or a replica writes it. */
function past(write: (sql: Sql) => Promise<unknown>): Promise<unknown> {
  return database.sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await write(sql);
  });
}

const DAMAGES: Record<string, () => Promise<unknown>> = {
  'payments that came': () => past((sql) => store(sql, ALL, ALL + 2)),
  'payments that are gone': () => past((sql) => sql`delete from stripe_blnk_sync.postings where reference < 'pi_2'`),
  'payments that were posted': () => past((sql) => post(sql, 7)),
  'totals that are gone': () =>
    database.sql`truncate stripe_blnk_sync.day_totals, stripe_blnk_sync.run_totals, stripe_blnk_sync.lane_totals`,
  'changes that are gone': () => database.sql`truncate stripe_blnk_sync.posting_changes`,
};

it('nothing is found where all was written as usual', async () => {
  expect([await findWrongTotals(database.db), await differences(database.sql)]).toEqual([null, []]);
});

describe.each(Object.entries(DAMAGES))('%s', (_, damage) => {
  it('are found, and all totals are right again while others write', async () => {
    await damage();
    expect(await findWrongTotals(database.db)).toMatch(/\d+ .*postings .*\d+ in the totals/);
    const other = await database.openAnother();
    try {
      await other.sql.begin(async (sql) => {
        await store(sql, 1_000, 1_010);
        await post(sql, 3);
        expect(await countTotalsAnew(database.db)).toBe(true);
        expect(await differences(database.sql)).toEqual([]);
      });
      expect(await differences(database.sql)).toEqual([]);
      await addUpTotals(database.db);
      expect([await findWrongTotals(database.db), await differences(database.sql)]).toEqual([null, []]);
    } finally {
      await other.close();
    }
  });
});

it('are counted by one process at a time: two would add the same difference', async () => {
  await past((sql) => post(sql, 7));
  const other = await database.openAnother();
  try {
    const counted = await Promise.all([countTotalsAnew(database.db), countTotalsAnew(other.db), addUpTotals(other.db)]);
    expect(counted).toContain(true);
    expect(await differences(database.sql)).toEqual([]);
  } finally {
    await other.close();
  }
});

it('status says while triggers are off that sums are not kept', async () => {
  const codes = async () =>
    needsOf(await readVerdictFacts(database.db, { lagMs: 0, intervalMs: 60_000 })).map(({ code }) => code);
  expect(await codes()).not.toContain('totals_not_kept');
  await database.sql`alter table stripe_blnk_sync.postings disable trigger note_posting_changes_of_update`;
  expect(await codes()).toContain('totals_not_kept');
  await database.sql`alter table stripe_blnk_sync.postings enable trigger user`;
  expect(await codes()).not.toContain('totals_not_kept');
});
