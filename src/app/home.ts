/**
 * Composition: the home of the data. Opens database and queue as they are configured (embedded, PostgreSQL,
 * PostgreSQL and Redis) and closes them in reverse. All three run the same code above this.
 */
import { existsSync } from 'node:fs';
import type { HomeConfig } from '../config/config.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { interruption } from '../core/base/give-up.js';
import { commandLine } from '../core/base/own-command.js';
import { sessionName } from '../core/base/session-name.js';
import type { DatabaseAddress } from '../core/settings/database-address.js';
import { DEFAULT_SCHEMA } from '../core/settings/schema-name.js';
import { type Database, describeAddress, openDatabase } from '../db/connection/open.js';
import { openEmbeddedPostgres } from '../db/embedded/open.js';
import { isMigrated } from '../db/migrations/migrate.js';
import { checkRights } from '../db/migrations/own-rights.js';
import { refuseOldCode } from '../db/workers/minimum-code.js';
import type { Events } from '../observability/events.js';
import type { Log } from '../observability/log.js';
import { type MigrationListener, type MigrationReport, migrate } from '../operations/migrate.js';
import { openQueueBackend, type QueueAddress, type QueueBackend } from '../queue/connection.js';
import {
  CONNECTIONS_MAX,
  connectionsNeeded,
  HTTP_CONNECTIONS_MAX,
  HTTP_TRANSACTIONS_MAX,
  PAGE_CONNECTIONS_MAX,
  QUEUE_CONNECTIONS_MAX,
  TRANSACTIONS_MAX,
} from './connection-counts.js';
import { eventsOf } from './events-of.js';

export interface Home {
  readonly role: HomeOptions['role'];
  readonly database: Database;
  readonly queueBackend: QueueBackend;
  /** Another pool on the same database, so that what people look at never stands before the work. Closed by whoever asked. */
  openForPages(): Promise<Database>;
  /** Applies our migrations and the queue's, under one lock. What it waits for is logged, and given up with the signal. */
  migrate(listener?: Partial<Pick<MigrationListener, 'onMigration' | 'signal'>>): Promise<MigrationReport>;
  close(): Promise<void>;
}

export interface HomeOptions {
  readonly log: Log;
  /** `worker` waits for servers and creates what is missing; `command` reports at once what is not there. */
  readonly role: 'worker' | 'command';
  /** It opens fewer connections than a worker. */
  readonly migratesOnly?: boolean;
  /** Aborted: the database is not waited for any more, nor is the queue while the home opens. */
  readonly giveUp?: AbortSignal;
  /** Told of every connection to the queue that fails. */
  readonly onQueueFault?: (error: string) => void;
  /** Where root may not use the embedded data folder: the demo and tests may go elsewhere, a worker must not. */
  readonly whenUnreachable?: 'fail' | 'temporary';
}

