/**
 * Servers that are not there when a worker starts, and servers that go away under a running one: it waits, says so once
 * in a while without flooding the log or spinning, and goes on by itself.
 */
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { inTier, itInFull } from '../support/tier.js';

const STORY_TIMEOUT_MS = 90_000;
const OUTAGE_MS = 4_000;
/** Lines that say that it happened and that it is over, besides one a second. */
const LINES_SPARE = 6;
/** Of one processor. A loop that tries without a pause takes all of it. */
const PROCESSOR_SHARE_MAX = 0.5;
/** Kernel ticks of /proc in a second, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const onServers = homes().filter(({ name }) => name !== 'embedded');
const noServers = 'needs a PostgreSQL server';
let proxies: TcpProxy[] = [];

afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  proxies = [];
});

describe('a worker', () => {
  it(
    'started before everything it needs says what it waits for, one after the other, and starts',
    async (context) => {
      const home = onServers.at(-1);
      if (home === undefined) return context.skip(noServers);
      const session = await startSession(home, { population: population(40) });
      onTestFinished(() => session.close());
      const closed = await closedProxies(session.variables);
      const worker = session.quickWorker({ variables: closed.variables });
      for (const [code, proxy] of closed.inOrder) {
        const waiting = await until(
          `the worker waits for ${code}`,
          () => worker.log().findLast((line) => line.code !== undefined && code.test(String(line.code))),
          { explain: () => worker.output() + worker.errors() },
        );
        expect(waiting).toMatchObject({ level: 40, msg: expect.stringMatching(/^cannot start yet; trying again in /) });
        await proxy.open();
      }
      // The queue only wakes: without it the worker does everything by itself.
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();
      await expectMirrored(session);
      await closed.queue?.open();
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    STORY_TIMEOUT_MS,
  );

  it.each(inTier({ quick: [], full: ['blnk', 'stripe'] as const }))(
    'that starts before %s is there calls that one away, and no other server',
    async (server) => {
      const home = homes()[0];
      if (home === undefined) throw new Error('there is no home');
      const session = await startSession(home, { population: population(2) });
      onTestFinished(() => session.close());
      const variable = server === 'blnk' ? 'BLNK_API_BASE' : 'STRIPE_API_BASE';
      const proxy = await closedProxy(session.variables[variable]);
      const worker = session.quickWorker({ variables: { [variable]: proxy.url } });
      const began = () => worker.log().filter(({ event }) => event === 'outage_began');
      await until('it is tried for as long as an outage of any server takes', () => triedForMs(worker) > OUTAGE_MS, {
        ...{ explain: worker.output, timeoutMs: 60_000 },
      });
      expect(
        began().map((line) => line.server),
        worker.output(),
      ).toEqual([server]);
      expect(worker.output()).not.toContain('The database answers');
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'outlives a database with its queue that goes away, without a flood and without a spin',
    async (context) => {
      const [home] = onServers;
      if (home === undefined) return context.skip(noServers);
      const session = await startSession(home, { population: population(40) });
      onTestFinished(() => session.close());
      const database = await proxyBefore(session.variables.DATABASE_URL);
      await outlives(session, { server: 'postgresql', proxy: database, variables: { DATABASE_URL: database.url } });
    },
    STORY_TIMEOUT_MS,
  );

  itInFull(
    'outlives a Redis that goes away in the same way',
    async (context) => {
      const home = onServers.find(({ name }) => name === 'postgres+redis');
      if (home === undefined) return context.skip('needs a Redis server');
      const session = await startSession(home, { population: population(40) });
      onTestFinished(() => session.close());
      const redis = await proxyBefore(session.variables.REDIS_URL);
      await outlives(session, { server: 'queue', proxy: redis, variables: { REDIS_URL: redis.url } });
    },
    STORY_TIMEOUT_MS,
  );
});

/** From the first start that failed to the last one. */
function triedForMs(worker: Child): number {
  const times = worker.log().flatMap((line) => (line.event === 'start_waits' ? [Number(line.time)] : []));
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

async function outlives(
  session: Session,
  { server, proxy, variables }: { server: string; proxy: TcpProxy; variables: Variables },
): Promise<void> {
  const worker = session.quickWorker({ variables: { ...variables, SYNC_EVERY: '1s' } });
  await worker.untilLogged(/^mirroring/);
  await session.untilSettled();

  const before = { lines: worker.log().length, processorMs: await processorMs(worker), atMs: performance.now() };
  await proxy.close();
  await until('the outage lasted', () => performance.now() - before.atMs > OUTAGE_MS);
  const tookMs = performance.now() - before.atMs;
  const lines = worker.log().slice(before.lines);
  expect(worker.isAlive()).toBe(true);
  expect(lines.length, worker.output()).toBeGreaterThan(0);
  expect(lines.length, worker.output()).toBeLessThan(tookMs / 1_000 + LINES_SPARE);
  const usedMs = (await processorMs(worker)) - before.processorMs;
  expect(usedMs / tookMs).toBeLessThan(PROCESSOR_SHARE_MAX);

  await proxy.open();
  session.stripe.clock.advance(5_000);
  const id = session.stripe.createIntent({ kind: 'card_usd' });
  session.stripe.clock.advance(5_000);
  await until('what came meanwhile is posted', () => session.blnk.appliedByReference(id) !== undefined, {
    timeoutMs: 40_000,
    explain: worker.output,
  });
  await session.untilSettled();
  await expectMirrored(session);

  const outages = () => worker.log().filter(({ event }) => String(event).startsWith('outage_'));
  await until('it is told that the server is back', () => outages().length > 1, { explain: worker.output });
  expect(outages().slice(0, 2)).toMatchObject([
    { event: 'outage_began', level: 40, server },
    { event: 'outage_ended', level: 30, server, forMs: expect.any(Number) },
  ]);

  // It also ends while the server is away: what is in the database can wait, the person cannot.
  await proxy.close();
  worker.kill('SIGTERM');
  const ended = await worker.ended;
  expect([0, 1]).toContain(ended.code);
  expect(ended.errors).toBe('');
}

interface ClosedProxies {
  readonly variables: Variables;
  /** By the code that the worker reports while it waits for them. */
  readonly inOrder: ReadonlyArray<readonly [RegExp, TcpProxy]>;
  /** Before a Redis, where there is one: nobody waits for it. */
  readonly queue: TcpProxy | null;
}

async function closedProxies(variables: Variables): Promise<ClosedProxies> {
  const asked: ReadonlyArray<readonly [string, RegExp]> = [
    ['DATABASE_URL', /^database_unreachable$/],
    ['STRIPE_API_BASE', /^stripe_/],
    ['BLNK_API_BASE', /^blnk_unavailable$/],
  ];
  const inOrder = await Promise.all(
    asked.map(async ([name, code]) => ({ name, code, proxy: await closedProxy(variables[name]) })),
  );
  const queue = variables.REDIS_URL === undefined ? null : await closedProxy(variables.REDIS_URL);
  const urls = inOrder.map(({ name, proxy }) => [name, proxy.url] as const);
  return {
    variables: Object.fromEntries(queue === null ? urls : [...urls, ['REDIS_URL', queue.url]]),
    queue,
    inOrder: inOrder.map(({ code, proxy }) => [code, proxy] as const),
  };
}

async function proxyBefore(url: string | undefined): Promise<TcpProxy> {
  if (url === undefined) throw new Error('this home has no such server');
  const proxy = await openTcpProxy(url);
  proxies.push(proxy);
  return proxy;
}

async function closedProxy(url: string | undefined): Promise<TcpProxy> {
  const proxy = await proxyBefore(url);
  await proxy.close();
  return proxy;
}

/** Processor time so far; where it cannot be read nothing was used. */
async function processorMs({ pid }: Child): Promise<number> {
  if (platform() !== 'linux') return 0;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // After the name in brackets, which may hold spaces: fields 14 and 15 of proc(5), user and system ticks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}
