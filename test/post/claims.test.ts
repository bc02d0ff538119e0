/**
 * Claims: two workers on one lane send nothing twice, a worker that slept through its claim changes nothing afterwards and
 * sends nothing late, and a claim lives as long as its request is in flight.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/app/system-clock.js';
import type { Clock } from '../../src/core/base/clock.js';
import type { Outbox } from '../../src/post/ports.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';
import { countSent } from '../support/stages/ledger-kills.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

/** A process that the machine stops: its timers do not run, and its monotonic clock has jumped when it wakes up. */
function pausableClock(): Clock & { pause(ms: number): void } {
  let jumpedMs = 0;
  let asleep = false;
  return {
    monotonicMs: () => systemClock.monotonicMs() + jumpedMs,
    sleep: systemClock.sleep,
    every: (ms, callback) => systemClock.every(ms, () => asleep || callback()),
    pause(ms) {
      asleep = true;
      jumpedMs += ms;
    },
  };
}

/** How many rows the marks under the first claim changed; what the worker claims afterwards is rightly its own. */
function watchFirstClaim(changed: number[]): (outbox: Outbox) => Outbox {
  let first: string | null = null;
  const watch =
    <T>(mark: (token: string, marked: T) => Promise<number>) =>
    async (token: string, marked: T) => {
      first ??= token;
      const count = await mark(token, marked);
      if (token === first) changed.push(count);
      return count;
    };
  return (outbox) => ({
    ...outbox,
    settle: watch(outbox.settle),
    postpone: watch(outbox.postpone),
    park: watch(outbox.park),
  });
}

describe('two workers on one lane', () => {
  it('post 1,000 payments, each sent exactly once', async () => {
    await stage.store(makePayments(1_000));
    const sent = new Map<string, number>();
    const workers = await Promise.all(
      [1, 2].map(() => stage.drainer({ ownPool: true, wrapLedger: countSent(sent), leaseMs: 30_000 })),
    );
    await stage.drainAll(workers);
    expect(sent.size).toBe(1_000);
    expect([...sent.values()].filter((times) => times !== 1)).toEqual([]);
    expect(stage.sandbox.stats().rows).toBe(1_000);
    expect(await stage.states()).toEqual({ posted: 1_000 });
  });

  it('send again only what was in doubt', async () => {
    await stage.store(makePayments(600));
    const lost = stage.sandbox.faults.add({ effect: 'reset', route: 'posts', nth: 2 });
    const sent = new Map<string, number>();
    const workers = await Promise.all(
      [1, 2].map(() => stage.drainer({ ownPool: true, wrapLedger: countSent(sent), leaseMs: 30_000 })),
    );
    await stage.drainAll(workers);
    expect(lost.hits).toBe(1);
    const again = [...sent.values()].filter((times) => times > 1);
    expect(again.length).toBe(100);
    for (const { reference, attempts } of await stage.postings()) expect(attempts).toBe(sent.get(reference));
    expect(stage.sandbox.stats().rows).toBe(600);
  });
});

