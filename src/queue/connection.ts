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
import type { SyncError } from '../core/base/errors.js';
import type { QueueFault } from '../core/queue/queue-fault.js';
import type { QueueIdentity } from '../core/queue/queue-identity.js';
import type { DatabaseAddress } from '../core/settings/database-address.js';
import { BULLMQ_SCHEMA, openQueuePool } from './postgres-pool.js';
import { createRedisConnection } from './redis.js';
import { redisName } from './redis-faults.js';

export type QueueAddress =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }
  /** Tables in that database. */
  | DatabaseAddress;

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
  isPaused(): Promise<boolean>;
  getGlobalConcurrency(): Promise<number | null>;
  getGlobalRateLimit(): Promise<{ readonly max: number; readonly duration: number } | null>;
  /** Milliseconds for which no further job is delivered; not positive when there is no such time. */
  getRateLimitTtl(): Promise<number>;
  /** The job that a request with this deduplication id is taken to be; null when there is none. */
  getDeduplicationJobId(deduplicationId: string): Promise<string | null>;
  removeDeduplicationKey(deduplicationId: string): Promise<unknown>;
  getJob(id: string): Promise<object | undefined>;
  getJobState(id: string): Promise<string>;
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
  /** Proves that it answers. Throws SyncError: `fatal` when no waiting helps, else `queue_unreachable`. */
  ready(): Promise<void>;
  /** Of a command, so that a person is told at once why there is no connection; a worker waits for the next one. */
  beforeCall(): Promise<void>;
  /** Fails with the server's words where it answers questions and takes nothing, as a replica does. */
  assertWritable(): Promise<void>;
  /** What is wrong with the server that keeps the queues, though it answers. */
  examineServer(): Promise<QueueFault[]>;
  /** Which queue it is, equal for all who use it. */
  identify(): Promise<QueueIdentity>;
  /** Why there is no connection, where that is known. */
  lastFault(): SyncError | null;
  /** Creates or upgrades the backend's own tables; nothing to do on Redis. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueBackendOptions {
  /** A CLI gives up at once, so that a person is told; a worker waits and connects again for ever. */
  readonly failFast: boolean;
  /** After the names of all queues, to keep mirrors in one database apart. */
  readonly suffix?: string;
  readonly onError: (error: Error) => void;
  /** In PostgreSQL, beside the one that listens for all queues; 3 when left out. */
  readonly connectionsMax?: number;
}

/** Opens nothing yet. */
export function openQueueBackend(address: QueueAddress, options: QueueBackendOptions): QueueBackend {
  return address.kind === 'redis' ? openRedis(address, options) : openPostgres(address, options);
}

function openRedis(
  { url, prefix }: Extract<QueueAddress, { kind: 'redis' }>,
  options: QueueBackendOptions,
): QueueBackend {
  const redis = createRedisConnection({ url, prefix, ...options });
  const connection = redis.client;
  return {
    queue: (name, queueOptions) => new Queue(`${name}${options.suffix ?? ''}`, { ...queueOptions, prefix, connection }),
    worker: (name, processor, workerOptions) =>
      new Worker(`${name}${options.suffix ?? ''}`, processor, { ...workerOptions, prefix, connection }),
    schema: null,
    ready: redis.ready,
    beforeCall: options.failFast ? redis.ready : async () => {},
    lastFault: redis.lastFault,
    identify: async () => ({
      id: await redis.readMark(`${MARK}${options.suffix ?? ''}`),
      place: `${redisName(url)} with QUEUE_PREFIX=${prefix}`,
    }),
    assertWritable: redis.assertWritable,
    async examineServer() {
      const policy = await redis.readEvictionPolicy();
      if (policy === null || policy === 'noeviction') return [];
      return [{ kind: 'evicts', queue: null, detail: `its maxmemory-policy is ${policy}` }];
    },
    migrate: async () => {},
    close: redis.close,
  };
}

/** The key of a queue's mark, after its prefix. */
const MARK = 'stripe-blnk-sync:queue';

const CONNECTIONS_MAX = 3;

/** Of the tables that BullMQ has in PostgreSQL, and the version of them that this code needs. */
export function queueSchemaInDatabase(): NonNullable<QueueBackend['schema']> {
  return { name: BULLMQ_SCHEMA, version: LATEST_SCHEMA_VERSION };
}

function openPostgres(address: DatabaseAddress, options: QueueBackendOptions): QueueBackend {
  const { pool, migrate, close } = openQueuePool(address, options.connectionsMax ?? CONNECTIONS_MAX);
  return {
    queue: (name, queueOptions) =>
      new Queue(`${name}${options.suffix ?? ''}`, { ...queueOptions, connection: pool }, createPostgresBackend),
    worker: (name, processor, workerOptions) =>
      new Worker(
        `${name}${options.suffix ?? ''}`,
        processor,
        { ...workerOptions, connection: pool },
        createPostgresBackend,
      ),
    schema: queueSchemaInDatabase(),
    ready: async () => {},
    beforeCall: async () => {},
    // The tables lie in our own database: when it takes nothing there is nothing to wake for.
    assertWritable: async () => {},
    examineServer: async () => [],
    identify: async () => ({ id: `postgres${options.suffix ?? ''}`, place: 'the one in PostgreSQL (no REDIS_URL)' }),
    lastFault: () => null,
    migrate,
    close,
  };
}
