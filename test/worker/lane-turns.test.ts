/** Lanes that a process drains by itself: once at a time each, never past what was asked for, and only where it is alone. */
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../src/core/posting/posting.js';
import { createLaneStarts, createLaneTurns } from '../../src/worker/lane-turns.js';
import { createLaneWakes } from '../../src/worker/lane-wakes.js';

const lane = (currency: string): Lane => ({ source: '@stripe', currency });
const EUR = lane('EUR');
const STILL = { monotonicMs: () => 0 };

/** Drains that end when they are told to, in the order in which they began. */
function createDrains() {
  const begun: string[] = [];
  const open: Array<() => void> = [];
  return {
    begun,
    drain: ({ currency }: Lane) => {
      begun.push(currency);
      return new Promise<void>((end) => open.push(end));
    },
    endOne: async () => {
      open.shift()?.();
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    },
  };
}

describe('the turns of lanes', () => {
  it('drain each lane once at a time, and once more for whoever asked meanwhile', async () => {
    const { begun, drain, endOne } = createDrains();
    const turns = createLaneTurns({ clock: STILL, atOnce: 4, drainOnce: drain });
    const first = turns.drain(EUR);
    await turns.drain(EUR);
    await turns.drain(EUR);
    expect(begun).toEqual(['EUR']);
    await endOne();
    expect(begun).toEqual(['EUR', 'EUR']);
    await endOne();
    await first;
    expect(turns.has(EUR)).toBe(false);
  });

  it('drain so many lanes together, the others in the order in which they came', async () => {
    const { begun, drain, endOne } = createDrains();
    const turns = createLaneTurns({ clock: STILL, atOnce: 2, drainOnce: drain });
    for (const currency of ['EUR', 'USD', 'JPY', 'CHF']) void turns.drain(lane(currency));
    await Promise.resolve();
    expect(begun).toEqual(['EUR', 'USD']);
    await endOne();
    expect(begun).toEqual(['EUR', 'USD', 'JPY']);
    await endOne();
    expect(begun).toEqual(['EUR', 'USD', 'JPY', 'CHF']);
  });

  it('end after a while when others wait, and not before: a lane with much to do takes its next turn after theirs', async () => {
    let nowMs = 0;
    const left = new Map([
      ['EUR', 10],
      ['USD', 1],
      ['JPY', 1],
    ]);
    const taken: string[] = [];
    const drainOnce = async ({ currency }: Lane, mayGoOn: () => boolean) => {
      for (let chunks = left.get(currency) ?? 0; chunks > 0 && mayGoOn(); chunks -= 1) {
        taken.push(currency);
        left.set(currency, chunks - 1);
        nowMs += 1_000;
        await Promise.resolve();
      }
      // As its alarm does.
      if ((left.get(currency) ?? 0) > 0) void turns.drain(lane(currency));
    };
    const turns = createLaneTurns({ clock: { monotonicMs: () => nowMs }, atOnce: 1, drainOnce });
    await Promise.all(['EUR', 'USD', 'JPY'].map((currency) => turns.drain(lane(currency))));
    expect(taken.join(' ')).toBe(`EUR EUR EUR USD JPY${' EUR'.repeat(7)}`);
  });

  it('forget a lane whose drain failed, so that the next request drains it', async () => {
    let tries = 0;
    const drainOnce = async () => {
      tries += 1;
      if (tries === 1) throw new Error('away');
    };
    const turns = createLaneTurns({ clock: STILL, atOnce: 1, drainOnce });
    await expect(turns.drain(EUR)).rejects.toThrow('away');
    await turns.drain(EUR);
    expect(tries).toBe(2);
  });
});

describe('a lane that has work', () => {
  const startsOf = (isAlone: () => boolean, isStopping: () => boolean = () => false) => {
    const { begun, drain, endOne } = createDrains();
    const asked: string[] = [];
    const turns = createLaneTurns({ clock: STILL, atOnce: 4, drainOnce: drain });
    const starts = createLaneStarts({
      ...{ turns, isAlone, isStopping },
      ask: async ({ currency }) => void asked.push(currency),
      onFailed: () => {},
    });
    return { asked, begun, endOne, starts };
  };

  it('is drained here by a worker that is alone, without the queue', async () => {
    const { asked, begun, endOne, starts } = startsOf(() => true);
    await starts.start(EUR);
    expect([asked, begun]).toEqual([[], ['EUR']]);
    const settled = starts.settled();
    await endOne();
    await settled;
  });

  it('is given to one of several workers by the queue, but for one that drains it already', async () => {
    let isAlone = true;
    const { asked, begun, starts } = startsOf(() => isAlone);
    await starts.start(EUR);
    isAlone = false;
    await starts.start(EUR);
    await starts.start(lane('USD'));
    expect([asked, begun]).toEqual([['USD'], ['EUR']]);
  });

  it('is not begun by a worker that stops', async () => {
    const { asked, begun, starts } = startsOf(
      () => true,
      () => true,
    );
    await starts.start(EUR);
    expect([asked, begun]).toEqual([[], []]);
  });

  it('is woken at once, and then once in a while however many pages are stored', async () => {
    const woken: string[] = [];
    const sleeps: Array<() => void> = [];
    const wakes = createLaneWakes({
      clock: { sleep: () => new Promise<void>((wake) => void sleeps.push(wake)) },
      wake: async ({ currency }) => void woken.push(currency),
      onFailed: () => {},
    });
    wakes.add([EUR]);
    expect(woken).toEqual(['EUR']);
    for (let page = 0; page < 5; page += 1) wakes.add([EUR, lane('USD')]);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(woken).toEqual(['EUR']);
    sleeps.shift()?.();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(woken).toEqual(['EUR', 'EUR', 'USD']);
  });
});
