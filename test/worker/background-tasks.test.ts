/** Tasks that a clock begins: each by itself, never twice at a time, with what the last turn came to. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Clock } from '../../src/core/base/clock.js';
import { type BackgroundTask, DONE, startTasks } from '../../src/worker/background-tasks.js';

const AT = new Date('2026-11-21T10:00:00Z');

/** Ticks when it is told to, and only for tasks of that interval. */
function handClock() {
  const ticking = new Map<() => void, number>();
  let nowMs = 0;
  const clock: Clock = {
    monotonicMs: () => nowMs,
    sleep: async () => {},
    every(ms, callback) {
      ticking.set(callback, ms);
      return () => void ticking.delete(callback);
    },
  };
  return {
    clock,
    pass(ms: number): void {
      nowMs += ms;
    },
    async tick(everyMs: number): Promise<void> {
      for (const [callback, ms] of ticking) if (ms === everyMs) callback();
      await turn();
    },
  };
}

function start(tasks: readonly BackgroundTask[]) {
  const { clock, ...hand } = handClock();
  const told: unknown[] = [];
  const onError = (name: string, error: unknown): void => void told.push([name, String(error)]);
  return { ...hand, told, running: startTasks({ clock, machineNow: () => AT, onError }, tasks) };
}

it('keeps when the last turn was, how long it took, and what it came to', async () => {
  const { running, tick, told, pass } = start([
    { name: 'counts', everyMs: 10, run: async () => ({ kind: 'done', counts: { lanes: 3 } }) },
    {
      ...{ name: 'slow', everyMs: 10 },
      async run() {
        pass(25);
        return DONE;
      },
    },
    { name: 'throws', everyMs: 10, run: () => Promise.reject(new Error('away')) },
    { name: 'fails', everyMs: 10, run: async () => ({ kind: 'failed', error: 'told already' }) },
    { name: 'never', everyMs: 99, run: async () => DONE },
  ]);
  expect([...running.lastTurns()]).toEqual([]);
  await tick(10);
  expect(Object.fromEntries(running.lastTurns())).toEqual({
    counts: { at: AT, tookMs: expect.any(Number), result: { kind: 'done', counts: { lanes: 3 } } },
    slow: { at: AT, tookMs: 25, result: { kind: 'done' } },
    throws: { at: AT, tookMs: 0, result: { kind: 'failed', error: 'away' } },
    fails: { at: AT, tookMs: 0, result: { kind: 'failed', error: 'told already' } },
  });
  expect(told).toEqual([['throws', 'Error: away']]);
});

it('begins no turn on top of itself, keeps no other from its turn, and waits for it when it ends', async () => {
  let begun = 0;
  let others = 0;
  let end = (): void => {};
  const { running, tick } = start([
    {
      ...{ name: 'hangs', everyMs: 10 },
      run() {
        begun += 1;
        return new Promise((resolve) => {
          end = () => resolve(DONE);
        });
      },
    },
    {
      ...{ name: 'other', everyMs: 10 },
      async run() {
        others += 1;
        return DONE;
      },
    },
  ]);
  await tick(10);
  await tick(10);
  expect([begun, others]).toEqual([1, 2]);
  let isStopped = false;
  const stopped = running.stop().then(() => {
    isStopped = true;
  });
  await tick(10);
  expect([isStopped, others]).toEqual([false, 2]);
  end();
  await stopped;
  expect(running.lastTurns().get('hangs')?.result).toEqual(DONE);
});
