/**
 * Looks at everything that the mirror's ledger holds: whether the balances in use come to what went out of the source, whether there are
 * others beside them, and whether their marks are as they were made. Writes nothing to Blnk.
 */
import type { CheckedCurrency } from '../core/accounts/account-facts.js';
import type { CheckStore } from './balance-ports.js';
import { type ReadPorts, readLedger } from './read-ledger.js';

/** Minor units by currency. */
export type Amounts = ReadonlyMap<string, bigint>;

export interface CheckPorts extends ReadPorts {
  readonly check: CheckStore;
  /** What went out of the mirror's own balances. */
  outOfSource(): Promise<Amounts>;
}

/** Throws SyncError when Blnk cannot be asked. */
export async function checkLedger(ports: CheckPorts, ledgerId: string): Promise<CheckedCurrency[]> {
  const begunAt = await ports.check.beginCheck();
  const before = await ports.outOfSource();
  await readLedger(ports, { ledgerId, since: null, of: null });
  const after = await ports.outOfSource();
  const sums = new Map((await ports.check.sumsSince(begunAt)).map((sum) => [sum.currency, sum]));
  const currencies = [...new Set([...sums.keys(), ...before.keys(), ...after.keys()])].sort();
  const checked = currencies.map(
    (currency): CheckedCurrency => ({
      currency,
      customers: String(sums.get(currency)?.used ?? 0n),
      before: String(before.get(currency) ?? 0n),
      after: String(after.get(currency) ?? 0n),
      surplus: String(sums.get(currency)?.surplus ?? 0n),
    }),
  );
  await ports.check.keepCheck(begunAt, checked);
  return checked;
}
