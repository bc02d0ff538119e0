/**
 * The connections to Redis: how long each waits, when it is dropped, and what is said when it cannot be used. BullMQ sends
 * its commands over them and must never see one fail for a lost connection: it waits until the next one is there.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { SyncError } from '../core/base/errors.js';
import { isAskingToReconnect, redisFault } from './redis-faults.js';

/** A server that takes no connection for this long is tried again. */
const CONNECT_TIMEOUT_MS = 5_000;

/** TLS is agreed on in a few round trips: who says nothing for longer is asked in plain text meanwhile. */
const TLS_SILENCE_MS = 1_000;

/**
 * A connection on which an answer is due and none comes for this long is dropped: TCP alone would keep a half-open one for
 * a quarter of an hour. Blocking reads wait 10 s at most (BullMQ's `maximumBlockTimeout`), so theirs is longer.
 */
const SILENCE_MAX_MS = 5_000;
const BLOCKING_SILENCE_MAX_MS = 13_000;

/** Before the first probe of a connection on which no answer is due. */
const KEEP_ALIVE_MS = 10_000;

/** So that a server that is back, or another one under the same name, is found within seconds. */
const RECONNECT_MAX_MS = 2_000;

export interface RedisConnection {
  /** What BullMQ's queues and workers are given; workers duplicate it for their blocking reads. */
  readonly client: Redis;
  /**
   * Connects, once. Throws SyncError: `fatal` when no waiting helps, else `queue_unreachable`, and it goes on trying unless it
   * fails fast.
   */
  ready(): Promise<void>;
  /** What the server or the network said last while there was no connection; null while there is one. */
  lastFault(): SyncError | null;
  /** Sends a command that writes and changes nothing. */
  assertWritable(): Promise<void>;
  /** What the server does when its memory is full, as `maxmemory-policy` names it; null where this user may not ask. */
  readEvictionPolicy(): Promise<string | null>;
  /** Reads the mark by which a queue is known, and sets it where there is none. */
  readMark(name: string): Promise<string>;
  close(): Promise<void>;
}

export interface RedisConnectionOptions {
  readonly url: string;
  readonly prefix: string;
  readonly failFast: boolean;
  readonly onError: (error: Error) => void;
}

/** Opens nothing yet. */
export function createRedisConnection(options: RedisConnectionOptions): RedisConnection {
  const { url, failFast } = options;
  const client = withoutEvictionPolicy(
    new QueueRedis(url, {
      // BullMQ's blocking reads must never be failed by a retry limit.
      maxRetriesPerRequest: failFast ? 1 : null,
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MAX_MS,
      keepAlive: KEEP_ALIVE_MS,
      lazyConnect: true,
      retryStrategy: (times) => (failFast && times > 1 ? null : Math.min(times * 500, RECONNECT_MAX_MS)),
      // 1: connect anew and fail the command, so that whoever waits for it hears why; what it asked for is asked for again.
      reconnectOnError: (error) => (isAskingToReconnect(error) ? 1 : false),
    }),
  );
  let last: Error | null = null;
  /** What no waiting helps with is not logged as if it were tried again; what it is, the end of the opening reports. */
  let isOpening = false;
  /** What a connection says that is taken away is no news either. */
  let isGivenUp = false;
  client.on('error', (error: Error) => {
    if (isGivenUp) return;
    last = error;
    if (!isOpening) options.onError(error);
  });
  client.on('ready', () => {
    // A database that does not exist is told by an error, after which Redis goes on with database 0.
    if (last === null || redisFault(last, url).kind !== 'fatal') last = null;
  });
  let opening: Promise<void> | null = null;
  const openAndTell = async (): Promise<void> => {
    isOpening = true;
    isGivenUp = false;
    try {
      await open(client, options, () => last);
    } catch (fault) {
      if (fault instanceof SyncError && fault.kind === 'fatal') {
        isGivenUp = true;
        if (fault.cause instanceof Error) last = fault.cause;
      } else if (last !== null) options.onError(last);
      throw fault;
    } finally {
      isOpening = false;
    }
  };
  return {
    client,
    ready() {
      opening ??= openAndTell().catch((fault: unknown) => {
        // Asked again by whoever comes next: it may be back then.
        opening = null;
        throw fault;
      });
      return opening;
    },
    lastFault: () => (last === null ? null : redisFault(last, url)),
    async assertWritable() {
      await client.unlink(`${options.prefix}:no-such-key`);
    },
    readEvictionPolicy: () => readEvictionPolicy(client),
    async readMark(name) {
      const key = `${options.prefix}:${name}`;
      await client.set(key, randomUUID(), 'NX');
      return (await client.get(key)) ?? '';
    },
    async close() {
      // QUIT would wait for a server that is away.
      if (client.status === 'ready') await client.quit();
      else client.disconnect();
    },
  };
}

