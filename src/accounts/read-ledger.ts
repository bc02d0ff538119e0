/**
 * Reads which balances the mirror's ledger holds, by the marks on them, into what was seen of it. Blnk keeps no index of marks, so one
 * balance is not asked for by its mark: what was made lately is listed by its time, and everything once an hour from where it was read to.
 */
import type { AccountsAtBlnk, BalanceStore, NamedBalance, SeenBalance } from './balance-ports.js';

export interface ReadPorts {
  readonly store: Pick<BalanceStore, 'noteSeen' | 'fillMap'>;
  readonly blnk: Pick<AccountsAtBlnk, 'listBalances'>;
  /** The name that metadata marks a balance for; null: none of this mirror's. */
  nameOf(metadata: unknown): string | null;
}

export interface LedgerReading {
  readonly ledgerId: string;
  /** Blnk's time to begin with; null: with the first balance. */
  readonly since: string | null;
  /** What is to come into the map; null: everything that is seen. */
  readonly of: readonly NamedBalance[] | null;
}

export interface ReadLedger {
  /** Blnk's time of the newest balance; null: there is none. */
  readonly newest: string | null;
  /** What came into the map. */
  readonly mapped: readonly NamedBalance[];
}

/** Throws SyncError when Blnk cannot be asked; what was seen until then is kept. */
export async function readLedger(
  { store, blnk, nameOf }: ReadPorts,
  { ledgerId, since, of }: LedgerReading,
  onPage: (balances: readonly SeenBalance[]) => void = () => {},
): Promise<ReadLedger> {
  let newest: string | null = null;
  for await (const page of blnk.listBalances(ledgerId, since)) {
    const seen = page.map(({ metadata, ...balance }): SeenBalance => ({ ...balance, name: nameOf(metadata) }));
    await store.noteSeen(seen);
    onPage(seen);
    for (const { createdAt } of seen) if (newest === null || isLater(createdAt, newest)) newest = createdAt;
  }
  return { newest, mapped: await store.fillMap(of) };
}

/** Of two times as Blnk shows them. Below a millisecond they are not told apart here. */
function isLater(one: string, other: string): boolean {
  return Date.parse(one) > Date.parse(other);
}

/** A time as Blnk takes it in questions, some milliseconds earlier. */
export function earlierBy(time: string, ms: number): string {
  return new Date(Date.parse(time) - ms).toISOString();
}
