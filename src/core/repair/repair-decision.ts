/** What can be decided about a payment, and what doing it writes to our postings. */

import type { ParkingReason, PreparedTransaction, Settlement } from '../posting/posting.js';
import type { FindingKind } from '../proof/certificate.js';
import type { RepairAction } from './repair-plan.js';

export type RepairDecision =
  | RepairAct
  /** In the ledger as it should be, or a posting is on the way to it. */
  | { readonly kind: 'settled'; readonly detail: string }
  /** Not decided yet, by Blnk or by a worker; to be planned again later. */
  | { readonly kind: 'waits'; readonly detail: string }
  /** Not ours to repair: everything that a person needs. */
  | Report;

export interface Report {
  readonly kind: 'report';
  /** What it is by what was read now; null: as it was found. */
  readonly finding: FindingKind | null;
  /** Several lines: each from the second on is a transaction to be posted by hand. */
  readonly detail: string;
}

export interface RepairAct {
  readonly kind: 'act';
  readonly action: Exclude<RepairAction, 'report'>;
  readonly reference: string;
  readonly currency: string;
  /** Minor units; below zero for a correction that takes back. */
  readonly amount: bigint;
  readonly detail: string;
  /** Stored as pending, or made pending again where they are held as posted. */
  readonly stores: readonly PreparedTransaction[];
  /** The posting that the stored ones stand for: from now on dismissed. Null when it stays as it is. */
  readonly original: ReplacedPosting | null;
  readonly marks: Settlement | null;
}

export interface ReplacedPosting {
  readonly transaction: PreparedTransaction;
  readonly reason: ParkingReason;
  readonly why: string;
}