describe('a worker that was paused while its request was in flight', () => {
  it.each([2, 60])('marks nothing once another took its claim over (%i payments)', async (count) => {
    await stage.store(makePayments(count));
    const clock = pausableClock();
    const changed: number[] = [];
    const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts', phase: 'after', times: 1 });
    const paused = await stage.drainer({
      ownPool: true,
      clock,
      wrapOutbox: watchFirstClaim(changed),
      leaseMs: 400,
      chunksInFlight: 1,
    });
    const late = paused.drain(LANE, NEVER);
    await until(() => hang.hits === 1);
    clock.pause(10_000);
    const other = await stage.drainer({ ownPool: true });
    // The hanging post holds the locks of the source, as Core's does; what it applied can be seen.
    await stage.drainUntil(other, async () => ((await stage.states()).posted ?? 0) > 0);
    hang.release();
    await late;
    await stage.drainAll(other);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter((rows) => rows > 0)).toEqual([]);
    expect(await stage.states()).toEqual({ posted: count });
    expect(stage.sandbox.stats().rows).toBe(count);
  });

  it.each([2, 60])('sends nothing after half of its lease (%i payments)', async (count) => {
    await stage.store(makePayments(count));
    const clock = pausableClock();
    const wrapOutbox = (outbox: Outbox): Outbox => ({
      ...outbox,
      async claimNew(lane, options) {
        const claim = await outbox.claimNew(lane, options);
        if (claim.postings.length > 0) clock.pause(options.leaseMs / 2 + 1);
        return claim;
      },
    });
    const sent = new Map<string, number>();
    const paused = await stage.drainer({ clock, wrapOutbox, wrapLedger: countSent(sent), leaseMs: 60_000 });
    await paused.drain(LANE, NEVER);
    expect(sent.size).toBe(0);
    expect(await stage.states()).toEqual({ pending: count });

    await stage.makeAllDue();
    await stage.drainAll(await stage.drainer());
    expect(await stage.states()).toEqual({ posted: count });
  });

  it('sends nothing that was looked up too long ago', async () => {
    await stage.store(makePayments(60));
    await stage.sql`update stripe_blnk_sync.postings set attempts = 1, last_attempt_at = now() - interval '1 minute'`;
    const clock = pausableClock();
    const wrapOutbox = (outbox: Outbox): Outbox => ({
      ...outbox,
      async markAttempt(token, references, leaseMs) {
        const held = await outbox.markAttempt(token, references, leaseMs);
        clock.pause(leaseMs);
        return held;
      },
    });
    const sent = new Map<string, number>();
    const paused = await stage.drainer({ clock, wrapOutbox, wrapLedger: countSent(sent), leaseMs: 60_000 });
    await paused.drain(LANE, NEVER);
    expect(sent.size).toBe(0);
  });

  it('repeats nothing whose claim was taken over during the look-up', async () => {
    await stage.store(makePayments(60));
    await stage.sql`update stripe_blnk_sync.postings set attempts = 1, last_attempt_at = now() - interval '1 minute'`;
    const sent = new Map<string, number>();
    const taker = await stage.drainer({ ownPool: true });
    const wrapOutbox = (outbox: Outbox): Outbox => ({
      ...outbox,
      async markAttempt(token, references, leaseMs) {
        await stage.makeAllDue();
        await stage.drainAll(taker);
        return outbox.markAttempt(token, references, leaseMs);
      },
    });
    const paused = await stage.drainer({ wrapOutbox, wrapLedger: countSent(sent), leaseMs: 60_000, chunksInFlight: 1 });
    await paused.drain(LANE, NEVER);
    expect(sent.size).toBe(0);
    expect(await stage.states()).toEqual({ posted: 60 });
    expect(stage.sandbox.stats().rows).toBe(60);
  });
});

describe('a claim', () => {
  it('lives as long as its request is in flight, many leases long', async () => {
    await stage.store(makePayments(50));
    const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts', times: 1 });
    // One stream: two may share the payments between them.
    const slow = (await stage.drainer({ leaseMs: 3_000, chunksInFlight: 1 })).drain(LANE, NEVER);
    await until(() => hang.hits === 1);
    const [before] = await stage.postings();
    const other = await stage.drainer({ ownPool: true });
    const startedAt = performance.now();
    await until(async () => {
      await other.drain(LANE, NEVER);
      return performance.now() - startedAt > 7_000;
    });
    const touched = (await stage.postings()).filter((row) => row.claim !== before?.claim || row.attempts !== 1);
    expect(touched).toEqual([]);
    hang.release();
    await slow;
    expect(await stage.states()).toEqual({ posted: 50 });
    expect(stage.sandbox.requestCount('POST /transactions/bulk')).toBe(1);
  });

  it('ends when a renewal fails, which stops nothing', async () => {
    await stage.store(makePayments(50));
    stage.sandbox.faults.add({ effect: 'slow', delayMs: 400, route: 'posts', times: 1 });
    const wrapOutbox = (outbox: Outbox): Outbox => ({
      ...outbox,
      renew: async () => {
        throw new Error('the database is away');
      },
    });
    await stage.drainAll(await stage.drainer({ wrapOutbox, leaseMs: 150 }));
    expect(await stage.states()).toEqual({ posted: 50 });
    expect(stage.sandbox.stats().rows).toBe(50);
  });
});

describe('a worker that is told to stop', () => {
  it('takes no new chunk, and ends what is in flight', async () => {
    await stage.store(makePayments(500));
    const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts', times: 1 });
    const stopping = new AbortController();
    const drained = (await stage.drainer({ chunksInFlight: 1 })).drain(LANE, stopping.signal);
    await until(() => hang.hits === 1);
    stopping.abort();
    hang.release();
    await drained;
    expect(await stage.states()).toEqual({ pending: 400, posted: 100 });
    expect((await stage.postings()).filter(({ attempts }) => attempts > 0)).toHaveLength(100);
  });
});
