/**
 * Looks at the database where the configuration says that it is, and at the room for it: a server of somebody's own, or the
 * private PostgreSQL, which is asked when it runs and is not started for this.
 */
import { statfs } from 'node:fs/promises';
import type { ConfigSurvey } from '../../config/survey.js';
import type { Answer, DiskFacts, EmbeddedFacts } from '../../core/doctor/facts.js';
import type { DatabaseAddress } from '../../core/settings/database-address.js';
import { examineEmbedded, nearestFolder } from '../../db/embedded/examine.js';
import type { QueueSchema } from '../../db/migrations/migration-state.js';
import { connectionsNeeded } from '../connection-counts.js';
import { askDatabase, type DatabaseSeen, type HeldMirror, NOTHING_HELD } from './ask-database.js';
import { askWithin, type Limits, unasked } from './ask-within.js';

export interface HomeSeen {
  readonly embedded: Answer<EmbeddedFacts> | null;
  readonly database: Answer<DatabaseSeen>;
  readonly held: HeldMirror | null;
}

export interface LookAtHomeOptions extends Limits {
  machineNow(): Date;
}

export async function lookAtHome(survey: ConfigSurvey, options: LookAtHomeOptions): Promise<HomeSeen> {
  const { database: config, queue, http } = survey;
  if (config === null) {
    const why = 'not asked: DATABASE_URL, DATABASE_SCHEMA or DATA_DIR is missing or wrong';
    return { embedded: null, database: unasked(why), held: null };
  }
  // Of variables that are wrong, the most that they could need.
  const opened = { redisUrl: queue?.redisUrl ?? null, http: http === null ? {} : http.http };
  const needs = {
    ...{ schema: config.databaseSchema, machineNow: options.machineNow },
    connectionsNeeded: connectionsNeeded(opened, { role: 'worker' }),
  };
  const ask = async (address: DatabaseAddress): Promise<Answer<DatabaseSeen>> => {
    const queueSchema = queue?.redisUrl === null ? await readQueueSchema() : null;
    return askWithin(options, (signal) => askDatabase(address, { ...needs, queueSchema, signal }));
  };
  if (config.database.kind === 'embedded') return lookInFolder(config.database, options, ask);
  const database = await ask(config.database);
  return { embedded: null, database, held: database.kind === 'given' ? database.facts.held : null };
}

/** BullMQ's packages are large, and only here needed for where its tables are. */
async function readQueueSchema(): Promise<QueueSchema> {
  const { queueSchemaInDatabase } = await import('../../queue/connection.js');
  return queueSchemaInDatabase();
}

async function lookInFolder(
  { dataDir }: { readonly dataDir: string },
  limits: Limits,
  ask: (address: DatabaseAddress) => Promise<Answer<DatabaseSeen>>,
): Promise<HomeSeen> {
  const report = await askWithin(limits, () => examineEmbedded(dataDir));
  if (report.kind !== 'given') return { embedded: report, database: unasked('not asked'), held: null };
  const { version, address } = report.facts;
  const embedded: HomeSeen['embedded'] = { kind: 'given', facts: { dataDir, version } };
  const database = address === null ? null : await ask({ kind: 'socket', ...address });
  // Killed, it leaves its socket behind.
  if (database === null || (database.kind === 'fault' && database.fault.code === 'database_unreachable')) {
    return { embedded, database: unasked('it does not run now'), held: version === null ? NOTHING_HELD : null };
  }
  return { embedded, database, held: database.kind === 'given' ? database.facts.held : null };
}

export interface LookAtDiskOptions extends Limits {
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

export async function lookAtDisk(
  config: ConfigSurvey['database'],
  { freeBytes = readFreeBytes, ...limits }: LookAtDiskOptions,
): Promise<Answer<DiskFacts>> {
  if (config === null) return unasked('not looked at: DATABASE_URL or DATA_DIR is missing or wrong');
  if (config.database.kind === 'url') return unasked("of the database's own server, which is not seen from here");
  const { dataDir } = config.database;
  return askWithin(limits, async () => ({ folder: dataDir, freeBytes: await freeBytes(await nearestFolder(dataDir)) }));
}

/** As a user without rights sees it: some room is kept for root. */
async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
