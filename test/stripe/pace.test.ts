/** The pace under refusals, in simulated time: how many are refused, and how much of what is allowed is used. */
import { describe, expect, it } from 'vitest';
import { createPace, type Limited, limitedBy, type Pace } from '../../src/stripe/pace.js';

const RATE: Limited = { what: 'rate', where: 'endpoint' };
const ANSWER_MS = 100;

/** Time that passes only while everybody waits. */
function createTime() {
  const waiting: Array<{ readonly atMs: number; readonly go: () => void }> = [];
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    sleep: (ms: number) => new Promise<void>((go) => void waiting.push({ atMs: nowMs + ms, go })),
    async runUntil(endMs: number): Promise<void> {
      for (;;) {
        // All that follows from what was let go has to be waiting again.
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
        waiting.sort((a, b) => a.atMs - b.atMs);
        const next = waiting[0];
        if (next === undefined || next.atMs > endMs) return;
        waiting.shift();
        nowMs = next.atMs;
        next.go();
      }
    },
  };
}

interface Sender {
  readonly pace: Pace;
  readonly time: ReturnType<typeof createTime>;
  /** Null: accepted. */
  answer(): Limited | null;
}

/** One reader: sends, waits for the answer, and backs off where it was refused. */
async function read({ pace, time, answer }: Sender, place: () => Promise<void>): Promise<void> {
  for (let repeats = 0; ; ) {
    const leave = await pace.enter({ endpoint: 'payment_intents', isRepeat: repeats > 0, signal: undefined });
    await place();
    const limited = answer();
    await time.sleep(ANSWER_MS);
    leave(limited);
    repeats = limited === null ? 0 : repeats + 1;
    if (limited !== null) await time.sleep(250 * 2 ** repeats);
  }
}

/** As the limiter spaces requests. */
function createLine(time: ReturnType<typeof createTime>, perSecond: number): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    const nowMs = time.monotonicMs();
    const waitMs = Math.max(0, nextMs - nowMs);
    nextMs = nowMs + waitMs + 1_000 / perSecond;
    if (waitMs > 0) await time.sleep(waitMs);
  };
}

