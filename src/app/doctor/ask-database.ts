/** Asks a database over one connection how it suits a worker, and what its tables say of the mirror. Reads alone. */
import type { ConfigSurvey } from '../../config/survey.js';
import { sessionName } from '../../core/base/session-name.js';
import type { DatabaseFacts, MirrorFacts, TableFacts } from '../../core/doctor/facts.js';
import type { Mirror } from '../../core/posting/mirror.js';
import type { DatabaseAddress } from '../../core/settings/database-address.js';
import { type Database, describeAddress, openDatabase } from '../../db/connection/open.js';
import {
  hasQueueTables,
  mayCreateTables,
  type QueueSchema,
  readMigrationState,
  whyNotOurs,
} from '../../db/migrations/migration-state.js';
import { checkRights } from '../../db/migrations/own-rights.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import { readDatabaseNow, readLivingWorkers } from '../../db/reads/status.js';
import { countReads } from '../../db/workers/request-limiter.js';
import { paymentsInThirtyDays } from '../../db/workers/worker-registry.js';
import { faultOf } from './ask-within.js';

export interface DatabaseSeen {
  readonly facts: DatabaseFacts;
  /** Its clock against this machine's. */
  readonly aheadMs: number;
  /** What it holds of a mirror; null where its tables could not be read. */
  readonly held: HeldMirror | null;
}

export interface HeldMirror extends Pick<MirrorFacts, 'workers' | 'paymentsInThirtyDays' | 'reads'> {
  /** Null before the first start. */
  readonly mirror: Mirror | null;
}

export const NOTHING_HELD: HeldMirror = {
  ...{ mirror: null, workers: 0, paymentsInThirtyDays: 0 },
  reads: { thirtyDays: 0, lastDay: 0 },
};

export interface AskDatabaseOptions {
  readonly schema: NonNullable<ConfigSurvey['database']>['databaseSchema'];
  /** That a worker opens at most. */
  readonly connectionsNeeded: number;
  /** Null: the queue keeps nothing here. */
  readonly queueSchema: QueueSchema | null;
  readonly signal: AbortSignal;
  machineNow(): Date;
}

/** Throws SyncError where it cannot be opened. */
export async function askDatabase(address: DatabaseAddress, options: AskDatabaseOptions): Promise<DatabaseSeen> {
  const database = await openDatabase(address, {
    ...{ schema: options.schema, connectionsMax: 1, transactionsMax: 1, giveUp: options.signal },
    applicationName: sessionName('doctor'),
  });
  try {
    const askedAt = options.machineNow();
    const aheadMs = (await readDatabaseNow(database.db)).getTime() - askedAt.getTime();
    const { version, role, connections: given, faults } = await database.examineServer(options.connectionsNeeded);
    const rightsFault = await whyNoRights(database, options);
    const tables = rightsFault === null ? await readTables(database, options) : null;
    return {
      aheadMs,
      facts: {
        ...{ at: describeAddress(address), version, role, rightsFault, tables },
        faults: faults.map(faultOf),
        connections: { needed: options.connectionsNeeded, given },
      },
      held: tables === null ? null : await readHeld(database, tables),
    };
  } finally {
    await database.close();
  }
}

async function whyNoRights(database: Database, { queueSchema }: AskDatabaseOptions) {
  try {
    await checkRights(database, { role: 'worker', queueSchema: queueSchema?.name ?? null });
    return null;
  } catch (error) {
    const fault = faultOf(error);
    if (fault.code === 'database_right_missing') return fault;
    throw error;
  }
}

async function readTables(database: Database, { queueSchema }: AskDatabaseOptions): Promise<TableFacts> {
  const notOurs = await whyNotOurs(database);
  return {
    ...(await readMigrationState(database)),
    hasQueue: queueSchema === null || (await hasQueueTables(database, queueSchema)),
    fault: notOurs === null ? null : faultOf(notOurs),
    mayCreateSchema: await mayCreateTables(database),
  };
}

/** Of older tables nothing is read: columns may be missing. */
async function readHeld({ db, sql }: Database, { newest, pending, fault }: TableFacts): Promise<HeldMirror | null> {
  if (fault !== null) return null;
  if (newest === null) return NOTHING_HELD;
  if (pending.length > 0) return null;
  return {
    mirror: await findMirror(db),
    workers: (await readLivingWorkers(db)).length,
    paymentsInThirtyDays: await paymentsInThirtyDays(sql),
    reads: await countReads(sql),
  };
}
