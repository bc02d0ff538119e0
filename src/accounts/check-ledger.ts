/**
 * Looks at everything that the mirror's ledger holds: whether the balances in use come to what went out of the source, whether there are
 * others beside them, and whether their marks are as they were made. Writes nothing to Blnk.
 */
import type { CheckedCurrency } from '../core/accounts/account-facts.js';
import { judgeSum } from '../core/accounts/judge-sums.js';
import type { CheckStore } from './balance-ports.js';
import { type ReadPorts, readLedger } from './read-ledger.js';

/** Minor units by currency. */
export type Amounts = ReadonlyMap<string, bigint>;

export interface CheckPorts extends ReadPorts {
  readonly check: CheckStore;
  /** What went out of the mirror's own balances. */
  outOfSource(): Promise<Amounts>;
  /** What this mirror posted out of them, by its database. */
  postedHere(): Promise<Amounts>;
  /** Whether other mirrors post out of them as well. Costs Blnk a look at all that was. */
  isSourceShared(): Promise<boolean>;
}

/** Throws SyncError when Blnk cannot be asked. */
export async function checkLedger(ports: CheckPorts, ledgerId: string): Promise<CheckedCurrency[]> {
  const { check } = ports;
  const begunAt = await check.beginCheck();
  let checked = await checkAgainst(ports, ledgerId, { begunAt, amounts: ports.outOfSource });
  if (checked.some((sum) => judgeSum(sum) === 'different') && (await ports.isSourceShared())) {
    const own = { begunAt: await check.beginCheck(), amounts: ports.postedHere };
    checked = (await checkAgainst(ports, ledgerId, own)).map((sum) => ({ ...sum, isSourceShared: true }));
  }
  await check.keepCheck(begunAt, checked);
  return checked;
}

async function checkAgainst(
  ports: CheckPorts,
  ledgerId: string,
  { begunAt, amounts }: { readonly begunAt: string; amounts(): Promise<Amounts> },
): Promise<CheckedCurrency[]> {
  const before = await amounts();
  await readLedger(ports, { ledgerId, since: null, of: null });
  const after = await amounts();
  const sums = new Map((await ports.check.sumsSince(begunAt)).map((sum) => [sum.currency, sum]));
  const currencies = [...new Set([...sums.keys(), ...before.keys(), ...after.keys()])].sort();
  return currencies.map(
    (currency): CheckedCurrency => ({
      currency,
      customers: String(sums.get(currency)?.used ?? 0n),
      before: String(before.get(currency) ?? 0n),
      after: String(after.get(currency) ?? 0n),
      surplus: String(sums.get(currency)?.surplus ?? 0n),
    }),
  );
}
