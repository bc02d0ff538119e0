/**
 * Looks at single balances by their ids: whether Blnk knows those in use that somebody doubts, and what the marks say of those that
 * several customers may own. Makes nothing.
 */
import { chunksOf } from '../core/base/chunks.js';
import type { AccountsAtBlnk, BalanceStore, NamedBalance, WantedBalance } from './balance-ports.js';

/** `balancesOf` takes no more. */
const LOOKED_UP_AT_ONCE = 100;

export interface LookingPorts {
  readonly store: Pick<BalanceStore, 'noteKnown' | 'seenOf' | 'noteSeen' | 'fillMap'>;
  readonly blnk: Pick<AccountsAtBlnk, 'balancesOf'>;
  nameOf(metadata: unknown): string | null;
  onMapped(balances: readonly NamedBalance[]): void;
}

/** Of balances in use that somebody doubts: whether Blnk knows them. */
export async function lookUpDoubted({ store, blnk }: LookingPorts, claimed: readonly WantedBalance[]): Promise<void> {
  for (const some of chunksOf(
    claimed.filter(({ balanceId }) => balanceId !== null),
    LOOKED_UP_AT_ONCE,
  )) {
    const known = await blnk.balancesOf(some.flatMap(({ balanceId }) => balanceId ?? []));
    const isKnown = ({ balanceId }: WantedBalance) => balanceId !== null && known.has(balanceId);
    await store.noteKnown(some.filter(isKnown), true);
    await store.noteKnown(
      some.filter((one) => !isKnown(one)),
      false,
    );
  }
}

/** Of those whose name several balances with money carry: whether their marks say something else by now. */
export async function lookAtMarks(ports: LookingPorts, several: readonly WantedBalance[]): Promise<void> {
  if (several.length === 0) return;
  const { store, blnk, nameOf } = ports;
  for (const some of chunksOf(await store.seenOf(several), LOOKED_UP_AT_ONCE)) {
    const balances = [...(await blnk.balancesOf(some)).values()];
    await store.noteSeen(balances.map(({ metadata, ...balance }) => ({ ...balance, name: nameOf(metadata) })));
  }
  // Whatever is seen now: a balance may have got back the name of a customer whom nobody asks about at this moment.
  ports.onMapped(await store.fillMap(null));
}
