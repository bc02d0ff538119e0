/** Work in parallel: its order, and what becomes of it when a part fails. */
import { expect, it } from 'vitest';
import { mapInParallel } from '../../src/core/base/in-parallel.js';

it('is in the order that was given', async () => {
  const waits = [3, 1, 2];
  expect(await mapInParallel(waits, 2, async (ticks) => afterTicks(ticks, ticks * 10))).toEqual([30, 10, 20]);
});

it('tells its first failure at once, and begins nothing more', async () => {
  const begun: number[] = [];
  const never = new Promise<never>(() => {});
  const work = mapInParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 2) return never;
    await afterTicks(1, null);
    throw new Error(`item ${item}`);
  });
  await expect(work).rejects.toThrow('item 1');
  expect(begun).toEqual([1, 2]);
});

async function afterTicks<T>(ticks: number, value: T): Promise<T> {
  for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve));
  return value;
}
