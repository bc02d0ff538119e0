/** A Blnk key that may not read balances is noted and told at each look, and that it may again once. */
import { expect, it } from 'vitest';
import { lookAtBalancePermission } from '../../src/worker/balance-permission.js';

it('is noted and told', async () => {
  let refused = false;
  const told: string[] = [];
  for (const answer of [false, null, false, true, true]) {
    await lookAtBalancePermission({
      mayRead: async () => answer,
      async note(isRefused) {
        const isNew = refused !== isRefused;
        refused = isRefused;
        return isNew;
      },
      onPermission: (change) => told.push(change),
    });
  }
  expect([told, refused]).toEqual([['refused', 'refused', 'allowed'], false]);
});
