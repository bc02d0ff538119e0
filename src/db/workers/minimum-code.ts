/**
 * Which generation of the code this is, and whether the schema still serves it. A number of our own, because versions of
 * forks and builds do not tell what a build expects of the tables. Raised by hand, together with what no longer needs the
 * earlier schema; docs/engineering/migrations.md has the order of steps.
 */
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import { packageVersion } from '../../package-root.js';
import type { Database } from '../connection/open.js';
import { servedCode } from '../schema/served-code.js';
import { MAY_WORK_WITHIN_MS } from './liveness.js';

export const GENERATION = 2;

/** The oldest code that a schema serves. */
export interface ServedCode {
  readonly oldestGeneration: number;
  /** The first version with that generation. */
  readonly oldestVersion: string;
}

/** Null on a schema from before there were generations: it serves all code. */
export async function readServedCode({ sql, db }: Pick<Database, 'sql' | 'db'>): Promise<ServedCode | null> {
  const [table] = await sql`select to_regclass('stripe_blnk_sync.served_code') is not null as present`;
  if (table?.present !== true) return null;
  const [row] = await db.select().from(servedCode);
  return row ?? null;
}

/** Throws SyncError `code_too_old` when the schema serves only newer code than this. */
export async function refuseOldCode(database: Pick<Database, 'sql' | 'db'>): Promise<void> {
  const served = await readServedCode(database);
  if (served !== null && served.oldestGeneration > GENERATION) throw codeTooOld(served);
}

function codeTooOld({ oldestGeneration, oldestVersion }: ServedCode): SyncError {
  return new SyncError(
    `This is version ${packageVersion()} (generation ${GENERATION}), and the tables were migrated for version ${oldestVersion} ` +
      `or later (generation ${oldestGeneration} or later), which alone may work on them. Install ${oldestVersion} or later here. ` +
      'Migrations go forward only: to go back, restore the backup from before the update together with the version of then',
    { kind: 'fatal', code: 'code_too_old' },
  );
}

export interface OlderWorker {
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly generation: number;
}

/**
 * Living workers that the schema no longer serves. Such a worker stops by itself at its next sign of life; one from before
 * there were generations does not know.
 */
export function findOlderWorkers(sql: postgres.Sql): Promise<readonly OlderWorker[]> {
  return sql<OlderWorker[]>`
    select host, pid, version, generation from stripe_blnk_sync.workers
    where generation < (select oldest_generation from stripe_blnk_sync.served_code)
      and seen_at > now() - ${MAY_WORK_WITHIN_MS} * interval '1 millisecond'
    order by started_at`;
}
