/** What the database itself is: its version, its size, and which of our migrations were applied. */
import { sql } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';

export interface DatabaseRecord {
  /** Of the server, as it says it. */
  readonly version: string;
  readonly bytes: number;
  readonly migrations: number;
  readonly newestMigration: string | null;
  readonly migratedAt: Date | null;
}

export async function readDatabase(db: Drizzle): Promise<DatabaseRecord> {
  const [row] = await db.execute<
    Record<'version' | 'bytes' | 'migrations', string> & Record<'newest' | 'at', string | null>
  >(sql`
    select current_setting('server_version') as version, pg_database_size(current_database())::text as bytes,
      (select count(*)::text from stripe_blnk_sync.migrations) as migrations,
      newest.name as newest, to_json(newest.applied_at) #>> '{}' as at
    from (select 1) one
    left join lateral (
      select name, applied_at from stripe_blnk_sync.migrations order by made_at desc, name desc limit 1
    ) newest on true`);
  return {
    ...{ version: row?.version ?? '', bytes: Number(row?.bytes), migrations: Number(row?.migrations) },
    ...{ newestMigration: row?.newest ?? null, migratedAt: row?.at == null ? null : new Date(row.at) },
  };
}
