/**
 * The three homes of database and queue, for suites that must pass on all of them: `describe.each(homes())`. Each
 * `create()` gives a place of its own, so that test files can run side by side. Which homes there are is found by
 * services.ts; a test reads no environment variable itself.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { inject } from 'vitest';
import { migratedTemplate } from './template-database.js';

export interface Home {
  readonly name: 'embedded' | 'postgres' | 'postgres+redis';
  /** Empty, unless tables are asked for: then those of a server are there, and an embedded one is made as ever. */
  create(options?: PlaceOptions): Promise<HomePlace>;
}

interface PlaceOptions {
  readonly migrated: boolean;
}

export interface HomePlace {
  /** What src/config/config.ts reads about the home; to be spread into a bag of other variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Removes everything that was stored, also when processes under test were killed. */
  destroy(): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

const EMPTY: PlaceOptions = { migrated: false };

/** The homes that this machine has; the embedded one is always the first. */
export function homes(): readonly Home[] {
  const postgresUrl = inject('postgresUrl');
  const redisUrl = inject('redisUrl');
  const found: Home[] = [{ name: 'embedded', create: createEmbedded }];
  if (postgresUrl === null) return found;
  found.push({ name: 'postgres', create: (options) => createOnPostgres(postgresUrl, options) });
  if (redisUrl !== null) {
    const urls = { postgresUrl, redisUrl };
    found.push({ name: 'postgres+redis', create: (options) => createOnRedis(urls, options) });
  }
  return found;
}

/** A database on the server that was found, or null where there is none: for tests of `db/` alone. */
export async function createDatabase(options: PlaceOptions = EMPTY): Promise<TestDatabase | null> {
  const postgresUrl = inject('postgresUrl');
  return postgresUrl === null ? null : createDatabaseOn(postgresUrl, options);
}

async function createEmbedded(): Promise<HomePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'home-'));
  // Root runs the embedded server as nobody, who has to pass.
  await chmod(folder, 0o755);
  return {
    environment: { DATA_DIR: folder },
    async destroy() {
      await stopServerIn(join(folder, 'postgres'));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createOnPostgres(postgresUrl: string, options = EMPTY): Promise<HomePlace> {
  const database = await createDatabaseOn(postgresUrl, options);
  return { environment: { DATABASE_URL: database.url }, destroy: () => database.drop() };
}

async function createOnRedis(
  urls: { readonly postgresUrl: string; readonly redisUrl: string },
  options = EMPTY,
): Promise<HomePlace> {
  const database = await createDatabaseOn(urls.postgresUrl, options);
  const prefix = `test-${randomBytes(6).toString('hex')}`;
  return {
    environment: { DATABASE_URL: database.url, REDIS_URL: urls.redisUrl, QUEUE_PREFIX: prefix },
    async destroy() {
      await Promise.all([database.drop(), deleteKeys(urls.redisUrl, prefix)]);
    },
  };
}

async function createDatabaseOn(postgresUrl: string, { migrated }: PlaceOptions): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = migrated ? await migratedTemplate(postgresUrl) : null;
  await onServer(postgresUrl, async (sql) => {
    await sql.unsafe(
      `create database ${name}${template === null ? '' : ` template ${template}${await copyingFiles(sql)}`}`,
    );
    // Tests end processes and connections, never this server: nothing waits for its disk.
    await sql.unsafe(`alter database ${name} set synchronous_commit = off`);
    await sql.unsafe(`alter database ${name} set stripe_blnk_sync.synchronous_commit = off`);
  });
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(postgresUrl, `drop database if exists ${name} with (force)`) };
}

/** Half the processor time of a copy by its log, which is what servers do by themselves since they know another way. */
async function copyingFiles(sql: postgres.Sql): Promise<string> {
  const [row] = await sql<{ isKnown: boolean }[]>`
    select current_setting('server_version_num')::int >= 150000 as "isKnown"`;
  return row?.isKnown === true ? ' strategy file_copy' : '';
}

/** One statement, or some of them, on a connection of their own. */
export async function onServer(
  postgresUrl: string,
  asked: string | ((sql: postgres.Sql) => Promise<void>),
): Promise<void> {
  const sql = postgres(postgresUrl, { max: 1, onnotice: () => {} });
  try {
    await (typeof asked === 'string' ? sql.unsafe(asked) : asked(sql));
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** All keys of one test's queue. */
export async function deleteKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}

/** How long a server that was left behind may take for its last checkpoint. */
const STOP_TIMEOUT_MS = 20_000;

/** Processes that were killed leave their server to the next one, or to its own idle stop minutes later: here is none. */
export async function stopServerIn(dataFolder: string): Promise<void> {
  const postmasterId = () => readFile(join(dataFolder, 'postmaster.pid'), 'utf8').then(Number.parseInt, () => null);
  const processId = await postmasterId();
  if (processId === null) return;
  signal(processId, 'SIGINT');
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while ((await postmasterId()) !== null) {
    if (!signal(processId, 0)) return;
    if (performance.now() > deadline) {
      signal(processId, 'SIGKILL');
      return;
    }
    await delay(25);
  }
}

/** False when there is no such process any more. */
function signal(processId: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(processId, name);
  } catch {
    return false;
  }
}
