/**
 * A Redis that stays and answers wrongly: it became a read-only replica, or nothing passes any more. The worker connects
 * anew, mirrors by itself meanwhile, and goes on through the queue afterwards. What no waiting helps with ends the start.
 */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { homes } from '../support/homes.js';
import { endRedisServers, startRedis } from '../support/own-redis.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { openTcpProxy } from '../support/tcp-proxy.js';
import { itInFull } from '../support/tier.js';

const EVERY_MS = 2_000;
const CLOCK_STEP_MS = 5_000;
const TIMEOUT_MS = 120_000;
/** A new master has to be found by then. */
const FAIL_OVER_MS = 60_000;

const home = homes().find(({ name }) => name === 'postgres+redis');

afterEach(endRedisServers);

describe.skipIf(home === undefined)('a worker on Redis', () => {
  it(
    'goes on when its master becomes a replica, and when nothing passes',
    async (context) => {
      if (home === undefined) return;
      const redis = await startRedis();
      if (redis === null) return context.skip(inject('mustRunAll'), 'needs redis-server');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const proxy = await openTcpProxy(redis.url);
      onTestFinished(() => proxy.close());
      const worker = session.quickWorker({ variables: { SYNC_EVERY: `${EVERY_MS / 1_000}s`, REDIS_URL: proxy.url } });
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();

      // The old connections stay open, as after a failover.
      const admin = new Redis(redis.url);
      onTestFinished(() => admin.disconnect());
      await admin.replicaof('127.0.0.1', '1');
      await expectMirrored(session, 'its master is a replica');
      await until('status tells it', async () => /queue does not answer: READONLY/.test(await needs(session)));
      await admin.replicaof('no', 'one');
      await worker.untilLogged('the queue delivers again', FAIL_OVER_MS);
      await expectMirrored(session, 'it is a master again');

      const faultsLogged = () =>
        worker.log().filter(({ msg }) => /^the queue is not as it should be/.test(String(msg))).length;
      const faultsBefore = faultsLogged();
      proxy.hold();
      await expectMirrored(session, 'nothing passes');
      await until('status tells it', async () => /queue does not answer/.test(await needs(session)));
      // `status` asks Redis itself and may know it before the worker does.
      await until('the worker knows it', () => faultsLogged() > faultsBefore, { explain: worker.output });
      proxy.letGo();
      await until(
        'the queue delivers again',
        () => worker.log().filter(({ msg }) => msg === 'the queue delivers again').length > 1,
        { timeoutMs: FAIL_OVER_MS, explain: worker.output },
      );
      await expectMirrored(session, 'everything passes again');
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'tells once that it may drop keys, and prints no line of the queue itself',
    async (context) => {
      if (home === undefined) return;
      const redis = await startRedis('--maxmemory-policy', 'allkeys-lru');
      if (redis === null) return context.skip(inject('mustRunAll'), 'needs redis-server');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const worker = session.quickWorker({ variables: { REDIS_URL: redis.url } });
      await worker.untilLogged(/^the queue is not as it should be/);
      await session.untilSettled();
      const status = await session.run(['status'], { REDIS_URL: redis.url });
      expect(
        status.output.match(/^! The queue is in a Redis that evicts keys.*: its maxmemory-policy is allkeys-lru\./gm),
      ).toHaveLength(1);
      expect([status.code, status.errors]).toEqual([1, '']);

      const admin = new Redis(redis.url);
      onTestFinished(() => admin.disconnect());
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      await worker.untilLogged('the queue delivers again');
      const fixed = await session.run(['status', '--json'], { REDIS_URL: redis.url });
      expect(JSON.parse(fixed.output).needs.map(({ code }: { readonly code: string }) => code)).toEqual([]);
      worker.kill('SIGTERM');
      expect(await worker.ended).toMatchObject({ code: 0, errors: expect.not.stringContaining('ction policy') });
      expect(worker.output()).not.toContain('Eviction policy');
    },
    TIMEOUT_MS,
  );

  it(
    'ends with 2 and says why when no waiting helps, and commands work without Redis',
    async (context) => {
      if (home === undefined) return;
      const [secret, cluster] = [
        await startRedis('--requirepass', 'right'),
        await startRedis('--cluster-enabled', 'yes'),
      ];
      if (secret === null || cluster === null) return context.skip(inject('mustRunAll'), 'needs redis-server');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const cases: ReadonlyArray<readonly [string, RegExp]> = [
        [secret.url, /queue_refused: .*wants a password.*NOAUTH/],
        [secret.url.replace('//', '//:wrong@'), /queue_refused: .*refuses the user or the password.*WRONGPASS/],
        [secret.url.replace('redis:', 'rediss:'), /queue_refused: .*answers without TLS/],
        [cluster.url, /queue_cluster: .*QUEUE_PREFIX='\{bull\}'/],
      ];
      for (const [url, said] of cases) {
        const { code, output, errors } = await session.run(['worker'], { REDIS_URL: url });
        expect([code, errors]).toEqual([2, expect.stringMatching(said)]);
        expect(errors).not.toContain('wrong@');
        expect(output).not.toContain('trying again');
      }
      const status = await session.run(['status'], { REDIS_URL: 'redis://127.0.0.1:1' });
      expect([status.code, status.errors]).toEqual([1, '']);
      expect(status.output).toMatch(
        /^! The queue does not answer: .*Redis does not answer at redis:\/\/127\.0\.0\.1:1\b/m,
      );
      for (const url of ['redis://127.0.0.1:1', 'redis://nowhere.invalid:6379']) {
        const sync = await session.run(['sync'], { REDIS_URL: url });
        expect([sync.code, sync.errors]).toEqual([2, expect.stringMatching(/queue_unreachable: .*REDIS_URL/)]);
      }
    },
    TIMEOUT_MS,
  );
});

async function expectMirrored(session: Session, when: string): Promise<void> {
  session.stripe.clock.advance(CLOCK_STEP_MS);
  const id = session.stripe.createIntent({ kind: 'card_usd' });
  session.stripe.clock.advance(CLOCK_STEP_MS);
  await until(`${id} is in the ledger when ${when}`, () => session.blnk.appliedByReference(id) !== undefined);
}

async function needs(session: Session): Promise<string> {
  const { output } = await session.run(['status', '--json'], { SYNC_EVERY: `${EVERY_MS / 1_000}s` });
  return JSON.parse(output)
    .needs.map(({ text }: { readonly text: string }) => text)
    .join('\n');
}
