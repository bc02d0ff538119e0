/**
 * What a Redis is, and what it does with a queue's keys: asked once, over a connection of its own. Writes nothing, sets
 * nothing. Where this user may not ask, the answer is null.
 */
import type { Redis } from 'ioredis';
import { SyncError } from '../core/base/errors.js';
import { createRedisConnection } from './redis.js';
import { redisFault, redisName } from './redis-faults.js';

export interface RedisReport {
  /** For people: without credentials. */
  readonly at: string;
  readonly product: string;
  readonly version: string | null;
  readonly policy: string | null;
  /** Whether what it holds lives through its restart. */
  readonly isKept: boolean | null;
}

export interface ExamineRedisOptions {
  readonly url: string;
  readonly prefix: string;
  /** Aborted: the connection is dropped. */
  readonly signal: AbortSignal;
}

/** Throws SyncError where it cannot be used, takes no writes, or does not answer. */
export async function examineRedis({ url, prefix, signal }: ExamineRedisOptions): Promise<RedisReport> {
  const redis = createRedisConnection({ url, prefix, failFast: true, onError: () => undefined });
  const drop = (): void => redis.client.disconnect();
  signal.addEventListener('abort', drop, { once: true });
  try {
    await redis.ready();
    await redis.assertWritable().catch((error: unknown) => {
      throw takesNothing(error, url);
    });
    const [server, persistence, policy] = await Promise.all([
      readInfo(redis.client, 'server'),
      readInfo(redis.client, 'persistence'),
      redis.readEvictionPolicy(),
    ]);
    return {
      ...{ at: redisName(url), policy },
      ...productOf(server),
      isKept: persistence === null ? null : await readIsKept(redis.client, persistence),
    };
  } finally {
    signal.removeEventListener('abort', drop);
    drop();
  }
}

/** A replica answers every question; a worker would wait for the next master at the same address. */
function takesNothing(error: unknown, url: string): SyncError {
  if (!(error instanceof Error && /\bREADONLY\b/.test(error.message))) return redisFault(error, url);
  return new SyncError(
    `Redis at ${redisName(url)} answers, and takes nothing: it is a replica. Give REDIS_URL an address that always leads to the master`,
    { kind: 'transient', code: 'queue_unreachable', cause: error },
  );
}

/** Those that speak Redis' protocol name the version that they are compatible with as well as their own. */
const PRODUCTS: ReadonlyArray<readonly [product: string, version: RegExp]> = [
  ['Valkey', /^valkey_version:(\S+)/m],
  ['Dragonfly', /^dragonfly_version:\S*?(\d\S*)/m],
  ['Redis', /^redis_version:(\S+)/m],
];

function productOf(info: string | null): Pick<RedisReport, 'product' | 'version'> {
  if (info === null) return { product: 'Redis', version: null };
  const [product] = PRODUCTS.find(([, version]) => version.test(info)) ?? ['Redis'];
  return { product, version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? null };
}

/** By the append-only file, or by snapshots; hosted servers hide their settings. */
async function readIsKept(client: Redis, persistence: string): Promise<boolean | null> {
  if (/^aof_enabled:1/m.test(persistence)) return true;
  const answer = await unlessRefused(() => client.call('CONFIG', 'GET', 'save'));
  if (!Array.isArray(answer)) return null;
  return String(answer[1] ?? '') !== '';
}

async function readInfo(client: Redis, section: string): Promise<string | null> {
  const text = await unlessRefused(() => client.call('INFO', section));
  return text === null ? null : String(text);
}

async function unlessRefused(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && /NOPERM|unknown command/i.test(error.message)) return null;
    throw error;
  }
}
