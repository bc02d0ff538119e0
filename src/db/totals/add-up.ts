/**
 * Adds what was appended to `posting_changes` to the totals, so that readers find few rows there. Nothing depends on when: a
 * total is the same before and after. Of several processes one adds up, and nobody who writes postings waits for it.
 */
import { sql } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';

/** Any number that no other software on the same server is likely to use for its advisory locks. */
export const ADDING_UP_LOCK = 7_318_204_513n;
/** A second's work; more is left to the next turn of the loop. */
const CHANGES_AT_ONCE = 20_000;

/** How many changes were added up; 0 as well while another process does it. */
export async function addUpTotals(db: Drizzle): Promise<number> {
  let all = 0;
  for (;;) {
    const added = await addUpSome(db);
    all += added;
    if (added < CHANGES_AT_ONCE) return all;
  }
}

function addUpSome(db: Drizzle): Promise<number> {
  return db.transaction(async (transaction) => {
    const [lock] = await transaction.execute<{ taken: boolean }>(
      sql`select pg_try_advisory_xact_lock(${sql.raw(String(ADDING_UP_LOCK))}) as taken`,
    );
    if (lock?.taken !== true) return 0;
    const [row] = await transaction.execute<{ added: string }>(sql`
      with chosen as (
        select id from stripe_blnk_sync.posting_changes order by id limit ${CHANGES_AT_ONCE}
      ), taken as (
        delete from stripe_blnk_sync.posting_changes change using chosen where change.id = chosen.id returning change.*
      ), of_days as (
        insert into stripe_blnk_sync.day_totals as total (day, currency, standing, count, amount)
        select day, currency, standing, sum(count), sum(amount) from taken group by 1, 2, 3
        on conflict (day, currency, standing)
          do update set count = total.count + excluded.count, amount = total.amount + excluded.amount
      ), of_runs as (
        insert into stripe_blnk_sync.run_totals as total (run_id, currency, standing, count, amount)
        select run_id, currency, standing, sum(count), sum(amount) from taken group by 1, 2, 3
        on conflict (run_id, currency, standing)
          do update set count = total.count + excluded.count, amount = total.amount + excluded.amount
      ), of_lanes as (
        insert into stripe_blnk_sync.lane_totals as total (lane, count)
        select lane, sum(count) from taken where standing = 'pending' group by 1 having sum(count) <> 0
        on conflict (lane) do update set count = total.count + excluded.count
      )
      select count(*) as added from taken`);
    const added = Number(row?.added ?? 0);
    if (added > 0) await removeWhatIsNone(transaction);
    return added;
  });
}

/** A run that is settled has nothing pending left: each would keep a row of nothing for ever. Days are few. */
async function removeWhatIsNone(transaction: Pick<Drizzle, 'execute'>): Promise<void> {
  const none = sql.raw('where count = 0 and amount = 0');
  await transaction.execute(sql`delete from stripe_blnk_sync.run_totals ${none}`);
  await transaction.execute(sql`delete from stripe_blnk_sync.lane_totals where count = 0`);
}
