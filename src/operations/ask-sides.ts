/**
 * What pages and API ask of both sides themselves, as the operations that commands use do it. A process without keys asks nothing,
 * and says so.
 */
import type { Actor } from '../core/base/action.js';
import type { PlanOutcome } from '../core/repair/repair-plan.js';
import type { RepairApplied, RepairApplyAsked } from './apply-repair.js';
import type { ComparedPayment } from './compare-payment.js';
import type { RepairPlanAsked } from './plan-repair.js';
import type { Begun, EndedWork, WorkInHand } from './single-work.js';

export interface AskSides {
  /** Why this process can ask neither; null when it can. */
  readonly whyNot: string | null;
  /** One read of Stripe and a look-up in the ledger. */
  compare(reference: string): Promise<ComparedPayment>;
  planRepair(actor: Actor, asked: Omit<RepairPlanAsked, 'by'>): Promise<Begun<PlanOutcome>>;
  applyRepair(
    actor: Actor,
    asked: Required<Omit<RepairApplyAsked, 'by' | 'plan'>> & { readonly plan: string },
  ): Promise<Begun<RepairApplied>>;
  /** The plan that is being made or applied here. */
  current(): WorkInHand | null;
  /** The last one that was, since this process began. */
  last(): EndedWork | null;
}
