/**
 * A queue that does not deliver: paused, limited, stopped, or with single keys lost. The queue only wakes, so a new payment
 * is in the ledger within two intervals all the same, and `status` says what is wrong with the queue.
 */
import { createPostgresBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { inTier } from '../support/tier.js';

const EVERY_MS = 1_000;
/** For reading and posting, on a machine that is busy. */
const SPARE_MS = 3_000;
/** Of the stand-in for Stripe: its events are visible a little later than they happened. */
const CLOCK_STEP_MS = 5_000;
const TIMEOUT_MS = 90_000;

const QUEUES = ['stripe-blnk-sync', 'stripe-blnk-sync-post'];
/** PostgreSQL's backend does not keep the key of a job that is gone; a job that nobody delivered is told in either case. */
const LOST = /stripe-blnk-sync (?:lost jobs|did not deliver)/;
const onServers = homes().filter(({ name }) => name !== 'embedded');

describe.skipIf(onServers.length === 0).each(inTier({ quick: onServers.slice(-1), full: onServers }))(
  'a queue on $name that',
  (home) => {
    let session: Session;
    let worker: Child;
    let queues: readonly [Queue, Queue];
    let losses: Losses;

    beforeAll(async () => {
      session = await startSession(home);
      queues = [
        openQueue(session.variables, 'stripe-blnk-sync'),
        openQueue(session.variables, 'stripe-blnk-sync-post'),
      ];
      losses = await openLosses(session.variables);
      worker = session.workerHere({ variables: { SYNC_EVERY: `${EVERY_MS / 1_000}s` } });
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();
      await expectMirroredSoon('nothing is wrong');
    }, TIMEOUT_MS);
    afterAll(async () => {
      await Promise.all((queues ?? []).map((queue) => queue.close()));
      await losses?.close();
      await session?.close();
    }, TIMEOUT_MS);

    /** Set on the queue that wakes syncs, and on the one that wakes lanes. */
    const SETTINGS: ReadonlyArray<{ readonly what: string; readonly said: readonly RegExp[]; readonly set: Setting }> =
      [
        {
          what: 'is paused, and one that has a global concurrency of 0,',
          said: [/stripe-blnk-sync is paused/, /stripe-blnk-sync-post has a global concurrency of 0/],
          async set(sync, post) {
            await Promise.all([sync.pause(), post.setGlobalConcurrency(0)]);
            return () => Promise.all([sync.resume(), post.removeGlobalConcurrency()]);
          },
        },
        {
          what: 'has a global concurrency of 0, and one that is paused,',
          said: [/stripe-blnk-sync has a global concurrency of 0/, /stripe-blnk-sync-post is paused/],
          async set(sync, post) {
            await Promise.all([sync.setGlobalConcurrency(0), post.pause()]);
            return () => Promise.all([sync.removeGlobalConcurrency(), post.resume()]);
          },
        },
        {
          what: 'has a global rate limit, and one that is told to wait,',
          said: [
            /stripe-blnk-sync is rate-limited: 1 jobs in 600000 ms/,
            /stripe-blnk-sync-post is rate-limited: no job/,
          ],
          async set(sync, post) {
            await Promise.all([sync.setGlobalRateLimit(1, 600_000), post.rateLimit(600_000)]);
            return () =>
              Promise.all([sync.removeGlobalRateLimit(), sync.removeRateLimitKey(), post.removeRateLimitKey()]);
          },
        },
      ];
    it.each(SETTINGS)(
      '$what keeps no payment waiting, and status says so',
      async ({ said, set }) => {
        const undo = await set(queues[0], queues[1]);
        await expectMirroredSoon('it is set');
        const needs = await untilNeeds((lines) => said.every((pattern) => lines.some((line) => pattern.test(line))));
        expect(needs.join('\n')).toContain('begin by themselves');
        await undo();
        await untilNeeds((lines) => !lines.some((line) => said.some((pattern) => pattern.test(line))));
      },
      TIMEOUT_MS,
    );

    it(
      'loses any one of its keys keeps no payment waiting',
      async () => {
        for (const [what, lose] of losses.each()) {
          await lose();
          await expectMirroredSoon(`${what} is lost`);
        }
      },
      TIMEOUT_MS,
    );

    it(
      'lost a job of which the deduplication key stays is told, and wakes again',
      async () => {
        const [queue] = queues;
        await queue.pause();
        await queue.add('sync', {}, { deduplication: { id: 'sync', keepLastIfActive: true } });
        const lost = await queue.getDeduplicationJobId('sync');
        await losses.job('stripe-blnk-sync', lost ?? '');
        await queue.resume();
        await expectMirroredSoon('the job is lost');
        await untilNeeds((lines) => lines.some((line) => LOST.test(line)));
        await until('the key is gone', async () => (await queue.getDeduplicationJobId('sync')) !== lost);
        await expectMirroredSoon('it was told');
      },
      TIMEOUT_MS,
    );

    async function expectMirroredSoon(when: string): Promise<void> {
      session.stripe.clock.advance(CLOCK_STEP_MS);
      const id = session.stripe.createIntent({ kind: 'card_usd' });
      session.stripe.clock.advance(CLOCK_STEP_MS);
      const paidAtMs = performance.now();
      await until(`${id} is in the ledger when ${when}`, () => session.blnk.appliedByReference(id) !== undefined, {
        explain: () => worker.output().split('\n').slice(-25).join('\n'),
      });
      expect(performance.now() - paidAtMs, `within two intervals when ${when}`).toBeLessThan(2 * EVERY_MS + SPARE_MS);
    }

    async function untilNeeds(suits: (needs: readonly string[]) => boolean): Promise<readonly string[]> {
      let last: readonly string[] = [];
      return until(
        'status says what is wrong with the queue',
        async () => {
          const { output } = await session.run(['status', '--json'], { SYNC_EVERY: `${EVERY_MS / 1_000}s` });
          last = JSON.parse(output).needs.map(({ text }: { readonly text: string }) => text);
          return suits(last) ? last : undefined;
        },
        { explain: () => last.join('\n') },
      );
    }
  },
);

/** Answers how it is reversed. */
type Setting = (sync: Queue, post: Queue) => Promise<() => Promise<unknown>>;

type Variables = Readonly<Record<string, string>>;

function openQueue(variables: Variables, name: string): Queue {
  const { DATABASE_URL: url, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = variables;
  const queue =
    redisUrl === undefined
      ? new Queue(
          name,
          { connection: { connectionString: url, schema: 'bullmq', max: 1 } } as never,
          createPostgresBackend as never,
        )
      : new Queue(name, { connection: { url: redisUrl }, prefix: prefix ?? 'bull' });
  return queue as Queue;
}

interface Losses {
  /** What can be lost, and its loss: answers how much of it was there. */
  each(): ReadonlyArray<readonly [string, () => Promise<number>]>;
  job(queue: string, id: string): Promise<unknown>;
  close(): Promise<unknown>;
}

async function openLosses({
  DATABASE_URL: url,
  REDIS_URL: redisUrl,
  QUEUE_PREFIX: prefix,
}: Variables): Promise<Losses> {
  if (redisUrl !== undefined) {
    const redis = new Redis(redisUrl);
    const keys = ['meta', 'wait', 'active', 'delayed', 'marker', 'stalled', 'events', 'repeat'];
    const single = ['stripe-blnk-sync:de:sync', 'stripe-blnk-sync:repeat:stripe-blnk-sync'];
    const lists = keys.map((key) => QUEUES.map((queue) => `${queue}:${key}`));
    return {
      each: () =>
        [...lists, ...single.map((key) => [key])].map(
          (lost) => [lost.join(), () => redis.unlink(...lost.map((key) => `${prefix}:${key}`))] as const,
        ),
      job: (queue, id) => redis.unlink(`${prefix}:${queue}:${id}`),
      close: () => redis.quit(),
    };
  }
  const sql = postgres(url ?? '', { max: 1, onnotice: () => {} });
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'bullmq' and tablename not like '%migration%'`;
  return {
    each: () =>
      tables.map(({ name }) => [name, async () => (await sql`delete from ${sql(`bullmq.${name}`)}`).count] as const),
    job: (_queue, id) => sql`delete from bullmq.job where id = ${id}`,
    close: () => sql.end(),
  };
}
