/** `prove`: compares days of Stripe and the ledger now. What it runs is handed in by the composition root. */
import { type Command, Option } from 'commander';
import { jsonOption, parseDay } from './command.js';

export interface ProveOptions {
  /** First and last UTC day; null: the last seven days that are over. */
  readonly from: string | null;
  readonly to: string | null;
  /** Every currency of every day in a line of its own, however many there are. */
  readonly all: boolean;
  readonly json: boolean;
}

export function addProveCommand(program: Command, prove: (options: ProveOptions) => Promise<void>): void {
  program
    .command('prove')
    .description('compare days of Stripe with the ledger, payment by payment, and keep what comes out')
    .addOption(new Option('--from <day>', 'the first UTC day (default: the seventh before today)').argParser(parseDay))
    .addOption(new Option('--to <day>', 'the last UTC day (default: yesterday)').argParser(parseDay))
    .option('--all', 'show every currency in a line of its own, even where a day has many that are sealed')
    .addOption(jsonOption())
    .action(({ from = null, to = null, all = false, json = false }: Partial<ProveOptions>) =>
      prove({ from, to, all, json }),
    );
}
