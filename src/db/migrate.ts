/**
 * Applies our migrations, and whatever else the caller brings (the queue's), one process at a time. Forward only.
 */
import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import type postgres from 'postgres';
import { packageRoot } from '../package-root.js';
import type { Database } from './open.js';

/** Any number that no other software on the same server is likely to use for its advisory locks. */
const MIGRATION_LOCK = 7_318_204_511;

/** Waits for the lock, so that of several processes starting at once the first migrates and the others find it done. */
export async function migrateDatabase(database: Database, alsoUnderLock: () => Promise<void>): Promise<void> {
  await database.onOneConnection(async (holder) => {
    await holder`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrate(database.db, { migrationsFolder: migrationsFolder() });
    await alsoUnderLock();
    // Fails when the lock was lost meanwhile: then another process may have begun, and starting again finds out.
    await holder`select pg_advisory_unlock(${MIGRATION_LOCK})`;
  });
}

/**
 * True when every migration that this code brings is applied, and the queue's schema is there when it lives here.
 *
 * @param queueSchema null when the queue keeps nothing in this database
 */
export async function isMigrated(sql: postgres.Sql, queueSchema: string | null): Promise<boolean> {
  const [table] = await sql`
    select to_regclass('drizzle.__drizzle_migrations') is not null
      and (${queueSchema}::text is null or to_regnamespace(${queueSchema}) is not null) as present`;
  if (table?.present !== true) return false;
  const { readMigrationFiles } = await import('drizzle-orm/migrator');
  const wanted = readMigrationFiles({ migrationsFolder: migrationsFolder() }).map((file) => file.folderMillis);
  const [row] = await sql`select coalesce(max(created_at), 0)::text as newest from drizzle.__drizzle_migrations`;
  return Number(row?.newest ?? 0) >= Math.max(...wanted);
}

function migrationsFolder(): string {
  return fileURLToPath(new URL('migrations', packageRoot()));
}
