/** Brings the schema of a database up to this version, ours and the queue's under one lock. Reports what it did. */

import { MIGRATING_SESSION } from '../core/base/session-name.js';
import type { DatabaseAddress } from '../core/settings/database-address.js';
import { openDatabase } from '../db/connection/open.js';
import { type MigrationReport, migrateDatabase } from '../db/migrations/migrate.js';
import type { QueueBackend } from '../queue/connection.js';

export type { MigrationReport };

export interface MigrationPlace {
  readonly address: DatabaseAddress;
  readonly schema: string;
  readonly queueBackend: Pick<QueueBackend, 'migrate'>;
}

export interface MigrationListener {
  /** What is being waited for, for people. */
  onWaiting(reason: string): void;
  /** Before each migration that is applied. */
  onMigration?(name: string, progress: { readonly done: number; readonly all: number }): void;
  /** Aborted when the process shall end: it waits for nobody any more. */
  readonly signal?: AbortSignal;
}

/**
 * Over connections of its own: a new index takes as long as it takes. The lock, what is applied under it, and a look at who
 * is in the way. Throws SyncError; then what was applied before stays, and running it again goes on.
 */
export async function migrate(
  { address, schema, queueBackend }: MigrationPlace,
  listener: MigrationListener,
): Promise<MigrationReport> {
  const database = await openDatabase(address, {
    schema,
    connectionsMax: 2,
    transactionsMax: 2,
    applicationName: MIGRATING_SESSION,
    limit: 'unbounded',
  });
  try {
    return await migrateDatabase(database, { alsoUnderLock: () => queueBackend.migrate(), ...listener });
  } finally {
    await database.close();
  }
}
