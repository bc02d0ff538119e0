/**
 * Composition: the home of the data. Opens database and queue as the configuration says (embedded, PostgreSQL,
 * PostgreSQL and Redis) and closes them in reverse. All three run the same code above this.
 */
import { existsSync } from 'node:fs';
import type { HomeConfig } from '../config.js';
import { describeError, SyncError } from '../core/errors.js';
import { openEmbeddedPostgres } from '../db/embedded/open.js';
import { isMigrated, type MigrationReport, migrateDatabase } from '../db/migrate.js';
import { type Database, type DatabaseAddress, openDatabase } from '../db/open.js';
import { refuseOldCode } from '../db/served-code.js';
import type { Log } from '../observability/log.js';
import { openQueueBackend, type QueueAddress, type QueueBackend } from '../queue/connection.js';

export interface Home {
  readonly database: Database;
  readonly queueBackend: QueueBackend;
  /** Applies our migrations and the queue's, under one lock. What it waits for is logged. */
  migrate(): Promise<MigrationReport>;
  close(): Promise<void>;
}

export interface HomeOptions {
  readonly log: Log;
  /** `worker` waits for servers and creates what is missing; `command` tells a person at once what is not there. */
  readonly role: 'worker' | 'command';
  /** Where root may not use the embedded data folder: the demo and tests may go elsewhere, a worker must not. */
  readonly whenUnreachable?: 'fail' | 'temporary';
}

/** Pool sizes: chunks of the lanes, parts and the timer of a worker share theirs; a command asks one thing after another. */
const CONNECTIONS_MAX = { worker: 6, command: 3 };
/** Beside the pool: parts, the tail and the timer of a worker store at the same time. */
const TRANSACTIONS_MAX = { worker: 4, command: 1 };

/** Opens the home and makes sure of its schema. Throws SyncError or EmbeddedPostgresError with what to do. */
export async function openHome(config: HomeConfig, options: HomeOptions): Promise<Home> {
  const closers: Array<() => Promise<void>> = [];
  const close = () => closeInReverse(closers);
  try {
    const address = await locate(config, options, closers);
    const database = await openDatabase(address, {
      connectionsMax: CONNECTIONS_MAX[options.role],
      transactionsMax: TRANSACTIONS_MAX[options.role],
      applicationName: `stripe-blnk-sync ${options.role}`,
    });
    closers.push(() => database.close());
    const queueBackend = await openQueueBackend(queueAddress(config, address), {
      failFast: options.role === 'command',
      onError: (error) =>
        options.log.warn({ error: describeError(error) }, 'the queue cannot be reached; trying again'),
    });
    closers.push(() => queueBackend.close());
    const home: Home = {
      database,
      queueBackend,
      close,
      migrate: () =>
        migrateDatabase(database, {
          alsoUnderLock: () => queueBackend.migrate(),
          onWaiting: (message) => options.log.warn({}, message),
        }),
    };
    return home;
  } catch (error) {
    await closeAfterFault(close, options.log);
    throw error;
  }
}

/** Closes everything, last opened first, whatever fails on the way; then throws what failed. Empties the list. */
export async function closeInReverse(closers: Array<() => Promise<void>>): Promise<void> {
  const faults: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) {
    try {
      await closer();
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 1) throw new AggregateError(faults);
  if (faults.length === 1) throw faults[0];
}

/** For a catch that throws on: what fails while closing is logged, and does not replace the fault that is told. */
export async function closeAfterFault(close: () => Promise<void>, log: Log): Promise<void> {
  try {
    await close();
  } catch (error) {
    log.warn({ error: describeError(error) }, 'not everything closed after a failed start');
  }
}

/**
 * An embedded database is ours to migrate; any other one is migrated by whoever owns it, on purpose. One that was migrated
 * further than this code knows is as good, unless it says that it serves only newer code.
 */
export async function ensureSchema(home: Home, config: HomeConfig): Promise<void> {
  await refuseOldCode(home.database);
  if (await isMigrated(home.database.sql, home.queueBackend.schema)) return;
  if (config.database.kind === 'embedded') {
    await home.migrate();
    return;
  }
  throw new SyncError(
    'The database lacks tables of this version. Apply them once: npx stripe-blnk-sync migrate (in a clone of the sources: npm run cli -- migrate)',
    {
      kind: 'fatal',
      code: 'not_migrated',
    },
  );
}

async function locate(
  config: HomeConfig,
  options: HomeOptions,
  closers: Array<() => Promise<void>>,
): Promise<DatabaseAddress> {
  if (config.database.kind === 'url') return config.database;
  const { dataDir } = config.database;
  if (options.role === 'command' && !existsSync(dataDir)) {
    throw new SyncError(
      `There is no data in ${dataDir} yet. Start a worker first (npm start), or set DATABASE_URL or DATA_DIR to where the mirror is`,
      { kind: 'fatal', code: 'no_data' },
    );
  }
  const embedded = await openEmbeddedPostgres({
    dataDir,
    log: (message) => options.log.info({}, message),
    whenUnreachable: options.whenUnreachable ?? 'fail',
  });
  closers.push(() => embedded.close());
  return { kind: 'socket', ...embedded.connection };
}

function queueAddress(config: HomeConfig, database: DatabaseAddress): QueueAddress {
  if (config.redisUrl !== null) return { kind: 'redis', url: config.redisUrl, prefix: config.queuePrefix };
  return database.kind === 'socket' ? database : { kind: 'postgres', url: database.url };
}
