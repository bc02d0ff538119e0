/**
 * Totals are exact at every moment: whoever writes postings (this code, code of generation 1, somebody with psql, transactions
 * that are rolled back), how many at once, and whether totals are being added up meanwhile. Each look recounts all postings in
 * the snapshot in which it reads the totals.
 */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { differences } from '../support/recount.js';
import { inTier } from '../support/tier.js';

const SEEDS = [20261129, 7, 4242];
const WRITERS = 4;
const STEPS = 60;

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
});
beforeEach(() => database.sql`delete from stripe_blnk_sync.postings`);
afterAll(() => database.remove());

/** Drawn from a seed, so that a failure can be played again as far as the order of several writers lets it. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * count);
  }
  of<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0];
  }
}

type Step = (sql: postgres.TransactionSql, dice: Dice) => Promise<unknown>;

const RUNS = Array.from({ length: 5 }, () => randomUUID()) as [string, ...string[]];
const CURRENCIES = ['USD', 'EUR', 'JPY', null] as const;

const some = (sql: postgres.TransactionSql, dice: Dice, state: string) => sql`
  select reference from stripe_blnk_sync.postings where state = ${state}
  order by reference offset ${dice.below(40)} limit ${1 + dice.below(30)} for update skip locked`;

const STEPS_BY_NAME: Readonly<Record<string, Step>> = {
  collect: (sql, dice) => sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, object, role, lane, source, destination, currency, amount,
      precision, effective_at, state, reason, prepared, first_run)
    select 'pi_' || n, 'pi_' || n, 'payment', 'payment', 'original', currency || ':@stripe_' || n % 2, '@stripe_' || n % 2, '@cus_1',
      currency, n, 100, timestamptz '2026-11-01 23:59:00Z' + n * interval '7 hours', case when currency is null then 'parked' else 'pending' end,
      case when currency is null then 'unknown_currency' end, '{}', ${dice.of(RUNS)}
    from generate_series(${dice.below(900)}::int + 1, ${dice.below(900)}::int + 60) n, (select ${dice.of(CURRENCIES)}::text as currency) drawn
    on conflict (reference) do nothing`,
  'collect what stands there already': (sql, dice) => sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    select 'pi_' || n, 'pi_' || n, 'payment', '@stripe', '@cus_1', 'USD', n, 100, now(), 'pending', ${dice.of(RUNS)}
    from generate_series(${dice.below(300)}::int, ${dice.below(300)}::int + 20) n
    on conflict (reference) do update set amount = excluded.amount, currency = 'GBP' where postings.state = 'pending'`,
  'collect as generation 1': (sql, dice) => sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    select 'pi_old_' || n, 'pi_old_' || n, 'payment', '@stripe', '@cus_1', 'USD', n, 100, timestamptz '2026-11-02Z', 'pending', ${dice.of(RUNS)}
    from generate_series(${dice.below(200)}::int, ${dice.below(200)}::int + 20) n on conflict (reference) do nothing`,
  claim: (sql, dice) => sql`
    update stripe_blnk_sync.postings set claim = gen_random_uuid(), attempts = attempts + 1, doubt_since = now()
    where reference in (${some(sql, dice, 'pending')})`,
  settle: (sql, dice) => sql`
    update stripe_blnk_sync.postings set state = 'posted', settled_how = ${dice.of(['bulk', 'already_there', 'look_up'])}, transaction_id = 'txn'
    where reference in (${some(sql, dice, 'pending')})`,
  park: (sql, dice) => sql`
    update stripe_blnk_sync.postings set state = 'parked', reason = 'conflict' where reference in (${some(sql, dice, 'pending')})`,
  dismiss: (sql, dice) => sql`
    update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'ann' where reference in (${some(sql, dice, 'parked')})`,
  retry: (sql, dice) => sql`
    update stripe_blnk_sync.postings set state = 'pending', reason = null, dismissed_at = null, settled_how = null
    where reference in (${some(sql, dice, 'parked')})`,
  correct: (sql, dice) => sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, object, role, source, destination, currency, amount, precision, effective_at, state, first_run)
    select reference || ':adj:1', reference, 'correction', 'payment', 'correction', '@stripe', '@cus_1', currency, 5, 100, effective_at, 'pending', first_run
    from (${some(sql, dice, 'posted')}) chosen join stripe_blnk_sync.postings using (reference)
    where kind = 'payment' on conflict (reference) do nothing`,
  'map anew': (sql, dice) => sql`
    update stripe_blnk_sync.postings set amount = amount + 1, currency = 'CHF', lane = 'CHF:@stripe', effective_at = effective_at + interval '1 day'
    where reference in (${some(sql, dice, 'pending')})`,
  'by hand': (sql, dice) => sql`
    update stripe_blnk_sync.postings set amount = 1, first_run = ${dice.of(RUNS)} where reference in (${some(sql, dice, 'posted')})`,
  'delete by hand': (sql, dice) => sql`
    delete from stripe_blnk_sync.postings where reference in (${some(sql, dice, dice.of(['posted', 'pending', 'parked']))})`,
  'two changes in one statement': (sql, dice) => sql`
    with gone as (delete from stripe_blnk_sync.postings where reference in (${some(sql, dice, 'parked')}))
    update stripe_blnk_sync.postings set state = 'posted', settled_how = 'bulk' where reference in (${some(sql, dice, 'pending')})`,
  'changes that are taken back': async (sql, dice) => {
    await sql`savepoint before`;
    await sql`update stripe_blnk_sync.postings set state = 'posted' where reference in (${some(sql, dice, 'pending')})`;
    await sql`rollback to savepoint before`;
  },
};

class TakenBack extends Error {}

/** Several steps a transaction; one in eight is rolled back as a whole. */
async function write({ sql }: Pick<OwnDatabase, 'sql'>, dice: Dice): Promise<void> {
  const names = Object.keys(STEPS_BY_NAME) as [string, ...string[]];
  for (let step = 0; step < STEPS; step += 1) {
    await sql
      .begin(async (transaction) => {
        for (let each = dice.below(3); each >= 0; each -= 1) await STEPS_BY_NAME[dice.of(names)]?.(transaction, dice);
        if (dice.below(8) === 0) throw new TakenBack();
      })
      .catch((error: unknown) => {
        // Two that insert the same payments in another order: the loser's work is undone, totals and all.
        const isDeadlock = (error as { code?: string }).code === '40P01';
        if (!(error instanceof TakenBack) && !isDeadlock) throw error;
      });
  }
}

