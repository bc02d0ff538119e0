import type postgres from 'postgres';
import { expect } from 'vitest';

/** Resolves when a statement in this database waits for a lock that another one holds. */
export async function untilSomebodyWaits(sql: postgres.Sql): Promise<void> {
  await expect
    .poll(async () => {
      const waiting = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return waiting.count;
    })
    .toBeGreaterThan(0);
}
