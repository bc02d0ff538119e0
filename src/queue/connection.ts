/**
 * The two backends of BullMQ behind one shape: Redis, or tables in our own PostgreSQL database.
 */
import {
  createPostgresBackend,
  type JobsOptions,
  LATEST_SCHEMA_VERSION,
  type Processor,
  Queue,
  type QueueOptions,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import { readDatabaseAddress } from '../core/database-address.js';
import { SyncError } from '../core/errors.js';

export type QueueAddress =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | {
      readonly kind: 'socket';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
    };

/** What we use of BullMQ's classes, whichever backend is behind them. */
export interface BackedQueue {
  add(name: string, payload: object, options: JobsOptions): Promise<unknown>;
  getJobScheduler(id: string): Promise<{ readonly every?: number; readonly next?: number } | undefined>;
  upsertJobScheduler(
    id: string,
    repeat: { readonly every: number },
    template: {
      readonly name: string;
      readonly data: object;
      readonly opts: Omit<JobsOptions, 'jobId' | 'repeat' | 'delay'>;
    },
  ): Promise<unknown>;
  removeJobScheduler(id: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

export interface BackedWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: { readonly name: string } | undefined, error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueBackend {
  queue(name: string, options: Omit<QueueOptions, 'connection'>): BackedQueue;
  worker(name: string, processor: Processor, options: Omit<WorkerOptions, 'connection'>): BackedWorker;
  /** Of the backend's own tables, in the same database as ours, and the version that this code needs; null on Redis. */
  readonly schema: { readonly name: string; readonly version: number } | null;
  /** Creates or upgrades the backend's own tables; nothing to do on Redis. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

/** BullMQ's own name for its schema; kept apart from ours so that both can be read and dumped alone. */
const BULLMQ_SCHEMA = 'bullmq';

/**
 * Connections of each queue and of each worker, which takes one more for LISTEN: 16 in all for a worker process. Jobs only
 * wake, so their bookkeeping may wait for its turn; a default PostgreSQL has 100 connections for everybody.
 */
const QUEUE_CONNECTIONS = 1;
const WORKER_CONNECTIONS = 2;

export interface QueueBackendOptions {
  /** A CLI gives up at once, so that a person is told; a worker waits and connects again for ever. */
  readonly failFast: boolean;
  readonly onError: (error: Error) => void;
}

/** Opens nothing yet, except that Redis is tried once. Throws SyncError `queue_unreachable` naming what was tried. */
export async function openQueueBackend(address: QueueAddress, options: QueueBackendOptions): Promise<QueueBackend> {
  return address.kind === 'redis' ? openRedis(address, options) : openPostgres(address, options);
}

async function openRedis(
  { url, prefix }: Extract<QueueAddress, { kind: 'redis' }>,
  options: QueueBackendOptions,
): Promise<QueueBackend> {
  const redis = new Redis(url, {
    // BullMQ's blocking reads must never be failed by a retry limit.
    maxRetriesPerRequest: options.failFast ? 1 : null,
    connectTimeout: 10_000,
    lazyConnect: true,
    retryStrategy: (times) => (options.failFast && times > 1 ? null : Math.min(times * 500, 10_000)),
  });
  redis.on('error', options.onError);
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw new SyncError(
      `Redis does not answer at ${withoutPassword(url)}. Check that it runs and that REDIS_URL is right`,
      {
        kind: 'transient',
        code: 'queue_unreachable',
        cause: error,
      },
    );
  }
  return {
    queue: (name, queueOptions) => new Queue(name, { ...queueOptions, prefix, connection: redis }),
    worker: (name, processor, workerOptions) =>
      new Worker(name, processor, { ...workerOptions, prefix, connection: redis }),
    schema: null,
    migrate: async () => {},
    async close() {
      // QUIT would wait for a server that is away.
      if (redis.status === 'ready') await redis.quit();
      else redis.disconnect();
    },
  };
}

function openPostgres(address: Exclude<QueueAddress, { kind: 'redis' }>, options: QueueBackendOptions): QueueBackend {
  const server =
    address.kind === 'postgres'
      ? serverByUrl(address.url)
      : { host: address.host, port: address.port, user: address.user, database: address.database };
  const connection = (connectionsMax: number) => ({
    ...server,
    max: connectionsMax,
    schema: BULLMQ_SCHEMA,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    application_name: 'stripe-blnk-sync queue',
  });
  return {
    queue: (name, queueOptions) =>
      new Queue(name, { ...queueOptions, connection: connection(QUEUE_CONNECTIONS) }, createPostgresBackend),
    worker: (name, processor, workerOptions) =>
      new Worker(
        name,
        processor,
        {
          ...workerOptions,
          // One beside those of its jobs in hand is enough.
          connection: connection(Math.min(WORKER_CONNECTIONS, (workerOptions.concurrency ?? 1) + 1)),
        },
        createPostgresBackend,
      ),
    schema: { name: BULLMQ_SCHEMA, version: LATEST_SCHEMA_VERSION },
    async migrate() {
      const queue = new Queue('migration', { connection: { ...connection(1), migrate: true } }, createPostgresBackend);
      queue.on('error', options.onError);
      try {
        await queue.waitUntilReady();
      } finally {
        await queue.close();
      }
    },
    close: async () => {},
  };
}

function serverByUrl(given: string) {
  const { url, encryption } = readDatabaseAddress(given);
  return {
    connectionString: url,
    ssl: encryption === 'none' ? false : { rejectUnauthorized: encryption === 'checked' },
  };
}

function withoutPassword(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'REDIS_URL (not a URL)';
  }
}
