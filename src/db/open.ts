/**
 * Opens the pool that everything above reads and writes through. Knows where a database may live, not what is in it.
 */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { readDatabaseAddress } from '../core/database-address.js';
import { SyncError } from '../core/errors.js';
import { guardConnection, openOneConnection } from './one-connection.js';
import { createTransactions, type TransactionWork } from './transactions.js';

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
  /** Its transactions, like those of `sql`, run on connections of their own: see `transactions.ts`. */
  readonly db: Drizzle;
  readonly sql: postgres.Sql;
  /** For locks that a session holds. Nothing is sent any more once the connection is lost, nor after the work. */
  onOneConnection<Result>(work: TransactionWork<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Of everything but transactions. */
  readonly connectionsMax: number;
  /** Transactions at the same time, each with a connection of its own; 4 when left out. */
  readonly transactionsMax?: number;
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
    // The driver would send a statement over a busy connection when none is free, where it waits for the one before it,
    // however slow: a claim for the reading of a whole day. This way it waits in order for whichever is free first.
    max_pipeline: 0,
    onnotice: () => {},
    connection: { application_name: options.applicationName, TimeZone: 'UTC' },
  };
  const connect = (changes: postgres.Options<Record<string, postgres.PostgresType>>) =>
    address.kind === 'url'
      ? openByUrl(address.url, { ...settings, ...changes })
      : postgres({
          ...settings,
          ...changes,
          path: `${address.host}/.s.PGSQL.${address.port}`,
          user: address.user,
          database: address.database,
        });
  const sql = connect({});
  try {
    await sql`select 1`;
    // The driver knows the server's array types now, for all connections. It would ask again on each new one, and a
    // connection that is lost during that question ends the process.
    Object.assign(sql.options, { fetch_types: false });
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw new SyncError(
      `The database does not answer at ${describeAddress(address)}. Check that it runs and that DATABASE_URL is right`,
      { kind: 'transient', code: 'database_unreachable', cause: error },
    );
  }
  const openOne = () => {
    const one = openOneConnection(connect);
    // How values are read and written, as Drizzle and the server's own types have set it up.
    Object.assign(one.sql.options.parsers, sql.options.parsers);
    Object.assign(one.sql.options.serializers, sql.options.serializers);
    return one;
  };
  const transactions = createTransactions({ open: openOne, max: options.transactionsMax ?? TRANSACTIONS_MAX });
  Object.assign(sql, { begin: transactions.run, reserve: refuseReserve });
  return {
    db: drizzle(sql),
    sql,
    async onOneConnection(work) {
      const one = openOne();
      try {
        return await work(guardConnection(one.sql, one.assertThere));
      } finally {
        await one.end(5);
      }
    },
    async close() {
      await transactions.close();
      await sql.end({ timeout: 5 });
    },
  };
}

const TRANSACTIONS_MAX = 4;

function refuseReserve(): never {
  throw new Error('reserve() is unsafe when its connection is lost; use onOneConnection()');
}

function openByUrl(given: string, settings: postgres.Options<Record<string, postgres.PostgresType>>): postgres.Sql {
  const { url, encryption } = readDatabaseAddress(given);
  return postgres(url, {
    ...settings,
    ssl: encryption === 'none' ? false : { rejectUnauthorized: encryption === 'checked' },
  });
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
