/** What planning and applying repairs need beside both sides of a proof: the findings, our postings, and where plans are kept. */
import type { Certificate } from '../core/proof/certificate.js';
import type { RepairAct } from '../core/repair/repair-decision.js';
import type { OwnRow } from '../core/repair/repair-facts.js';
import type { RepairPlan } from '../core/repair/repair-plan.js';
import type { AcceptedSide, LedgerSide, StripeSide } from './ports.js';

/** UTC days, both included: `2026-11-21`. */
export interface DayRange {
  readonly fromDay: string;
  readonly toDay: string;
}

/** What repairing needs of a certificate; `findingsCount` is more than `findings` when some were not kept. */
export type DayCertificate = Pick<Certificate, 'day' | 'state' | 'findings' | 'findingsCount'>;

export interface ParkedPayment {
  readonly paymentId: string;
  readonly reference: string;
  readonly day: string;
  readonly dismissed: boolean;
}

export interface ItemToApply {
  readonly repairId: string;
  readonly item: number;
  readonly paymentId: string;
  readonly act: RepairAct;
  /** Our postings of the payment that the act was decided on: when they are others now, nothing is written. */
  readonly own: readonly OwnRow[];
  /** Who applies: kept with what is dismissed. */
  readonly by: string;
}

/** `handled`: somebody else ended this item. `changed`: our postings are not those that were decided on. */
export type ItemApplied = 'done' | 'handled' | 'changed';

export interface RepairStore {
  /** The newest of each day and currency; of the range's days when one is given. Oldest first. */
  newestCertificates(range: DayRange | null): Promise<DayCertificate[]>;
  /** Parked postings that no other posting stands for, dismissed ones included. */
  parkedPayments(range: DayRange | null): Promise<ParkedPayment[]>;
  /** Our postings by payment; payments without one are missing. */
  postingsOf(paymentIds: readonly string[]): Promise<Map<string, OwnRow[]>>;
  /** The database's time, by which acceptances are dated. */
  now(): Promise<Date>;
  savePlan(plan: Omit<RepairPlan, 'id' | 'appliedBy' | 'appliedAt'>): Promise<RepairPlan>;
  /**
   * @param prefix the beginning of a plan's id; null for the newest plan that was not applied to its end
   * Throws SyncError `repair_plan_unknown` or `repair_plan_ambiguous`, both fatal.
   */
  findPlan(prefix: string | null): Promise<RepairPlan>;
  /** Postings and the item's end in one database transaction. */
  applyItem(item: ItemToApply): Promise<ItemApplied>;
  /** Ends an item without doing it, unless it is ended. */
  endItem(item: {
    readonly repairId: string;
    readonly item: number;
    readonly state: 'skipped' | 'refused';
    readonly detail: string;
  }): Promise<void>;
  /** Notes that no item waits any more; answers the plan as it stands. */
  finishPlan(repairId: string, by: string): Promise<RepairPlan>;
}

export interface RepairPorts {
  readonly store: RepairStore;
  readonly accepted: AcceptedSide;
  readonly stripe: Pick<StripeSide, 'readIntent'>;
  readonly ledger: Pick<LedgerSide, 'findByReference' | 'findChildren' | 'listOfPayment' | 'findBalances'>;
}
