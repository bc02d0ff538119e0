/** The words of a repair: what is done about a finding, and what was seen in the ledger when that was planned. */

import { formatMoney } from '../base/money.js';
import type { LedgerRow } from '../ledger/row.js';
import type { FindingKind, FoundRow } from '../proof/certificate.js';

/**
 * `post`: the payment is not in the ledger; its posting becomes pending again, or is stored. `replace`: its reference is
 * unusable; it is posted as `<pi>:r<n>`. `correct`: the amount is wrong; the difference is posted as `<pi>:adj:<n>`.
 * `mark_posted`: it is parked or dismissed here, and equal in the ledger. `report`: nothing of ours to repair; a person decides.
 */
export type RepairAction = 'post' | 'replace' | 'correct' | 'mark_posted' | 'report';

/**
 * `planned` → `done`; `skipped`: somebody did it already; `refused`: the ledger or Stripe changed since the plan;
 * `reported`: never to be applied.
 */
export type ItemState = 'planned' | 'done' | 'skipped' | 'refused' | 'reported';

/** A ledger row of the payment as the plan saw it: what must still be so when the item is applied. */
export type SeenRow = Omit<FoundRow, 'effectiveDate'>;

export function toSeenRow(row: LedgerRow): SeenRow {
  const { reference, transactionId, status, currency, source, destination } = row;
  return { reference, transactionId, status, amount: row.amount?.toString() ?? null, currency, source, destination };
}

/** One thing of a plan: what is wrong with a payment on a day, and what is done about it. */
export interface RepairItem {
  /** From 1, in the order of applying. */
  readonly item: number;
  /** `2026-11-21`. */
  readonly day: string;
  /** The PaymentIntent; for what is about the whole day `day`. */
  readonly paymentId: string;
  readonly finding: FindingKind;
  readonly action: RepairAction;
  /** The posting that is made, or made pending again, or marked. */
  readonly reference: string | null;
  readonly currency: string | null;
  /** Minor units; below zero for a correction that takes back. */
  readonly amount: bigint | null;
  readonly seen: readonly SeenRow[];
  readonly state: ItemState;
  readonly detail: string;
}

export interface RepairPlan {
  readonly id: string;
  readonly fromDay: string;
  readonly toDay: string;
  readonly plannedBy: string;
  readonly plannedAt: Date;
  readonly appliedBy: string | null;
  readonly appliedAt: Date | null;
  readonly items: readonly RepairItem[];
}

/** What planning came to. */
export interface PlanOutcome {
  /** Stored; null when nothing can be done. */
  readonly plan: RepairPlan | null;
  /** What no plan can repair; stored with the plan when there is one. */
  readonly reported: readonly RepairItem[];
  /** What needs nothing, or not yet: repaired meanwhile, on the way, or not decided by Blnk. */
  readonly left: ReadonlyArray<{ readonly day: string; readonly paymentId: string; readonly detail: string }>;
  /** Days that were looked at. */
  readonly days: readonly string[];
  /** Findings that the proofs counted but did not keep: they show once these are repaired and the days proven again. */
  readonly findingsNotKept: number;
}

/** Who is kept as having dismissed what another posting stands for: the plan, and who applied it. */
export function dismisserOf(repairId: string, by: string): string {
  return `repair plan ${repairId}, applied by ${by}`;
}

/** By a plan, or by a rebuild that found what the plan had posted. Means the same to PostgreSQL. */
export const PLANS_DISMISSAL_PATTERN = '^(rebuild$|repair plan [0-9a-f-]{36}, applied by )';

/** Whether a plan dismissed it; a person did when not. */
export function isPlansDismissal(dismissedBy: string | null): boolean {
  return dismissedBy !== null && new RegExp(PLANS_DISMISSAL_PATTERN).test(dismissedBy);
}

/** The same rows, in any order, with nothing of them changed. */
export function sameRows(one: readonly SeenRow[], other: readonly SeenRow[]): boolean {
  return describeRows(one) === describeRows(other);
}

/** One line for each row, in the order of their references: what a refusal shows of both sides. */
export function describeRows(rows: readonly SeenRow[]): string {
  if (rows.length === 0) return 'no row';
  return rows
    .map((row) => {
      const amount =
        row.amount === null
          ? `unknown ${row.currency}`
          : formatMoney({ amount: BigInt(row.amount), currency: row.currency });
      return `${row.reference} ${row.transactionId} ${row.status} ${amount} from ${row.source} to ${row.destination}`;
    })
    .sort()
    .join('; ');
}
