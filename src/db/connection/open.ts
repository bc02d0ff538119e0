/**
 * Opens the pool that everything above reads and writes through. Knows where a database may live, not what is in it. Each
 * connection is set up by `src/postgres/`, whatever the settings of role, database and server are.
 */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import {
  addressParts,
  type DatabaseAddress,
  type DatabaseAddressParts,
  driverAddress,
  readDatabaseAddress,
} from '../../core/settings/database-address.js';
import { DEFAULT_SCHEMA } from '../../core/settings/schema-name.js';
import { createSockets, type Sockets, type StatementLimit } from '../../postgres/sockets.js';
import { inSchema } from '../schema/own-schema.js';
import { arrayTypes } from './array-types.js';
import { type ConnectionSettings, guardConnection, openOneConnection } from './one-connection.js';
import { openingFault } from './opening-fault.js';
import { checkServer, examineServer, type ServerReport } from './server-checks.js';
import { createTransactions, type TransactionWork } from './transactions.js';

export type Drizzle = PostgresJsDatabase<Record<string, never>> & { readonly $client: postgres.Sql };

/** What a function works with that is a part of somebody's transaction. */
export type Transaction = Parameters<Parameters<Drizzle['transaction']>[0]>[0];

export interface Database {
  /** Its transactions, like those of `sql`, run on connections of their own: see `transactions.ts`. */
  readonly db: Drizzle;
  readonly sql: postgres.Sql;
  /** For pages of lists. With connections of their own where that was asked for: else the same as `db`. */
  readonly pages: Drizzle;
  /** Of our tables. Statements name the default one, and go to this one. */
  readonly schema: string;
  /** For locks that a session holds. Nothing is sent any more once the connection is lost, nor after the work. */
  onOneConnection<Result>(work: TransactionWork<Result>): Promise<Result>;
  /** Whether server, database and login suit a worker that opens so many connections. */
  examineServer(connections: number): Promise<ServerReport>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Of everything but transactions. */
  readonly connectionsMax: number;
  /** Of our tables; `stripe_blnk_sync` when left out. */
  readonly schema?: string;
  /** For what a reader of Stripe stores, beside all others; none of their own when left out. */
  readonly pageConnectionsMax?: number;
  /** Transactions at the same time, each with a connection of its own; 4 when left out. */
  readonly transactionsMax?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Of the whole process: the server is checked for them, and for what else it has to be. Unchecked when left out. */
  readonly connectionsNeeded?: number;
  /** Aborted: every statement fails at once, that under way and each that comes. */
  readonly giveUp?: AbortSignal | undefined;
  /** How long a statement may take; `bounded` when left out. */
  readonly limit?: StatementLimit;
}

/** No statement of ours depends on it; temporary tables come last, so that none hides another. */
const SEARCH_PATH = 'public, pg_temp';

/**
 * Opens a pool and proves that it answers. Throws SyncError naming what was tried, without password: `database_unreachable`
 * when trying again may help, and one that is fatal when only a person can fix it.
 */
export async function openDatabase(address: DatabaseAddress, options: DatabaseOptions): Promise<Database> {
  const schema = options.schema ?? DEFAULT_SCHEMA;
  const parts = addressParts(address);
  const sockets = createSockets(parts, {
    searchPath: SEARCH_PATH,
    limit: options.limit ?? 'bounded',
    giveUp: options.giveUp,
  });
  const connect = connector(parts, options, sockets);
  const sql = connect({ prepare: false });
  const needsOf = (connections: number, who: string) => ({
    ...{ connections, who },
    isPooled: sockets.isPooled(),
    at: describeAddress(address),
  });
  try {
    await sql.unsafe('select 1');
    // Behind a pooler the next statement meets another session, without what was prepared in this one.
    Object.assign(sql.options, { prepare: !sockets.isPooled() });
    if (options.connectionsNeeded !== undefined)
      await checkServer(sql, needsOf(options.connectionsNeeded, 'This process'));
  } catch (error) {
    await sql.end({ timeout: 1 });
    if (error instanceof SyncError && error.kind === 'fatal') throw error;
    throw openingFault(error, { parts, at: describeAddress(address) });
  }
  const openOne = () => {
    const one = openOneConnection((changes) => connect({ ...changes, prepare: !sockets.isPooled() }));
    // How values are read and written, as Drizzle has set it up.
    Object.assign(one.sql.options.parsers, sql.options.parsers);
    Object.assign(one.sql.options.serializers, sql.options.serializers);
    return one;
  };
  const transactions = createTransactions({ open: openOne, max: options.transactionsMax ?? TRANSACTIONS_MAX });
  Object.assign(sql, { begin: transactions.run, reserve: refuseReserve });
  const db = drizzle(sql);
  const pageSql =
    options.pageConnectionsMax === undefined
      ? null
      : connect({ max: options.pageConnectionsMax, prepare: !sockets.isPooled() });
  return {
    db,
    sql,
    pages: pageSql === null ? db : drizzle(pageSql),
    schema,
    examineServer: (connections) => examineServer(sql, needsOf(connections, 'A worker')),
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
      // The driver waits for an answer on connections that are gone, too.
      const timeout = options.giveUp?.aborted === true ? 0 : 5;
      await Promise.all([sql.end({ timeout }), pageSql?.end({ timeout })]);
    },
  };
}

const TRANSACTIONS_MAX = 4;

function connector(
  parts: DatabaseAddressParts,
  options: DatabaseOptions,
  sockets: Sockets,
): (changes: ConnectionSettings) => postgres.Sql {
  const settings = {
    ...driverAddress(parts),
    max: options.connectionsMax,
    connect_timeout: 10,
    idle_timeout: 60,
    max_lifetime: 60 * 60,
    // The driver would send a statement over a busy connection when none is free, where it waits for the one before it,
    // however slow: a claim for the reading of a whole day. This way it waits in order for whichever is free first.
    max_pipeline: 0,
    // The driver's own statement on each new connection: one that is lost during it ends the process.
    fetch_types: false,
    types: arrayTypes(),
    ssl: false,
    onnotice: () => {},
    // What every pooler takes; the rest is set up over the connection.
    connection: { application_name: options.applicationName },
    // The driver knows this option, its types do not: https://github.com/porsager/postgres#custom-socket
    socket: () => sockets.open().connect(),
  };
  const schema = options.schema ?? DEFAULT_SCHEMA;
  return (changes) => inSchema(postgres({ ...settings, ...changes } as ConnectionSettings), schema);
}

function refuseReserve(): never {
  throw new Error('reserve() is unsafe when its connection is lost; use onOneConnection()');
}

/** The address for people: no password. */
export function describeAddress(address: DatabaseAddress): string {
  if (address.kind === 'socket') return `the embedded server in ${address.host}`;
  const { host, port, user, database } = readDatabaseAddress(address.url);
  if (host.startsWith('/')) {
    const named = database === null ? '' : ` (database ${database})`;
    return `the socket in ${host}${named}`;
  }
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `postgres://${user === null ? '' : `${user}@`}${place}/${database ?? ''}`;
}
