/** A Blnk key that may not read balances is noted and told at each look, and that it may again once. */
import { expect, it } from 'vitest';
import { createBalancePermission } from '../src/worker/balance-permission.js';

it('is asked at the start and hourly, and told', async () => {
  let nowMs = 0;
  let answer: boolean | null = false;
  let refused = false;
  const told: string[] = [];
  let asked = 0;
  const look = createBalancePermission({
    clock: { monotonicMs: () => nowMs },
    async mayRead() {
      asked += 1;
      return answer;
    },
    async note(isRefused) {
      const isNew = refused !== isRefused;
      refused = isRefused;
      return isNew;
    },
    onPermission: (change) => told.push(change),
  });
  const answers: ReadonlyArray<boolean | null> = [false, null, false, true, true];
  for (answer of answers) {
    await look();
    await look();
    nowMs += 3_600_000;
  }
  expect([asked, told, refused]).toEqual([5, ['refused', 'refused', 'allowed'], false]);
});
