/**
 * Which servers the tests may use. Runs once before all test files (`globalSetup` of vitest.config.ts): finds PostgreSQL
 * and Redis, starts a private Redis where only the program is there, says what is tested and what is skipped, and stops
 * what it started. Nothing is skipped with CI=true, and nothing that was asked for by name is skipped ever.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL where this user may create databases, or null. */
    readonly postgresUrl: string | null;
    readonly redisUrl: string | null;
    /** With CI=true nothing may be left out because something around the tests is missing. */
    readonly mustRunAll: boolean;
    /** Of `npm run test:full`; see tier.ts. */
    readonly isFull: boolean;
    /** What the migrated database is called that others are made of; see template-database.ts. */
    readonly templateDatabase: string;
  }
}

type Found = { readonly url: string; readonly how: string; stop?(): Promise<void> };
type Missing = { readonly why: string };

const LOCAL_POSTGRES = '127.0.0.1:5432';
const LOCAL_REDIS = 'redis://127.0.0.1:6379';
/** What we say we run on; BullMQ's backend and our SQL need nothing newer. */
const POSTGRES_VERSION_MIN = 14;
const ANSWER_TIMEOUT_MS = 3_000;
const REDIS_START_TIMEOUT_MS = 10_000;

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [database, redis] = await Promise.all([findPostgres(), findRedis()]);
  if ('url' in database) await warnOfFewConnections(database.url);
  project.provide('postgresUrl', 'url' in database ? database.url : null);
  project.provide('redisUrl', 'url' in redis ? redis.url : null);
  const mustRunAll = isSet(process.env.CI);
  project.provide('mustRunAll', mustRunAll);
  project.provide('isFull', process.env.TEST_TIER === 'full');
  const missing = report(database, redis);
  const templateDatabase = `test_template_${randomBytes(6).toString('hex')}`;
  project.provide('templateDatabase', templateDatabase);
  const stop = async () => {
    if ('url' in redis) await redis.stop?.();
    if ('url' in database) await dropDatabases(database.url, [templateDatabase, `${templateDatabase}_unfinished`]);
  };
  const asked = { PostgreSQL: process.env.TEST_DATABASE_URL, Redis: process.env.TEST_REDIS_URL };
  const refused = missing.filter((name) => mustRunAll || isSet(asked[name]));
  if (refused.length === 0) return stop;
  await stop();
  throw new Error(
    `${refused.join(' and ')} cannot be used, and may not be skipped with CI=true or when named by TEST_*_URL`,
  );
}

function report(database: Found | Missing, redis: Found | Missing): ('PostgreSQL' | 'Redis')[] {
  const lines = ['Homes tested:', '  embedded          the PostgreSQL that the package brings'];
  const skip = (home: string, why: string) => lines.push(`  ${home.padEnd(18)}SKIPPED: ${why}`);
  if ('why' in database) {
    skip('postgres', database.why);
    skip('postgres+redis', 'needs PostgreSQL');
  } else {
    lines.push(`  postgres          ${database.how}`);
    if ('why' in redis) skip('postgres+redis', redis.why);
    else lines.push(`  postgres+redis    ${redis.how}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return [...('why' in database ? ['PostgreSQL' as const] : []), ...('why' in redis ? ['Redis' as const] : [])];
}

async function findPostgres(): Promise<Found | Missing> {
  const asked = process.env.TEST_DATABASE_URL;
  if (isSet(asked)) {
    const problem = await tryPostgres(asked);
    return problem === null
      ? { url: asked, how: 'TEST_DATABASE_URL' }
      : { why: `TEST_DATABASE_URL is not usable: ${problem}` };
  }
  const logins = ['postgres:postgres', 'postgres', ...ourName()].map(
    (login) => `postgres://${login}@${LOCAL_POSTGRES}`,
  );
  const problems: string[] = [];
  for (const url of logins.map((server) => `${server}/postgres`)) {
    const problem = await tryPostgres(url);
    if (problem === null) return { url, how: `the server on ${LOCAL_POSTGRES}` };
    if (!problems.includes(problem)) problems.push(problem);
  }
  return { why: `no TEST_DATABASE_URL is set, and ${LOCAL_POSTGRES} is not usable (${problems.join('; ')})` };
}

async function dropDatabases(url: string, names: readonly string[]): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  for (const name of names) await sql.unsafe(`drop database if exists ${name} with (force)`);
  await sql.end({ timeout: 1 });
}

