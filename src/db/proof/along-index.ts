/**
 * Questions for the next few of many rows, in the order of an index. A table that was filled a moment ago has no statistics, and on a
 * server whose autovacuum is off never gets any: then a few thousand rows are expected, and each question reads and sorts all that are
 * left, which for a day of two million payments never ends. So plans that sort are not considered.
 */
import { sql } from 'drizzle-orm';
import type { Drizzle, Transaction } from '../connection/open.js';

export function alongIndex<Result>(db: Drizzle, ask: (db: Transaction) => Promise<Result>): Promise<Result> {
  return db.transaction(
    async (transaction) => {
      await transaction.execute(sql`
        select set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
          set_config('enable_sort', 'off', true)`);
      return ask(transaction);
    },
    { accessMode: 'read only' },
  );
}
