/** `prove`: compares days of Stripe and the ledger now, and prints what came out. */
import { type Command, Option } from 'commander';
import type { DaysAsked, DaysProven, ProvingListener } from '../operations/prove-days.js';
import { certificateTable, closingSentence, findingLines, shortCertificateTable } from '../views/certificate-text.js';
import { toJson } from '../views/json.js';
import { jsonOption, parseDay, printLines } from './command.js';
import type { CommandEnvironment } from './ports.js';
import { createStepsView, type StepsView } from './steps-view.js';

export interface ProveOptions extends DaysAsked {
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

/** The operation that the command shows. */
export interface ProveOperation {
  proveDays(asked: DaysAsked, listener: ProvingListener): Promise<DaysProven>;
}

/** Sets the exit code: 0 when all days are sealed, else 1. */
export async function prove(
  environment: CommandEnvironment,
  { proveDays }: ProveOperation,
  { from, to, all, json }: ProveOptions,
): Promise<void> {
  const { output } = environment;
  let view: StepsView | undefined;
  const listener: ProvingListener = {
    onDay(day, progress) {
      view ??= createStepsView(output);
      view.onStep({ doing: `proving ${day}`, unit: 'days', ...progress });
    },
  };
  const { asked, proven, certificates, faults, allSealed } = await proveDays({ from, to }, listener).finally(() =>
    view?.stop(),
  );
  const answer = closingSentence(certificates);
  if (json) {
    output.print(toJson({ answer, asked, proven, certificates }));
  } else {
    const table = all ? certificateTable : shortCertificateTable;
    const lines = [...table(certificates, output.columns), ...findingLines(certificates, output.columns), '', answer];
    printLines(environment, lines);
  }
  for (const fault of faults) output.fail(fault);
  if (proven < asked) output.warn(`${proven} of ${asked} days were proven; run it again.`);
  environment.exit(allSealed ? 0 : 1);
}
