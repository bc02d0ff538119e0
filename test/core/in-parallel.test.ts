/** Work in parallel that fails: nobody is told before all that is in hand has ended, and nothing new begins. */
import { expect, it } from 'vitest';
import { mapInParallel } from '../../src/core/base/in-parallel.js';

it('is in the order that was given', async () => {
  const waits = [3, 1, 2];
  expect(await mapInParallel(waits, 2, async (ticks) => afterTicks(ticks, ticks * 10))).toEqual([30, 10, 20]);
});

it('ends with its first failure, after what is in hand', async () => {
  const told: string[] = [];
  const work = mapInParallel([1, 2, 3, 4], 2, async (item) => {
    told.push(`begins ${item}`);
    await afterTicks(item === 1 ? 1 : 5, null);
    told.push(`ends ${item}`);
    throw new Error(`item ${item}`);
  });
  await expect(work).rejects.toThrow('item 1');
  expect(told).toEqual(['begins 1', 'begins 2', 'ends 1', 'ends 2']);
});

async function afterTicks<T>(ticks: number, value: T): Promise<T> {
  for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve));
  return value;
}
