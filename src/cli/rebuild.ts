/** `rebuild`: makes a lost database anew from Stripe and the ledger. What it runs is handed in by the composition root. */
import { type Command, Option } from 'commander';
import type { Moment } from '../core/time-text.js';
import { jsonOption, parseTime } from './command.js';

export interface RebuildOptions {
  /** Null: the oldest day in the ledger. */
  readonly from: Moment | null;
  /** Do not ask on a terminal. */
  readonly yes: boolean;
  readonly json: boolean;
}

export function addRebuildCommand(program: Command, rebuild: (options: RebuildOptions) => Promise<void>): void {
  program
    .command('rebuild')
    .description('make a lost database anew from Stripe and the ledger; posts nothing, goes on after an interruption')
    .addOption(
      new Option(
        '--from <time>',
        'mirror payments created from this time on, instead of from the oldest day in the ledger',
      ).argParser(parseTime),
    )
    .option('--yes', 'begin without asking; where nobody sits at a terminal, nobody is asked')
    .addOption(jsonOption())
    .action((options: { readonly from?: Moment; readonly yes?: boolean; readonly json?: boolean }) =>
      rebuild({ from: options.from ?? null, yes: options.yes ?? false, json: options.json ?? false }),
    );
}
