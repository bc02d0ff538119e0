/**
 * Counts and sums of postings that are kept, so that no question of a person reads all of them. Triggers of `postings` append
 * what each statement changes to `posting_changes`, whoever wrote it; a worker adds those rows to the totals from time to time
 * and removes them. A total is always both together, read in one statement: exact at every moment, in every transaction.
 *
 * What a correction counts depends on other postings of its payment, so it is counted here and never summed: readers add it
 * (counted-amount.ts). Corrections are few.
 */
import { type SQL, sql } from 'drizzle-orm';
import { bigserial, date, index, integer, numeric, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { CORRECTION_COUNTS } from './counted-amount.js';
import { ownSchema } from './own-schema.js';

/** How people count a posting: its state, with what they tell apart in it. */
export type Standing = 'pending' | 'posted' | 'already_there' | 'parked' | 'dismissed';

/** Of a row of `postings`, as `posting`. The trigger that writes `posting_changes` has the same words. */
export const STANDING = `case
      when posting.state = 'posted' and posting.settled_how = 'already_there' then 'already_there'
      when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed'
      else posting.state end`;

const count = integer('count').notNull();
const amount = numeric('amount').notNull();
/** '' where it is not known: a key holds no null. */
const currency = text('currency').notNull();
const standing = text('standing').$type<Standing>().notNull();

/** Appended only, so that no two writers wait for each other. `count` and `amount` are what is added, below zero what is taken away. */
export const postingChanges = ownSchema.table(
  'posting_changes',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    runId: uuid('run_id').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    /** Of what is pending; '' of everything else, and of what has no lane. */
    lane: text('lane').notNull(),
    currency,
    standing,
    count,
    amount,
  },
  (table) => [index('posting_changes_run').on(table.runId)],
);

export const dayTotals = ownSchema.table(
  'day_totals',
  { day: date('day', { mode: 'string' }).notNull(), currency, standing, count, amount },
  (table) => [primaryKey({ columns: [table.day, table.currency, table.standing] })],
);

export const runTotals = ownSchema.table(
  'run_totals',
  { runId: uuid('run_id').notNull(), currency, standing, count, amount },
  (table) => [
    primaryKey({ columns: [table.runId, table.currency, table.standing] }),
    // What nothing is left of is removed.
    index('run_totals_none').on(table.runId).where(sql`${table.count} = 0 and ${table.amount} = 0`),
    // Runs that are not settled are looked for by what is left of them, and there are few.
    index('run_totals_open').on(table.standing, table.runId).where(sql`${table.standing} in ('pending', 'parked')`),
  ],
);

/** Pending only. */
export const laneTotals = ownSchema.table('lane_totals', { lane: text('lane').primaryKey(), count });

/**
 * Rows of `key`, `currency`, `standing`, `count` and `counted` that add up to what is asked for, to be used as a table. Several
 * rows may be of one key, and those of a key may add up to nothing.
 * @param condition on `total.<key>`, in each branch: where it follows from another table, the planner does not move it there
 */
export function countedTotals(key: 'run_id' | 'day', condition?: string): SQL {
  const where = (column: string, first = 'where') =>
    condition === undefined ? '' : ` ${first} ${condition.replaceAll(`total.${key}`, column)}`;
  const kept = key === 'run_id' ? 'run_totals' : 'day_totals';
  const ofPosting = key === 'run_id' ? 'posting.first_run' : "(posting.effective_at at time zone 'UTC')::date";
  return sql.raw(`(
    select total.${key}, total.currency, total.standing, total.count, total.amount as counted
    from stripe_blnk_sync.${kept} total${where(`total.${key}`)}
    union all
    select total.${key}, total.currency, total.standing, total.count, total.amount
    from stripe_blnk_sync.posting_changes total${where(`total.${key}`)}
    union all
    select ${ofPosting}, coalesce(posting.currency, ''), ${STANDING}, 0, ${CORRECTION_COUNTS}
    from stripe_blnk_sync.postings posting where posting.kind = 'correction'${where(ofPosting, ' and')}
  )`);
}