/** Opens the home and makes sure of its schema. Throws SyncError or EmbeddedPostgresError with what to do. */
export async function openHome(config: HomeConfig, options: HomeOptions): Promise<Home> {
  const closers: Array<() => Promise<void>> = [];
  const close = () => closeInReverse(closers);
  const events = eventsOf(options.log);
  try {
    const address = await locate(config, options, closers);
    const database = await openDatabase(address, {
      schema: config.databaseSchema,
      connectionsMax: CONNECTIONS_MAX[options.role],
      transactionsMax: TRANSACTIONS_MAX[options.role],
      ...(options.role === 'worker' && options.migratesOnly !== true
        ? { pageConnectionsMax: PAGE_CONNECTIONS_MAX }
        : {}),
      applicationName: sessionName(options.role),
      connectionsNeeded: connectionsNeeded(config, options),
      limit: options.role === 'worker' ? 'bounded' : 'patient',
      giveUp: options.giveUp,
    });
    closers.push(() => database.close());
    const queueBackend = openQueueBackend(queueAddress(config, address), {
      failFast: options.role === 'command',
      suffix: config.databaseSchema === DEFAULT_SCHEMA ? '' : `.${config.databaseSchema}`,
      connectionsMax: QUEUE_CONNECTIONS_MAX[options.role],
      onError(error) {
        events.queueConnectionFailed({ error: describeError(error) });
        options.onQueueFault?.(describeError(error));
      },
    });
    closers.push(() => queueBackend.close());
    if (options.role === 'worker') await tryQueue(queueBackend, { events, giveUp: options.giveUp });
    const home: Home = {
      role: options.role,
      database,
      queueBackend,
      close,
      openForPages: () =>
        openDatabase(address, {
          ...{ schema: config.databaseSchema, applicationName: sessionName('pages'), giveUp: undefined },
          ...{ connectionsMax: HTTP_CONNECTIONS_MAX, transactionsMax: HTTP_TRANSACTIONS_MAX, limit: 'bounded' },
        }),
      migrate: (listener = {}) =>
        migrate(
          { address, schema: config.databaseSchema, queueBackend },
          { onWaiting: (reason) => events.migrationWaits({ reason }), ...listener },
        ),
    };
    return home;
  } catch (error) {
    await closeAfterFault(close, options.log);
    throw error;
  }
}

/**
 * A command uses the queue only when it needs it. A worker tries it at once: what no waiting helps with ends the start, and with a
 * queue that is away the work goes on without it.
 */
async function tryQueue(
  backend: QueueBackend,
  { events, giveUp }: { readonly events: Events; readonly giveUp: AbortSignal | undefined },
): Promise<void> {
  const interrupted = interruption(giveUp);
  try {
    await Promise.race([backend.ready(), interrupted.comes]);
  } catch (error) {
    if (error instanceof SyncError && error.kind === 'fatal') throw error;
    if (giveUp?.aborted === true) throw error;
    events.queueNotReady({ error: describeError(error) });
  } finally {
    interrupted.end();
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
    eventsOf(log).closingFailed({ error: describeError(error) });
  }
}

/**
 * An embedded database is ours to migrate; any other one is migrated by whoever owns it, on purpose. One that was migrated
 * further than this code knows is as good, unless it is marked as serving only newer code.
 */
export async function ensureSchema(home: Home, config: HomeConfig): Promise<void> {
  await checkRights(home.database, { role: home.role, queueSchema: home.queueBackend.schema?.name ?? null });
  await refuseOldCode(home.database);
  if (await isMigrated(home.database, home.queueBackend.schema)) return;
  if (config.database.kind === 'embedded') {
    await home.migrate();
    return;
  }
  throw notMigrated(describeAddress(config.database), {
    isOursThere: home.queueBackend.schema !== null && (await isMigrated(home.database, null)),
  });
}

/** Names the database that was looked at: another one than was meant is the likeliest cause. */
function notMigrated(place: string, { isOursThere }: { readonly isOursThere: boolean }): SyncError {
  const problem = isOursThere
    ? `The database at ${place} has the tables of this version, and none for a queue. Where its workers use Redis, set REDIS_URL as they do; else apply them once`
    : `The database at ${place} lacks tables of this version. Apply them once`;
  return new SyncError(`${problem}: ${commandLine('migrate')}`, { kind: 'fatal', code: 'not_migrated' });
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
      `There is no data in ${dataDir} yet. Start a worker first (${commandLine('worker')}), or set DATABASE_URL or DATA_DIR to where the mirror is`,
      { kind: 'fatal', code: 'no_data' },
    );
  }
  const embedded = await openEmbeddedPostgres({
    dataDir,
    log: (step) => eventsOf(options.log).storageProgress({ step }),
    whenUnreachable: options.whenUnreachable ?? 'fail',
  });
  closers.push(() => embedded.close());
  return { kind: 'socket', ...embedded.connection };
}

function queueAddress({ redisUrl, queuePrefix }: HomeConfig, database: DatabaseAddress): QueueAddress {
  return redisUrl === null ? database : { kind: 'redis', url: redisUrl, prefix: queuePrefix };
}
