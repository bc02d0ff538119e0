/** `repair plan|apply`: what is done about what proofs found. What is owed then, the workers post. */

import { type Command, Option } from 'commander';
import type { PlanOutcome } from '../core/repair/repair-plan.js';
import type { RepairListener, RepairProgress } from '../core/repair/repair-progress.js';
import type { RepairApplied, RepairApplyAsked } from '../operations/apply-repair.js';
import type { RepairPlanAsked } from '../operations/plan-repair.js';
import { toJson } from '../views/json.js';
import { applyLines, notRepairable, planLines } from '../views/repair-text.js';
import { type Asking, jsonOption, parseDay, printLines, warnQueueNotTold, warnWithoutWorker } from './command.js';
import type { CommandEnvironment } from './ports.js';
import { createStepsView, type Step, type StepsView } from './steps-view.js';

export interface RepairPlanOptions extends Omit<RepairPlanAsked, 'by'> {
  readonly json: boolean;
}

export interface RepairApplyOptions extends Omit<RepairApplyAsked, 'by'> {
  readonly json: boolean;
}

interface RepairActions {
  plan(options: RepairPlanOptions): Promise<void>;
  apply(options: RepairApplyOptions): Promise<void>;
}

export function addRepairCommands(program: Command, actions: RepairActions): void {
  const repair = program
    .command('repair')
    .description('repair what proofs found, by further postings; nothing is ever changed in the ledger');
  repair
    .command('plan')
    .description('read what the newest proofs found again, and say what would be done; posts nothing')
    .addOption(
      new Option('--from <day>', 'first UTC day, e.g. 2026-11-21; without days: all that are not sealed').argParser(
        parseDay,
      ),
    )
    .addOption(new Option('--to <day>', 'last UTC day').argParser(parseDay))
    .addOption(jsonOption())
    .action(({ from, to, json }: { readonly from?: string; readonly to?: string; readonly json?: boolean }) =>
      actions.plan({ fromDay: from ?? null, toDay: to ?? null, json: json ?? false }),
    );
  repair
    .command('apply')
    .description('do what a plan says, where nothing changed since; may be run again at any time')
    .argument('[plan]', 'the beginning of its id; without it the newest that was not applied')
    .addOption(jsonOption())
    .action((plan: string | undefined, { json = false }: { readonly json?: boolean }) =>
      actions.apply({ plan: plan ?? null, json }),
    );
}

/** The operations that the commands show. */
export interface RepairOperations extends Asking {
  planRepair(asked: RepairPlanAsked, listener: RepairListener): Promise<PlanOutcome>;
  applyRepair(asked: RepairApplyAsked, listener: RepairListener): Promise<RepairApplied>;
}

const STEPS: Readonly<Record<RepairProgress['what'], Pick<Step, 'doing' | 'unit'>>> = {
  parked: { doing: 'looking up in the ledger', unit: 'parked payments' },
  payments: { doing: 'reading on both sides', unit: 'payments' },
  items: { doing: 'applying', unit: 'items' },
};

function listenerOf(view: StepsView): RepairListener {
  return { onProgress: ({ what, done, all }) => view.onStep({ ...STEPS[what], done, all }) };
}

/** Sets the exit code: 1 when no plan can repair something of the ledger (what is parked here is no matter of a plan). */
export async function planRepair(
  environment: CommandEnvironment,
  operations: RepairOperations,
  { json, ...asked }: RepairPlanOptions,
): Promise<void> {
  const view = createStepsView(environment.output);
  const result = await operations
    .planRepair({ ...asked, by: environment.userName }, listenerOf(view))
    .finally(() => view.stop());
  printLines(environment, json ? [toJson(result)] : planLines(result, environment.output.columns));
  if (notRepairable(result.reported).length > 0) environment.exit(1);
}

/** Sets the exit code: 1 when an item was refused. */
export async function applyRepair(
  environment: CommandEnvironment,
  operations: RepairOperations,
  { json, ...asked }: RepairApplyOptions,
): Promise<void> {
  const { output, userName, exit } = environment;
  const view = createStepsView(output);
  const { plan, owes, queueFault } = await operations
    .applyRepair({ ...asked, by: userName }, listenerOf(view))
    .finally(() => view.stop());
  printLines(environment, json ? [toJson(plan)] : applyLines(plan, output.columns));
  warnQueueNotTold(environment, queueFault);
  if (plan.items.some(({ state }) => state === 'refused')) exit(1);
  if (owes) await warnWithoutWorker(environment, operations);
}
