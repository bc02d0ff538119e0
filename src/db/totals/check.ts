/**
 * Whether the totals are still what the postings are. Triggers keep them, and whoever writes past those (a restore of `postings`
 * alone, `session_replication_role = replica`) leaves them wrong without a word. So workers compare a few counts along indexes
 * now and then, and count everything anew where one differs. Writers go on meanwhile: what is wrong is found in one snapshot, and
 * added as a difference, as every change is.
 */
import { type SQL, sql } from 'drizzle-orm';
import { DAY_MS, HOUR_MS, utcDay } from '../../core/base/window.js';
import type { Drizzle } from '../connection/open.js';
import { LANE } from '../schema/postings.js';
import { STANDING } from '../schema/totals.js';
import { ADDING_UP_LOCK } from './add-up.js';

/** The newest days, because what writes past the triggers mostly writes those; an older one in turn, by the hour. */
const NEWEST_DAYS = 2;

/** What differs, in words; null when nothing that was compared does. */
export async function findWrongTotals(db: Drizzle): Promise<string | null> {
  const [row] = await db.execute<{ now: string; days: string[] }>(sql`
    select (extract(epoch from now()) * 1000)::text as now,
      array(select distinct day::text from (${sql.raw(DAYS)}) total order by 1) as days`);
  const nowMs = Number(row?.now);
  const days = row?.days ?? [];
  const newest = Array.from({ length: NEWEST_DAYS }, (_, at) => utcDay(new Date(nowMs - at * DAY_MS)));
  const inTurn = days[Math.floor(nowMs / HOUR_MS) % Math.max(1, days.length)];
  for (const day of new Set([...newest, ...(inTurn === undefined ? [] : [inTurn])])) {
    const { kept, counted } = await countsOf(db, {
      kept: sql`select sum(count) from (${sql.raw(DAYS)}) total where day = ${day}`,
      counted: sql`select count(*) from stripe_blnk_sync.postings where (effective_at at time zone 'UTC')::date = ${day}`,
    });
    if (kept !== counted) return `${day} has ${counted} postings and ${kept} in the totals`;
  }
  const { kept, counted } = await countsOf(db, {
    kept: sql`select sum(count) from (${sql.raw(LANES)}) total`,
    counted: sql`select count(*) from stripe_blnk_sync.postings where state = 'pending'`,
  });
  return kept === counted ? null : `${counted} postings are pending and ${kept} in the totals`;
}

/** Counts all postings anew. False while another process adds up, or does the same. */
export async function countTotalsAnew(db: Drizzle): Promise<boolean> {
  return db.transaction(async (transaction) => {
    const [lock] = await transaction.execute<{ taken: boolean }>(
      sql`select pg_try_advisory_xact_lock(${sql.raw(String(ADDING_UP_LOCK))}) as taken, set_config('statement_timeout', '0', true)`,
    );
    if (lock?.taken !== true) return false;
    for (const statement of COUNT_ANEW) await transaction.execute(sql.raw(statement));
    return true;
  });
}

/** Whether somebody turned off what keeps the totals, or removed it. */
export async function areTotalsKept(db: Drizzle): Promise<boolean> {
  const [row] = await db.execute<{ kept: boolean }>(sql`
    select count(*) = 4 as kept from pg_catalog.pg_trigger
    where tgrelid = 'stripe_blnk_sync.postings'::regclass and tgname like 'note\_posting\_changes\_of\_%' and tgenabled in ('O', 'A')`);
  return row?.kept ?? true;
}

async function countsOf(
  db: Drizzle,
  { kept, counted }: { readonly kept: SQL; readonly counted: SQL },
): Promise<{ readonly kept: number; readonly counted: number }> {
  const [row] = await db.execute<{ kept: string; counted: string }>(
    sql`select coalesce((${kept}), 0)::text as kept, (${counted})::text as counted`,
  );
  return { kept: Number(row?.kept), counted: Number(row?.counted) };
}

const ROW = `coalesce(posting.currency, '') as currency, ${STANDING} as standing, 1 as count,
  case when posting.kind = 'correction' then 0 else coalesce(posting.amount, 0) end as amount`;
const DAY_OF_POSTING = "(posting.effective_at at time zone 'UTC')::date";

/** What is there, less what is kept: added to what is kept it gives what is there. */
const differenceOf = (table: string, key: string, keyOfPosting: string): string => `
  insert into stripe_blnk_sync.${table} as total (${key}, currency, standing, count, amount)
  select ${key}, currency, standing, sum(count), sum(amount) from (
    select ${keyOfPosting} as ${key}, ${ROW} from stripe_blnk_sync.postings posting
    union all select ${key}, currency, standing, -count, -amount from stripe_blnk_sync.${table}
    union all select ${key}, currency, standing, -count, -amount from stripe_blnk_sync.posting_changes
  ) part group by 1, 2, 3 having sum(count) <> 0 or sum(amount) <> 0
  on conflict (${key}, currency, standing)
    do update set count = total.count + excluded.count, amount = total.amount + excluded.amount`;

const DAYS = `select day, count from stripe_blnk_sync.day_totals
  union all select day, count from stripe_blnk_sync.posting_changes`;
const LANES = `select lane, count from stripe_blnk_sync.lane_totals
  union all select lane, count from stripe_blnk_sync.posting_changes where standing = 'pending'`;

const COUNT_ANEW = [
  differenceOf('day_totals', 'day', DAY_OF_POSTING),
  differenceOf('run_totals', 'run_id', 'posting.first_run'),
  `insert into stripe_blnk_sync.lane_totals as total (lane, count)
  select lane, sum(count) from (
    select coalesce(${LANE}, '') as lane, 1 as count from stripe_blnk_sync.postings where state = 'pending'
    union all select lane, -count from (${LANES}) kept
  ) part group by 1 having sum(count) <> 0
  on conflict (lane) do update set count = total.count + excluded.count`,
];
