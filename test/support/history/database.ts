/**
 * A database whose `now()` is the history's: PostgreSQL's own function is replaced in this one database before our tables are
 * made, so every statement, default and view of ours follows the clock that a test moves, whatever its search path is.
 * Leases, back-off, heartbeats and schedules then take part in an outage of 90 days that lasts a millisecond.
 */

import type { DatabaseAddress } from '../../../src/core/settings/database-address.js';
import { openDatabase } from '../../../src/db/connection/open.js';
import { migrateDatabase } from '../../../src/db/migrations/migrate.js';
import type { Home } from '../homes.js';
import { type OwnDatabase, openEmptyDatabase } from '../own-database.js';

export interface HistoryDatabase extends OwnDatabase {
  /** From here on the database's clock goes on with the real one. */
  setNow(now: Date): Promise<void>;
  /** An empty database again. */
  wipe(): Promise<void>;
}

export async function openHistoryDatabase(home: Home): Promise<HistoryDatabase> {
  const database = await openEmptyDatabase(home, installClock);
  await migrateDatabase(database);
  const { sql } = database;
  return {
    ...database,
    async setNow(now) {
      await sql`update simulation.clock set ahead = ${now.toISOString()}::timestamptz - transaction_timestamp()`;
    },
    async wipe() {
      const tables = await sql<{ name: string }[]>`
        select tablename as name from pg_tables where schemaname = 'stripe_blnk_sync' and tablename <> 'migrations'`;
      await sql.begin(async (transaction) => {
        // Without triggers: what they write down of it would be left, and some rows are kept by them.
        await transaction`set local session_replication_role = replica`;
        // Of so few rows quicker than a truncate.
        for (const { name } of tables) await transaction`delete from ${transaction(`stripe_blnk_sync.${name}`)}`;
      });
    },
  };
}

/**
 * Before the migrations: they note times too.
 *
 * @param wrong how far the clock is off from the start, and the zone of whoever connects
 */
export async function installClock(
  address: DatabaseAddress,
  { aheadMs, zone }: { readonly aheadMs: number; readonly zone: string } = { aheadMs: 0, zone: 'UTC' },
): Promise<void> {
  const { sql, close } = await openDatabase(address, { connectionsMax: 1, applicationName: 'test of histories' });
  try {
    await sql`create schema simulation`;
    await sql`create table simulation.clock (ahead interval not null)`;
    await sql`insert into simulation.clock values (${aheadMs} * interval '1 millisecond')`;
    await sql`alter function pg_catalog.now() rename to now_by_the_server`;
    await sql`
      create function pg_catalog.now() returns timestamptz language sql stable
      as 'select transaction_timestamp() + (select ahead from simulation.clock)'`;
    await sql`select set_config('simulation.zone', ${zone}, false)`;
    await sql`
      do $$ begin
        execute format('alter database %I set timezone = %L', current_database(), current_setting('simulation.zone'));
        -- The server does not crash in these histories, so nobody needs to wait for its disk.
        execute format('alter database %I set synchronous_commit = off', current_database());
      end $$`;
  } finally {
    await close();
  }
}
