/** Composition: whether the Blnk key may read balances, asked of Blnk, noted in the mirror, told in the log. Decides nothing. */
import { noteBalancesRefused } from '../db/mirror-store.js';
import type { Drizzle } from '../db/open.js';
import type { Events } from '../observability/events.js';
import { createBalancePermission } from '../worker/balance-permission.js';
import { systemClock } from './system-clock.js';
import type { Vendors } from './vendors.js';

/** @returns a look, for the start and for the timer */
export function watchBalances(parts: {
  readonly db: Drizzle;
  readonly events: Events;
  readonly ledger: Pick<Vendors['ledger'], 'mayReadBalances'>;
}): () => Promise<void> {
  const { db, events, ledger } = parts;
  return createBalancePermission({
    clock: systemClock,
    mayRead: () => ledger.mayReadBalances(),
    note: (isRefused) => noteBalancesRefused(db, isRefused),
    onPermission(change) {
      const what = { server: 'blnk', permission: 'proxy:read' } as const;
      if (change === 'allowed') events.permissionFound(what);
      else events.permissionLost({ ...what, error: 'make a key with proxy:write, data:read and proxy:read' });
    },
  });
}
