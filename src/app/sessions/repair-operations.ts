/** Composition: planning and applying repairs on a session, noted in somebody's name; for commands, and for pages and API. */
import type { RepairOperations } from '../../cli/repair.js';
import { refuseUnkeptTexts } from '../../core/base/action.js';
import type { RepairPlan } from '../../core/repair/repair-plan.js';
import { type ApplyingSession, applyRepair } from '../../operations/apply-repair.js';
import { applyAction, endedApplyAction, type NoteActions, noted, planAction } from '../../operations/note-actions.js';
import { planRepair } from '../../operations/plan-repair.js';
import { createRepairPorts } from './repair-ports.js';
import type { JoinedSession } from './session.js';

export function createRepairOperations(
  session: JoinedSession & Pick<ApplyingSession, 'withQueue'>,
  note: NoteActions,
): Pick<RepairOperations, 'planRepair' | 'applyRepair'> {
  const repairing = { ...session, repair: createRepairPorts(session) };
  return {
    planRepair: async (asked, listener) => {
      refuseUnkeptTexts({ by: asked.by });
      return noted(
        note,
        () => planRepair(repairing, asked, listener),
        ({ plan }) => (plan === null ? null : planAction(plan)),
      );
    },
    applyRepair: async (asked, listener) => {
      refuseUnkeptTexts({ by: asked.by });
      let before: RepairPlan | null = null;
      const onBegin = (plan: RepairPlan) => {
        before = plan;
      };
      return noted(
        note,
        () => applyRepair(repairing, asked, { ...listener, onBegin }),
        ({ plan }) => applyAction(plan),
        async () => before && endedApplyAction(before, await repairing.repair.store.findPlan(before.id)),
      );
    },
  };
}
