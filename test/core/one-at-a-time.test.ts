/** Work that many ask for: never two at a time, and never too few. */
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onAbort } from '../../src/core/base/on-abort.js';
import { oneAtATime } from '../../src/core/base/one-at-a-time.js';

it('runs once more for whoever calls while it runs, and never twice at a time', async () => {
  const running: Array<() => void> = [];
  const ask = oneAtATime(() => new Promise<void>((resolve) => running.push(resolve)));
  const asked = [ask(), ask(), ask()];
  expect(running.length).toBe(1);
  running[0]?.();
  await expect.poll(() => running.length).toBe(2);
  running[1]?.();
  await Promise.all(asked);
  expect(running.length).toBe(2);
});

it('throws an error to whoever called, and runs again for the next', async () => {
  let runs = 0;
  const ask = oneAtATime(async () => {
    runs += 1;
    if (runs === 1) throw new Error('away');
  });
  await expect(ask()).rejects.toThrow('away');
  await ask();
  expect(runs).toBe(2);
});

it('leaves nothing at a signal that lives on', () => {
  const life = new AbortController();
  let stopped = 0;
  const stop = (): void => {
    stopped += 1;
  };
  onAbort(life.signal, stop)();
  expect(getEventListeners(life.signal, 'abort')).toEqual([]);
  onAbort(life.signal, stop);
  life.abort();
  onAbort(life.signal, stop);
  expect(stopped).toBe(2);
});