const EVICTION_POLICY = /^maxmemory_policy:(\S+)/m;

/** Blocking reads are made on duplicates: there silence is no sign of a lost connection until the read should have ended. */
class QueueRedis extends Redis {
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return withoutEvictionPolicy(super.duplicate({ ...override, socketTimeout: BLOCKING_SILENCE_MAX_MS }));
  }
}

/**
 * BullMQ requests INFO on each of its connections and prints a bare line for each where keys may be dropped. That is told
 * once, as a fault of the queue, so the answer for BullMQ leaves it out.
 */
function withoutEvictionPolicy<Client extends Redis>(client: Client): Client {
  const ask = client.info.bind(client);
  const info = async (...sections: string[]) =>
    (await ask(...sections)).replace(EVICTION_POLICY, 'maxmemory_policy:noeviction');
  return Object.assign(client, { info });
}

async function readEvictionPolicy(client: Redis): Promise<string | null> {
  try {
    const text = await client.call('INFO', 'memory');
    return EVICTION_POLICY.exec(String(text))?.[1] ?? null;
  } catch (error) {
    // A user of few rights; what else is wrong with the server is told by the commands that need it.
    if (error instanceof Error && /NOPERM|unknown command/i.test(error.message)) return null;
    throw error;
  }
}

async function open(client: Redis, options: RedisConnectionOptions, lastError: () => Error | null): Promise<void> {
  const { url, prefix } = options;
  try {
    await connected(client, url);
    const error = lastError();
    if (error !== null) throw error;
    await refuseSplitKeys(client, prefix);
  } catch (error) {
    // `connect` itself reports only that the connection was closed; the reason came as an event.
    const told = redisFault(error, url);
    const fault = told.kind === 'fatal' ? told : redisFault(lastError() ?? error, url);
    if (fault.kind === 'fatal' || options.failFast) client.disconnect();
    throw fault;
  }
}

/** In a cluster the keys of one queue must share a slot, which braces in the prefix make; BullMQ's scripts fail otherwise. */
async function refuseSplitKeys(client: Redis, prefix: string): Promise<void> {
  const isCluster = /^cluster_enabled:1/m.test(await client.info('cluster'));
  if (isCluster && !/\{[^}]+\}/.test(prefix)) {
    throw new Error(`CROSSSLOT keys that begin with ${prefix}: lie in different slots`);
  }
  // Fails with MOVED where another node keeps them.
  if (isCluster) await client.exists(`${prefix}:`);
}

/** A server without TLS leaves a greeting in TLS unanswered: the connection would run into its time limit like one that is lost. */
async function connected(client: Redis, url: string): Promise<void> {
  const connecting = client.connect();
  if (!url.startsWith('rediss:')) return connecting;
  const isOver = new AbortController();
  const asking = sleep(TLS_SILENCE_MS, undefined, { signal: isOver.signal }).then(async () => {
    // As TLS itself says it, where it gets so far.
    if (await answersInPlain(url)) throw new Error('wrong version number: it answers in plain text');
    return connecting;
  });
  try {
    await Promise.race([connecting, asking]);
  } finally {
    isOver.abort();
    // Whichever comes second: the first has told it.
    void Promise.allSettled([connecting, asking]);
  }
}

async function answersInPlain(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({ host, port: Number(port) || 6379, timeout: CONNECT_TIMEOUT_MS });
  const isOver = new AbortController();
  socket.on('timeout', () => isOver.abort());
  try {
    await once(socket, 'connect', { signal: isOver.signal });
    socket.write('PING\r\n');
    const [answer] = await once(socket, 'data', { signal: isOver.signal });
    return /^[+-]/.test(String(answer));
  } catch {
    // Not reached, or no answer: then the fault that was met first is the one to tell.
    return false;
  } finally {
    socket.destroy();
  }
}
