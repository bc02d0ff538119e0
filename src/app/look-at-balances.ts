/** Composition: whether the Blnk key may read balances, asked of Blnk, noted in the mirror, told in the log. Decides nothing. */
import { noteBalancesRefused } from '../db/mirror/mirror-store.js';
import { lookAtBalancePermission } from '../worker/balance-permission.js';
import type { Context } from './context.js';

/** One look. */
export function lookAtBalances({ database, events, vendors }: Context): Promise<void> {
  return lookAtBalancePermission({
    mayRead: () => vendors.ledger.mayReadBalances(),
    note: (isRefused) => noteBalancesRefused(database.db, isRefused),
    onPermission(change) {
      const what = { server: 'blnk', permission: 'proxy:read' } as const;
      if (change === 'allowed') events.permissionFound(what);
      else events.permissionLost({ ...what, error: 'make a key with proxy:write, data:read and proxy:read' });
    },
  });
}
