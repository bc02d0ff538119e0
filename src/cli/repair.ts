/** `repair plan|apply`: what is done about what proofs found. What they run is handed in by the composition root. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { jsonOption } from './command.js';

export interface RepairPlanOptions {
  /** `2026-11-21`, both included; null: not limited on this side. */
  readonly fromDay: string | null;
  readonly toDay: string | null;
  readonly json: boolean;
}

export interface RepairApplyOptions {
  /** The beginning of a plan's id; null: the newest that was not applied. */
  readonly plan: string | null;
  readonly json: boolean;
}

export interface RepairActions {
  plan(options: RepairPlanOptions): Promise<void>;
  apply(options: RepairApplyOptions): Promise<void>;
}

export function addRepairCommands(program: Command, actions: RepairActions): void {
  const repair = program
    .command('repair')
    .description('mend what proofs found, by further postings; nothing is ever changed in the ledger');
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

function parseDay(text: string): string {
  const day = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text))
    return text;
  throw new InvalidArgumentError('Allowed: a UTC day, e.g. 2026-11-21.');
}
