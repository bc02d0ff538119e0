/** The words of a repair: what is done about a finding, and what was seen in the ledger when that was planned. */
import type { LedgerRow } from './settlement.js';

/**
 * `post`: the payment is not in the ledger; its posting becomes pending again, or is stored. `replace`: its reference is
 * burnt; it is posted as `<pi>:r<n>`. `correct`: the amount is wrong; the difference is posted as `<pi>:adj:<n>`.
 * `mark_posted`: it is parked or dismissed here, and equal in the ledger. `report`: nothing of ours to mend; a person decides.
 */
export type RepairAction = 'post' | 'replace' | 'correct' | 'mark_posted' | 'report';

/**
 * `planned` → `done`; `skipped`: somebody did it already; `refused`: the ledger or Stripe changed since the plan;
 * `reported`: never to be applied.
 */
export type ItemState = 'planned' | 'done' | 'skipped' | 'refused' | 'reported';

/** A ledger row of the payment as the plan saw it: what must still be so when the item is applied. Amounts as text, for JSON. */
export interface SeenRow {
  readonly reference: string;
  readonly transactionId: string;
  readonly status: string;
  readonly amount: string | null;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
}

export function toSeenRow(row: LedgerRow): SeenRow {
  const { reference, transactionId, status, currency, source, destination } = row;
  return { reference, transactionId, status, amount: row.amount?.toString() ?? null, currency, source, destination };
}
