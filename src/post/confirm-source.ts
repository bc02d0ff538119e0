/**
 * Names of balances, and the one that says that a ledger is still ours: the mirror's own balance has the id that is remembered.
 * Nothing is judged or sent before that was looked at.
 */
import type { BalanceNames } from '../core/ledger/balance-names.js';
import type { Lane } from '../core/posting/posting.js';
import type { ClaimedPosting } from './ports.js';

export interface SourcePorts {
  readonly balances: BalanceNames;
  /**
   * Compares the id of the mirror's own balance with the remembered one; null: the ledger shows none. Throws SyncError
   * `ledger_in_doubt` or `other_ledger` unless the ledger is the one that was posted to.
   */
  confirmSource(lane: Lane, balanceId: string | null): Promise<void>;
}

/**
 * Before a chunk is sent: a ledger that does not hold the source balance that is remembered must not get a single row. Asked
 * afresh each time, because a ledger may be wiped under a running worker.
 */
export async function confirmSourceAfresh(lane: Lane, { balances, confirmSource }: SourcePorts): Promise<void> {
  const { source, currency } = lane;
  await balances.refresh(currency, [source]);
  await confirmSource(lane, balances.resolver(currency)(source) ?? null);
}

/** With the id that names were resolved to. */
export async function confirmResolved(lane: Lane, { balances, confirmSource }: SourcePorts): Promise<void> {
  const sourceId = balances.resolver(lane.currency)(lane.source);
  if (sourceId !== undefined) await confirmSource(lane, sourceId);
}

export async function resolveNames(postings: readonly ClaimedPosting[], ports: SourcePorts): Promise<void> {
  const [first] = postings;
  if (first === undefined) return;
  await askNames(postings, ports);
  await confirmResolved(first.lane, ports);
}

/** All postings of a claim are of one lane, so of one currency. */
export async function askNames(
  postings: readonly ClaimedPosting[],
  { balances }: Pick<SourcePorts, 'balances'>,
): Promise<void> {
  const [first] = postings;
  if (first === undefined) return;
  await balances.resolve(first.currency, [
    first.lane.source,
    ...postings.flatMap((one) => [one.source, one.destination]),
  ]);
}
