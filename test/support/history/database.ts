/**
 * A database whose `now()` is the history's: a function of that name stands before PostgreSQL's own in the search path
 * while our tables are made and used, so every statement, default and view of ours follows the clock that a test moves.
 * Leases, back-off, heartbeats and schedules then take part in an outage of 90 days that lasts a millisecond.
 */
import { migrateDatabase } from '../../../src/db/migrate.js';
import { type DatabaseAddress, openDatabase } from '../../../src/db/open.js';
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
      await sql`update simulation.clock set ahead = ${now.toISOString()}::timestamptz - pg_catalog.now()`;
    },
    async wipe() {
      const tables = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
      // Of so few rows quicker than a truncate.
      for (const { name } of tables) await sql`delete from ${sql(name)}`;
    },
  };
}

/**
 * Before the migrations: a default remembers the function that it was made with.
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
    await sql`
      create function public.now() returns timestamptz language sql stable
      as 'select pg_catalog.now() + (select ahead from simulation.clock)'`;
    await sql`select set_config('simulation.zone', ${zone}, false)`;
    await sql`
      do $$ begin
        execute format('alter database %I set search_path = public, pg_catalog', current_database());
        execute format('alter database %I set timezone = %L', current_database(), current_setting('simulation.zone'));
        -- The server does not crash in these histories, so nobody needs to wait for its disk.
        execute format('alter database %I set synchronous_commit = off', current_database());
      end $$`;
  } finally {
    await close();
  }
}
