/** Whether the totals that are kept are what a recount of all postings gives, in one snapshot. */
import type postgres from 'postgres';

interface Difference {
  readonly total: string;
  readonly key: string;
  readonly kept: string | null;
  readonly recounted: string | null;
}

const STANDING = `case when state = 'posted' and settled_how = 'already_there' then 'already_there'
  when state = 'parked' and dismissed_at is not null then 'dismissed' else state end`;
const SUM = `case when kind = 'correction' then 0 else coalesce(amount, 0) end`;

/** Written apart from the trigger, and by another way: not from what changed, but from what there is. */
export async function differences(sql: postgres.Sql): Promise<Difference[]> {
  const compare = (total: string, kept: string, recounted: string) => `
    select '${total}' as total, key, kept.value as kept, recounted.value as recounted
    from (select key, sum(count) || ' ' || trim_scale(sum(amount)) as value from (${kept}) rows group by key
      having sum(count) <> 0 or sum(amount) <> 0) kept
    full join (select key, count(*) || ' ' || trim_scale(sum(amount)) as value from (${recounted}) rows group by key) recounted using (key)
    where kept.value is distinct from recounted.value`;
  const ofKey = (keptBy: string, table: string, recountedBy: string) =>
    compare(
      table,
      `select concat_ws('|', ${keptBy}, currency, standing) as key, count, amount from stripe_blnk_sync.${table}
       union all select concat_ws('|', ${keptBy}, currency, standing), count, amount from stripe_blnk_sync.posting_changes`,
      `select concat_ws('|', ${recountedBy}, coalesce(currency, ''), ${STANDING}) as key, ${SUM} as amount from stripe_blnk_sync.postings`,
    );
  const lanes = compare(
    'lane_totals',
    `select lane as key, count, 0 as amount from stripe_blnk_sync.lane_totals
     union all select lane, count, 0 from stripe_blnk_sync.posting_changes where standing = 'pending'`,
    `select coalesce(lane, currency || ':' || source, '') as key, 0 as amount from stripe_blnk_sync.postings where state = 'pending'`,
  );
  const rows = await sql.unsafe<Difference[]>(
    [
      ofKey('day', 'day_totals', "(effective_at at time zone 'UTC')::date"),
      ofKey('run_id', 'run_totals', 'first_run'),
      lanes,
    ].join(' union all '),
  );
  return [...rows];
}