it.each(inTier({ quick: SEEDS.slice(0, 1), full: SEEDS }))(
  'hold while several write and several add up (seed %i)',
  async (seed) => {
    const writers = await Promise.all(Array.from({ length: WRITERS }, () => database.openAnother()));
    const [adding, looking] = [await database.openAnother(), await database.openAnother()];
    let isOver = false;
    const work = Promise.all(writers.map((writer, index) => write(writer, new Dice(seed + index)))).finally(() => {
      isOver = true;
    });
    const looks: unknown[] = [];
    const look = async () => {
      while (!isOver) looks.push(await differences(looking.sql));
    };
    const addUp = async () => {
      let added = 0;
      while (!isOver) {
        const counts = await Promise.all([addUpTotals(adding.db), addUpTotals(database.db)]);
        added += counts[0] + counts[1];
      }
      return added;
    };
    const [, , added] = await Promise.all([work, look(), addUp()]);
    expect(added).toBeGreaterThan(0);
    expect(looks.length).toBeGreaterThan(10);
    expect(looks.filter((found) => JSON.stringify(found) !== '[]')).toEqual([]);
    const counted = await database.sql`select count(*)::int as all from stripe_blnk_sync.postings`;
    expect(counted[0]?.all).toBeGreaterThan(100);
    await addUpTotals(database.db);
    expect(await differences(database.sql)).toEqual([]);
    expect([...(await database.sql`select 1 from stripe_blnk_sync.posting_changes`)]).toEqual([]);
    await Promise.all([...writers, adding, looking].map((one) => one.close()));
  },
);

it('keep no row of what nothing is left of', async () => {
  const { sql, db } = database;
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    values ('pi_1', 'pi_1', 'payment', '@stripe', '@cus_1', 'USD', 5, 100, now(), 'pending', ${RUNS[0]})`;
  await addUpTotals(db);
  await sql`update stripe_blnk_sync.postings set state = 'posted', settled_how = 'bulk'`;
  await addUpTotals(db);
  expect([...(await sql`select standing, count, amount from stripe_blnk_sync.run_totals`)]).toEqual([
    { standing: 'posted', count: 1, amount: '5' },
  ]);
  expect([...(await sql`select lane from stripe_blnk_sync.lane_totals`)]).toEqual([]);
});

it('append nothing for what changes no sum: a claim, a pause', async () => {
  const { sql, db } = database;
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    select 'pi_' || n, 'pi_' || n, 'payment', '@stripe', '@cus_1', 'USD', 5, 100, now(), 'pending', ${RUNS[0]} from generate_series(1, 100) n`;
  await addUpTotals(db);
  await sql`update stripe_blnk_sync.postings set claim = gen_random_uuid(), attempts = 1, due_at = now(), last_error = 'x'`;
  expect([...(await sql`select 1 from stripe_blnk_sync.posting_changes`)]).toEqual([]);
});

it('hold after a truncate', async () => {
  const { sql } = database;
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, first_run)
    values ('pi_1', 'pi_1', 'payment', '@stripe', '@cus_1', 'USD', 5, 100, now(), 'pending', ${RUNS[0]})`;
  await sql`truncate stripe_blnk_sync.postings`;
  expect(await differences(sql)).toEqual([]);
});
