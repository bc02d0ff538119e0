/** Carries out a repair plan, where nothing changed since. Stores what is owed; the workers post it. */

import { SyncError } from '../core/base/errors.js';
import { formatMoney } from '../core/base/money.js';
import { orRefuse } from '../core/base/refusal.js';
import { formatCount } from '../core/base/time-text.js';
import type { Lane } from '../core/posting/posting.js';
import type { RepairPlan } from '../core/repair/repair-plan.js';
import type { RepairListener } from '../core/repair/repair-progress.js';
import { type RepairSums, sameSums, sumsToApply } from '../core/repair/repair-sums.js';
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
  /** What whoever asks believes to be left of it, where it was shown before. */
  readonly confirmed?: RepairSums;
}

export interface RepairApplied {
  readonly plan: RepairPlan;
  /** Whether postings are due now. */
  readonly owes: boolean;
  /** Why the queue could not be told; null when it was, or there was nothing to tell. Workers find what is due all the same. */
  readonly queueFault: unknown;
}

export interface ApplyListener extends RepairListener {
  /** The plan, before the first item of it. */
  onBegin?(plan: RepairPlan): void;
}

/** Throws a Refusal, or what a side could not be read for: what was done until then is done, and applying again goes on. */
export async function applyRepair(
  session: ApplyingSession,
  { plan, by, confirmed }: RepairApplyAsked,
  listener: ApplyListener,
): Promise<RepairApplied> {
  const rules = await orRefuse(() => confirmSides(session));
  const planned = await session.repair.store.findPlan(plan);
  if (confirmed !== undefined) await orRefuse(async () => refuseOthers(planned, confirmed));
  listener.onBegin?.(planned);
  const applied = await apply(session.repair, { plan: planned, rules, by }, listener);
  const isDone = applied.plan.items.some(({ state }) => state === 'done');
  const queueFault = isDone ? await wake(session, applied.lanes) : null;
  return { plan: applied.plan, owes: applied.lanes.length > 0, queueFault };
}

/** One that is done to its end may be asked for again: nothing is left to be confirmed. */
function refuseOthers({ id, items }: RepairPlan, confirmed: RepairSums): void {
  const left = sumsToApply(items);
  if (left.items === 0 || sameSums(left, confirmed)) return;
  throw new SyncError(
    `Confirmed were ${sumsText(confirmed)}; of the plan ${id} are left ${sumsText(left)}. Nothing was done: look at it again`,
    { kind: 'fatal', code: 'repair_sums_differ' },
  );
}

function sumsText({ items, sums }: RepairSums): string {
  return [`${formatCount(items)} items`, ...sums.map((money) => formatMoney(money))].join(', ');
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
