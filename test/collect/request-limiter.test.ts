/** The limiter: one budget for all processes, never more than Stripe's rates allow, and a count of what was read. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { countReads, createRequestLimiter, type RequestLimiterOptions } from '../../src/db/workers/request-limiter.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';

/** What may be free at once after a pause: half a second's worth, and the request in hand. */
/** Timers of a loaded machine fire late, and then together; the limiter itself allows no burst. */
const slackOf = (perSecond: number) => Math.ceil(perSecond / 4) + 1;

describe('the request limiter', () => {
  let place: OwnDatabase;
  let second: Database;
  beforeAll(async () => {
    place = await openMigratedDatabase();
    second = await openDatabase(place.address, { connectionsMax: 4, applicationName: 'second process' });
  });
  afterAll(async () => {
    await second.close();
    await place.remove();
  });
  beforeEach(() => place.sql`truncate stripe_blnk_sync.rate_tokens, stripe_blnk_sync.stripe_reads`);

  const limiter = (options: Partial<RequestLimiterOptions> = {}, database: Database = place) =>
    createRequestLimiter(database.sql, {
      ...{ share: 1, livemode: true, endpointPerSecond: 25 },
      ...{ sleep: (ms: number) => sleepFor(ms), monotonicMs: () => performance.now() },
      ...options,
    });

  /** Waits that are noted and not waited, so that a test asks in no time. */
  const noting = (waits: number[]) => ({
    sleep: async (ms: number) => {
      waits.push(ms);
    },
  });

  it('spaces requests of one endpoint by 40 ms at the full share', async () => {
    const waits: number[] = [];
    const { acquire } = limiter(noting(waits));
    for (let n = 0; n < 60; n += 1) await acquire('events');
    // 60 requests take 2.4 s; what is not waited for is the time that the 60 statements took.
    const longest = Math.max(...waits);
    expect(longest).toBeLessThanOrEqual(59 * 40 + 1);
    expect(longest).toBeGreaterThan(200);
  });

  it('keeps a small share when many ask at the same time', async () => {
    const waits: number[] = [];
    const { acquire } = limiter({ share: 0.01, ...noting(waits) });
    for (let n = 0; n < 40; n += 1) await acquire('events');
    // One in 4 seconds; what is not waited for is the time that the 40 statements took.
    expect(Math.max(...waits)).toBeGreaterThan(38 * 4_000);
  });

  it('lets two processes together send no more than one might', { timeout: 30_000 }, async () => {
    const share = 0.8;
    const perSecond = 25 * share;
    const sentAt: number[] = [];
    const processes = [limiter({ share }), limiter({ share }, second)];
    const count = 70;
    await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        await processes[n % 2]?.acquire('events');
        sentAt.push(performance.now());
      }),
    );
    sentAt.sort((a, b) => a - b);
    for (const from of sentAt) {
      const within = sentAt.filter((at) => at >= from && at < from + 1_000).length;
      expect(within).toBeLessThanOrEqual(perSecond + slackOf(perSecond));
    }
    const tookMs = (sentAt.at(-1) ?? 0) - (sentAt[0] ?? 0);
    expect(tookMs).toBeGreaterThan(((count - slackOf(perSecond)) / perSecond) * 1_000 * 0.9);
  });

  it('gives each endpoint its own budget, within that of the account', async () => {
    const waits = { one: [] as number[], three: [] as number[] };
    const one = limiter(noting(waits.one));
    for (let n = 0; n < 45; n += 1) await one.acquire('events');
    await place.sql`truncate stripe_blnk_sync.rate_tokens`;
    const three = limiter(noting(waits.three));
    for (let n = 0; n < 45; n += 1) await three.acquire(['events', 'payment_intents', 'payment_intent'][n % 3] ?? '');
    expect(Math.max(0, ...waits.three)).toBeLessThan(Math.max(...waits.one) / 2);
  });

  it('has a quarter of the budget in a sandbox, whatever the endpoints', async () => {
    const waits: number[] = [];
    const { acquire } = limiter({ livemode: false, ...noting(waits) });
    for (let n = 0; n < 60; n += 1) await acquire(`endpoint_${n % 6}`);
    // 25 a second for the account: 60 requests are worth 2.4 s.
    expect(Math.max(...waits)).toBeGreaterThan(200);
  });

  it('saves up nothing in a pause', async () => {
    const waits: number[] = [];
    const { acquire } = limiter(noting(waits));
    await acquire('events');
    await place.sql`update stripe_blnk_sync.rate_tokens set next_free_at = now() - interval '1 hour'`;
    const begun = performance.now();
    for (let n = 0; n < 40; n += 1) await acquire('events');
    const tookMs = performance.now() - begun;
    // 40 requests are worth 1.6 s, the first of them nothing.
    expect(Math.max(...waits)).toBeGreaterThan(1_600 - 40 - tookMs - 5);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_600 - 40 + 1);
  });

  it('counts requests before they are sent, at most a quarter of a second of the budget too many', async () => {
    const { acquire } = limiter(noting([]));
    await Promise.all(Array.from({ length: 30 }, (_, n) => acquire(n % 2 === 0 ? 'events' : 'charges')));
    const { thirtyDays: counted } = await countReads(place.sql);
    expect(counted).toBeGreaterThanOrEqual(30);
    expect(counted).toBeLessThanOrEqual(30 + 2 * 6);
    await place.sql`insert into stripe_blnk_sync.stripe_reads values (now() - interval '31 days', 1000), (now() - interval '29 days', 5)`;
    expect(await countReads(place.sql)).toEqual({ thirtyDays: counted + 5, lastDay: counted });
  });

  it('counts one request as one while little is asked', async () => {
    let nowMs = 0;
    const { acquire } = limiter({ ...noting([]), monotonicMs: () => nowMs });
    for (let n = 0; n < 5; n += 1) {
      await acquire('events');
      nowMs += 5_000;
    }
    expect(await countReads(place.sql)).toEqual({ thirtyDays: 5, lastDay: 5 });
  });

  it('reads the database once for many requests', async () => {
    let statements = 0;
    const counted = new Proxy(place.sql, {
      apply(target, self, values) {
        statements += 1;
        return Reflect.apply(target, self, values);
      },
    });
    const { acquire } = limiter(noting([]), { ...place, sql: counted });
    await Promise.all(Array.from({ length: 60 }, () => acquire('events')));
    expect(statements).toBe(10);
  });

  it('allows what Stripe was asked to allow', async () => {
    const waits: number[] = [];
    const { acquire } = limiter({ endpointPerSecond: 500, ...noting(waits) });
    await Promise.all(Array.from({ length: 500 }, () => acquire('events')));
    // 500 requests are worth a second, at 25 a second twenty.
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
    expect(Math.max(...waits)).toBeGreaterThan(500);
  });

  it('goes on after a block could not be taken', async () => {
    let isAway = true;
    const sql = new Proxy(place.sql, {
      apply(target, self, values) {
        if (isAway) throw new Error('away');
        return Reflect.apply(target, self, values);
      },
    });
    const { acquire } = limiter(noting([]), { ...place, sql });
    const asked = await Promise.allSettled([acquire('events'), acquire('events')]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isAway = false;
    await acquire('events');
  });

  it('ends a wait when it is aborted', async () => {
    const { acquire } = limiter({
      share: 0.01,
      sleep: (ms, signal) => sleepFor(ms, undefined, signal ? { signal } : {}),
    });
    await acquire('events');
    const stopping = new AbortController();
    const waiting = acquire('events', stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