describe('the pace of requests', () => {
  it('falls to a third with a limit that does, with few refusals, uses what is allowed, and comes back by itself', async () => {
    const time = createTime();
    const [from, to, end] = [60_000, 240_000, 300_000];
    const allowed = (nowMs: number) => (nowMs >= from && nowMs < to ? 25 / 3 : 26);
    const accepted: number[] = [];
    let refused = 0;
    let tokens = 25;
    let filledAtMs = 0;
    const answer = (): Limited | null => {
      const nowMs = time.monotonicMs();
      tokens = Math.min(allowed(nowMs), tokens + ((nowMs - filledAtMs) / 1_000) * allowed(nowMs));
      filledAtMs = nowMs;
      if (tokens < 1) {
        refused += 1;
        return RATE;
      }
      tokens -= 1;
      accepted.push(nowMs);
      return null;
    };
    const pace = createPace({ ...time, perSecond: 25 });
    const place = createLine(time, 25);
    for (let reader = 0; reader < 8; reader += 1) void read({ pace, time, answer }, place);
    await time.runUntil(end);
    const within = (a: number, b: number) =>
      accepted.filter((atMs) => atMs >= a && atMs < b).length / ((b - a) / 1_000);
    expect(within(0, from)).toBeGreaterThan(24);
    expect(within(from, to)).toBeGreaterThan(0.9 * (25 / 3));
    expect(within(to + 30_000, end)).toBeGreaterThan(0.95 * 25);
    expect(refused / (accepted.length + refused)).toBeLessThan(0.02);
  });

  it.each([
    ['a little', 4, 15],
    ['half', 12, 6],
    ['most', 20, 2],
  ])('that yields leaves room to others who use %s of what is allowed', async (_, rival, least) => {
    const time = createTime();
    const endMs = 1_800_000;
    const counts = { own: 0, rival: 0, rivalRefused: 0, ownRefused: 0 };
    let tokens = 25;
    let filledAtMs = 0;
    let noise = 1;
    const take = (): boolean => {
      const nowMs = time.monotonicMs();
      tokens = Math.min(25, tokens + ((nowMs - filledAtMs) / 1_000) * 25);
      filledAtMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    };
    const answer = (): Limited | null => {
      const isTaken = take();
      counts[isTaken ? 'own' : 'ownRefused'] += 1;
      return isTaken ? null : RATE;
    };
    const ask = async (): Promise<void> => {
      for (;;) {
        counts[take() ? 'rival' : 'rivalRefused'] += 1;
        // Not in step with us: then one of the two would always find the bucket empty.
        noise = (noise * 48_271) % 2_147_483_647;
        await time.sleep((1_000 / rival) * (0.5 + noise / 2_147_483_647));
      }
    };
    const pace = createPace({ ...time, perSecond: 20, yields: true });
    const place = createLine(time, 20);
    for (let reader = 0; reader < 8; reader += 1) void read({ pace, time, answer }, place);
    void ask();
    await time.runUntil(endMs);
    expect(counts.rivalRefused / (counts.rival + counts.rivalRefused)).toBeLessThan(0.01);
    expect(counts.own / (endMs / 1_000)).toBeGreaterThan(least);
  });

  it('has fewer in flight where that is what is refused', async () => {
    const time = createTime();
    let inFlight = 0;
    const counts = { sent: 0, refused: 0, most: 0 };
    const pace = createPace({ ...time, perSecond: 1_000 });
    const send = async (): Promise<void> => {
      for (;;) {
        const leave = await pace.enter({ endpoint: 'charges', isRepeat: false, signal: undefined });
        counts.sent += 1;
        const isRefused = inFlight >= 4;
        if (isRefused) counts.refused += 1;
        else inFlight += 1;
        await time.sleep(isRefused ? 5 : ANSWER_MS);
        if (!isRefused) inFlight -= 1;
        leave(isRefused ? { what: 'concurrency', where: 'endpoint' } : null);
        if (isRefused) await time.sleep(500);
      }
    };
    for (let reader = 0; reader < 16; reader += 1) void send();
    await time.runUntil(120_000);
    // One place more is tried every two seconds.
    expect(counts.refused / counts.sent).toBeLessThan(0.03);
    expect(counts.sent - counts.refused).toBeGreaterThan(0.7 * 40 * 120);
  });

  it('slows every endpoint for a limit of the account, and the others not for one of an endpoint', async () => {
    for (const [where, othersWait] of [
      ['account', true],
      ['endpoint', false],
    ] as const) {
      const time = createTime();
      const pace = createPace({ ...time, perSecond: 25 });
      const refused = await pace.enter({ endpoint: 'charges', isRepeat: false, signal: undefined });
      refused({ what: 'rate', where });
      let isLetIn = 0;
      for (let n = 0; n < 3; n += 1)
        void pace.enter({ endpoint: 'events', isRepeat: false, signal: undefined }).then(() => (isLetIn += 1));
      await time.runUntil(100);
      expect(isLetIn).toBe(othersWait ? 0 : 3);
    }
  });

  it('reads the reasons of Stripe, and minds none that is about one object', () => {
    expect(limitedBy('global-rate')).toEqual({ what: 'rate', where: 'account' });
    expect(limitedBy('endpoint-rate')).toEqual({ what: 'rate', where: 'endpoint' });
    expect(limitedBy('global-concurrency')).toEqual({ what: 'concurrency', where: 'account' });
    expect(limitedBy('endpoint-concurrency')).toEqual({ what: 'concurrency', where: 'endpoint' });
    expect(limitedBy('resource-specific')).toBeNull();
    expect(limitedBy('something new')).toEqual(RATE);
  });
});
