/**
 * What another program does with our queue: adds jobs with BullMQ itself, looks at them, and loses them all.
 * Deliberately not made with src/queue: it has to find the queue by what is documented.
 */
import { join } from 'node:path';
import { createPostgresBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { until } from './wait.js';

export interface ForeignQueue {
  readonly queue: ProducersQueue;
  /** Adds a job and answers how it ended. */
  addAndWait(name: string, payload: unknown): Promise<{ readonly state: string; readonly reason: string | undefined }>;
  /** Removes everything that the queue holds: jobs, schedulers, locks. */
  lose(): Promise<void>;
  close(): Promise<void>;
}

/** What both of BullMQ's backends have. */
type ProducersQueue = Pick<
  Queue,
  'add' | 'close' | 'getJob' | 'getJobCounts' | 'getJobSchedulers' | 'getJobSchedulersCount'
>;

type Variables = Readonly<Record<string, string>>;

/** The queue of the sync job. The place must have been migrated. */
export function openForeignQueue(variables: Variables, embedded: EmbeddedAddress | null): ForeignQueue {
  const { DATABASE_URL: url, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = variables;
  const server = url === undefined ? embedded : { connectionString: url };
  const queue: ProducersQueue =
    redisUrl === undefined
      ? new Queue('stripe-blnk-sync', { connection: { ...server, schema: 'bullmq', max: 2 } }, createPostgresBackend)
      : new Queue('stripe-blnk-sync', { connection: { url: redisUrl }, prefix: prefix ?? 'bull' });
  return {
    queue,
    async addAndWait(name, payload) {
      const added = await queue.add(name, payload, { removeOnComplete: 100, removeOnFail: 100 });
      return until(`job ${name} ends`, async () => {
        const state = await added.getState();
        if (state !== 'completed' && state !== 'failed') return undefined;
        // Read after it has ended: the reason is written with the end.
        return { state, reason: (await queue.getJob(added.id ?? ''))?.failedReason };
      });
    },
    lose: () => (redisUrl === undefined ? truncate(url ?? embedded) : deleteKeys(redisUrl, prefix ?? 'bull')),
    close: () => queue.close(),
  };
}

export interface EmbeddedAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

const DEADLOCK_DETECTED = '40P01';

async function truncate(address: string | EmbeddedAddress | null): Promise<void> {
  if (address === null) throw new Error('no database was named');
  const quiet = { max: 1, onnotice: () => {} };
  const sql =
    typeof address === 'string'
      ? postgres(address, quiet)
      : postgres({ ...address, path: join(address.host, `.s.PGSQL.${address.port}`), ...quiet });
  try {
    const tables = await sql<{ name: string }[]>`
      select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
      where schemaname = 'bullmq' and tablename not like '%migration%'`;
    // A worker at work takes the same locks in another order. Whoever loses the queue waits for nothing and tries again,
    // so that it is never the worker who has to give way.
    await sql`set deadlock_timeout = '10ms'`;
    const truncated = async (): Promise<boolean> => {
      try {
        await sql.unsafe(`truncate ${tables.map(({ name }) => name).join(', ')} cascade`);
        return true;
      } catch (error) {
        if (error instanceof postgres.PostgresError && error.code === DEADLOCK_DETECTED) return false;
        throw error;
      }
    };
    await until('the queue is lost', truncated);
  } finally {
    await sql.end();
  }
}

async function deleteKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    const keys = await redis.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.unlink(...keys);
  } finally {
    redis.disconnect();
  }
}
