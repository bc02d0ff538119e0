/** Composition: whether the ledger that answers is the one that this mirror posted to. */
import { sourceBalances } from '../db/mirror-store.js';
import { otherLedger } from '../post/settle-doubt.js';
import type { Home } from './home.js';
import type { Vendors } from './vendors.js';

export interface LedgerInQuestion {
  readonly home: Home;
  readonly vendors: Pick<Vendors, 'ledgerSide'>;
  /** The mirror's source balance, by its name. */
  readonly source: string;
}

/**
 * A self-hosted Core has no instance id; the source balances that it was seen to hold tell it from another one. One that
 * holds a single one of them is the same ledger: a Core that was restored from a backup may lack those of later currencies.
 * With the Cloud, and before the first posting, none is remembered. One request. Throws SyncError `other_ledger`, or what
 * the look-up throws.
 */
export async function confirmSameLedger({ home, vendors, source }: LedgerInQuestion): Promise<void> {
  const remembered = Object.entries(await sourceBalances(home.database.db));
  const [first] = remembered;
  if (first === undefined) return;
  const found = await vendors.ledgerSide.balancesOf(source);
  if (remembered.some(([currency, balanceId]) => found.get(currency) === balanceId)) return;
  const [currency, balanceId] = remembered.find(([name]) => found.has(name)) ?? first;
  throw otherLedger(currency, { remembered: balanceId, found: found.get(currency) ?? 'not there' });
}
