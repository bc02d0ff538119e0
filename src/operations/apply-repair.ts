/** Carries out a repair plan, where nothing changed since. Stores what is owed; the workers post it. */

import { orRefuse } from '../core/base/refusal.js';
import type { Lane } from '../core/posting/posting.js';
import type { RepairPlan } from '../core/repair/repair-plan.js';
import type { RepairListener } from '../core/repair/repair-progress.js';
import { applyRepair as apply } from '../prove/apply-repair.js';
import type { JobQueue } from '../queue/job-queue.js';
import type { RepairSession } from './plan-repair.js';
import { confirmSides } from './session.js';
import { tellQueue } from './tell-queue.js';

export interface ApplyingSession extends RepairSession {
  /** The queue, for the length of the work; may throw when it is away. */
  withQueue<Result>(work: (queue: JobQueue) => Promise<Result>): Promise<Result>;
}

export interface RepairApplyAsked {
  /** The beginning of a plan's id; null: the newest that was not applied. */
  readonly plan: string | null;
  /** Who applies. */
  readonly by: string;
}

export interface RepairApplied {
  readonly plan: RepairPlan;
  /** Whether postings are due now. */
  readonly owes: boolean;
  /** Why the queue could not be told; null when it was, or there was nothing to tell. Workers find what is due all the same. */
  readonly queueFault: unknown;
}

/** Throws a Refusal, or what a side could not be read for: what was done until then is done, and applying again goes on. */
export async function applyRepair(
  session: ApplyingSession,
  { plan, by }: RepairApplyAsked,
  listener: RepairListener,
): Promise<RepairApplied> {
  const rules = await orRefuse(() => confirmSides(session));
  const planned = await session.repair.store.findPlan(plan);
  const applied = await apply(session.repair, { plan: planned, rules, by }, listener);
  const isDone = applied.plan.items.some(({ state }) => state === 'done');
  const queueFault = isDone ? await wake(session, applied.lanes) : null;
  return { plan: applied.plan, owes: applied.lanes.length > 0, queueFault };
}

/** What is owed is posted, and the days that changed are proven again. */
function wake({ withQueue }: ApplyingSession, lanes: readonly Lane[]): Promise<unknown> {
  return tellQueue(() =>
    withQueue(async (queue) => {
      for (const lane of lanes) await queue.wakeLane(lane);
      // With something to be posted a day is not provable yet; workers ask again every minute.
      await queue.requestProofs();
    }),
  );
}
