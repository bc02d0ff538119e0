/**
 * Opens the pool that everything above reads and writes through. Knows where a database may live, not what is in it.
 */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { SyncError } from '../core/errors.js';

export type Drizzle = PostgresJsDatabase<Record<string, never>>;

/** A server by URL, or the embedded one by the folder of its Unix socket. */
export type DatabaseAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'socket';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
    };

export interface Database {
  readonly db: Drizzle;
  readonly sql: postgres.Sql;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly connectionsMax: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
}

/** Opens a pool and proves that it answers. Throws SyncError `database_unreachable` naming what was tried, without password. */
export async function openDatabase(address: DatabaseAddress, options: DatabaseOptions): Promise<Database> {
  const settings = {
    max: options.connectionsMax,
    connect_timeout: 10,
    idle_timeout: 60,
    max_lifetime: 60 * 60,
    onnotice: () => {},
    connection: { application_name: options.applicationName, TimeZone: 'UTC' },
  };
  const sql =
    address.kind === 'url'
      ? postgres(address.url, settings)
      : postgres({
          ...settings,
          path: `${address.host}/.s.PGSQL.${address.port}`,
          user: address.user,
          database: address.database,
        });
  try {
    await sql`select 1`;
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw new SyncError(
      `The database does not answer at ${describeAddress(address)}. Check that it runs and that DATABASE_URL is right`,
      { kind: 'transient', code: 'database_unreachable', cause: error },
    );
  }
  return { db: drizzle(sql), sql, close: () => sql.end({ timeout: 5 }) };
}

/** The address for people: no password. */
export function describeAddress(address: DatabaseAddress): string {
  if (address.kind === 'socket') return `the embedded server in ${address.host}`;
  try {
    const url = new URL(address.url);
    return `${url.protocol}//${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`;
  } catch {
    return 'DATABASE_URL (not a URL)';
  }
}
