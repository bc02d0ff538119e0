/** Plans what is to be done about what proofs found. Asks both sides itself and stores nothing but the plan. */

import { orRefuse } from '../core/base/refusal.js';
import type { PlanOutcome } from '../core/repair/repair-plan.js';
import type { RepairListener } from '../core/repair/repair-progress.js';
import { planRepair as plan } from '../prove/plan-repair.js';
import type { DayRange, RepairPorts } from '../prove/repair-ports.js';
import { confirmSides, type Session } from './session.js';

export interface RepairSession extends Session {
  readonly repair: RepairPorts;
}

export interface RepairPlanAsked {
  /** `2026-11-21`, both included; null: not limited on this side. */
  readonly fromDay: string | null;
  readonly toDay: string | null;
  /** Who plans. */
  readonly by: string;
}

/** Before Stripe, and after anybody who repairs. */
const FIRST_DAY = '2000-01-01';
const LAST_DAY = '9999-12-31';

/** Throws a Refusal, or what a side could not be read for. */
export async function planRepair(
  session: RepairSession,
  { fromDay, toDay, by }: RepairPlanAsked,
  listener: RepairListener,
): Promise<PlanOutcome> {
  const mirror = await orRefuse(() => confirmSides(session));
  const range: DayRange | null =
    fromDay === null && toDay === null ? null : { fromDay: fromDay ?? FIRST_DAY, toDay: toDay ?? LAST_DAY };
  return plan(session.repair, { range, mirror, by }, listener);
}