/** What PostgreSQL takes by default. Four files at a time were seen to take 80. */
const CONNECTIONS_ENOUGH = 100;

async function warnOfFewConnections(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql<{ max: number }[]>`select current_setting('max_connections')::int as max`;
    const max = row?.max ?? 0;
    if (max >= CONNECTIONS_ENOUGH) return;
    process.stdout.write(
      `This PostgreSQL takes ${max} connections, and the tests may need ${CONNECTIONS_ENOUGH}. If they say "too many clients": ` +
        `alter system set max_connections = ${CONNECTIONS_ENOUGH}, restart it; or npm test -- --maxWorkers 1\n`,
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** None for a user id that the system has no name for, as in some containers. */
function ourName(): string[] {
  try {
    return [encodeURIComponent(userInfo().username)];
  } catch {
    return [];
  }
}

/** Null when tests can make their databases there, else what is in the way. */
async function tryPostgres(url: string): Promise<string | null> {
  let sql: postgres.Sql | undefined;
  try {
    sql = postgres(url, { max: 1, connect_timeout: ANSWER_TIMEOUT_MS / 1_000, onnotice: () => {} });
    const [row] = await sql<{ version: number; may_create: boolean }[]>`
      select current_setting('server_version_num')::int / 10000 as version, rolcreatedb or rolsuper as may_create
      from pg_roles where rolname = current_user`;
    if (row === undefined || row.version < POSTGRES_VERSION_MIN)
      return `it is PostgreSQL ${row?.version ?? '?'}, older than ${POSTGRES_VERSION_MIN}`;
    return row.may_create ? null : 'its user may not create databases';
  } catch (error) {
    return sayError(error);
  } finally {
    await sql?.end({ timeout: 1 });
  }
}

async function findRedis(): Promise<Found | Missing> {
  const asked = process.env.TEST_REDIS_URL;
  if (isSet(asked)) {
    const problem = await tryRedis(asked);
    return problem === null
      ? { url: asked, how: 'TEST_REDIS_URL' }
      : { why: `TEST_REDIS_URL is not usable: ${problem}` };
  }
  const problem = await tryRedis(LOCAL_REDIS);
  if (problem === null) return { url: LOCAL_REDIS, how: `the server on ${new URL(LOCAL_REDIS).host}` };
  const started = await startRedis();
  if ('url' in started) return started;
  return { why: `no TEST_REDIS_URL is set, ${new URL(LOCAL_REDIS).host} is not usable (${problem}), ${started.why}` };
}

async function tryRedis(url: string): Promise<string | null> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: ANSWER_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lastError: unknown;
  redis.on('error', (error) => {
    lastError = error;
  });
  try {
    await redis.connect();
    await redis.ping();
    return null;
  } catch (error) {
    return sayError(lastError ?? error);
  } finally {
    redis.disconnect();
  }
}

/** `redis-server` from the PATH on a free port, which keeps nothing. */
async function startRedis(): Promise<Found | Missing> {
  const [port, directory] = await Promise.all([freePort(), mkdtemp(join(tmpdir(), 'test-redis-'))]);
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const server = spawn('redis-server', settings, { stdio: 'ignore' });
  const stop = async () => {
    if (server.pid !== undefined && server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  };
  const problem = await untilRedisAnswers(server, `redis://127.0.0.1:${port}`);
  if (problem === null)
    return { url: `redis://127.0.0.1:${port}`, how: `redis-server from the PATH, started on port ${port}`, stop };
  await stop();
  return { why: problem };
}

async function untilRedisAnswers(server: ChildProcess, url: string): Promise<string | null> {
  let ended: string | undefined;
  server.once('error', (error) => {
    ended = `and redis-server cannot be started (${sayError(error)})`;
  });
  server.once('exit', (code) => {
    ended = `and redis-server ended with ${code} when it was started`;
  });
  const deadline = performance.now() + REDIS_START_TIMEOUT_MS;
  let problem: string | null = 'not tried';
  while (performance.now() < deadline) {
    await delay(50);
    if (ended !== undefined) return ended;
    problem = await tryRedis(url);
    if (problem === null) return null;
  }
  return `and redis-server does not answer after ${REDIS_START_TIMEOUT_MS} ms (${problem})`;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '' && value !== 'false';
}

/** A refused connection to several addresses is an AggregateError without a message. */
function sayError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(sayError).join(', ');
  return error instanceof Error ? error.message : String(error);
}
