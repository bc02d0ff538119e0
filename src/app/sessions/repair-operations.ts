/** Composition: planning and applying repairs on a session, noted in somebody's name; for commands, and for pages and API. */
import type { RepairOperations } from '../../cli/repair.js';
import { type ApplyingSession, applyRepair } from '../../operations/apply-repair.js';
import { applyAction, type NoteActions, noted, planAction } from '../../operations/note-actions.js';
import { planRepair } from '../../operations/plan-repair.js';
import { createRepairPorts } from './repair-ports.js';
import type { JoinedSession } from './session.js';

export function createRepairOperations(
  session: JoinedSession & Pick<ApplyingSession, 'withQueue'>,
  note: NoteActions,
): Pick<RepairOperations, 'planRepair' | 'applyRepair'> {
  const repairing = { ...session, repair: createRepairPorts(session) };
  return {
    planRepair: (asked, listener) =>
      noted(
        note,
        () => planRepair(repairing, asked, listener),
        ({ plan }) => (plan === null ? null : planAction(plan)),
      ),
    applyRepair: (asked, listener) =>
      noted(
        note,
        () => applyRepair(repairing, asked, listener),
        ({ plan }) => applyAction(plan),
      ),
  };
}
