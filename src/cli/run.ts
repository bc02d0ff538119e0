/** `run <id>`: one run with its counts, its parts and the payments that it stored first. */

import { type Command, Option } from 'commander';
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import type { PaymentState } from '../db/schema/views.js';
import { toJson } from '../views/json.js';
import { paymentTable } from '../views/payment-text.js';
import { runLines } from '../views/run-text.js';
import { jsonOption, limitOption, moreLine, printLines, withContext } from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

const STATES = ['pending', 'posted', 'parked', 'dismissed'] as const satisfies readonly PaymentState[];

const ROWS_SHOWN = 20;

interface RunOptions {
  readonly limit: number;
  readonly after?: string;
  readonly state?: PaymentState;
  readonly json?: boolean;
}

export function addRunCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('run')
    .description('show one run and the payments that it stored first')
    .argument('<id>', "the run's id, or the beginning of it")
    .addOption(limitOption(ROWS_SHOWN))
    .option('--after <reference>', 'payments after this one in the list; the previous page prints the value')
    .addOption(new Option('--state <state>', 'only payments in this state').choices(STATES))
    .addOption(jsonOption())
    .action((id: string, options: RunOptions) =>
      withContext(environment, (context) => showRun(environment, context, { ...options, id }), {
        readsOnly: true,
      }),
    );
}

async function showRun(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { id, limit, after, state, json = false }: RunOptions & { readonly id: string },
): Promise<void> {
  const { output } = environment;
  const answer = await reads.run(id);
  if (answer.kind !== 'found') {
    throw answer.kind === 'unknown' ? noSuchRun(id) : severalRuns(id, answer.ids);
  }
  const { run, parts } = answer;
  const page = await reads.runBatch(run.id, {
    limit,
    ...(after === undefined ? {} : { after }),
    ...(state === undefined ? {} : { state }),
  });
  if (json) {
    output.print(toJson({ run, parts, ...page }));
    return;
  }
  printLines(environment, runLines(run, parts, output.columns));
  if (page.payments.length > 0) {
    printLines(environment, ['', 'Payments', ...paymentTable(page.payments, output.columns)]);
  }
  if (page.next === null) return;
  const options = { state, limit: limit === ROWS_SHOWN ? undefined : limit, after: page.next };
  const again = { command: `run ${id}`, options };
  const count = run.posted + run.alreadyThere + run.parked + run.pending;
  // How many stand in one state is not counted for this.
  output.print(moreLine(page.payments.length, again, state === undefined ? count : undefined));
}

export function noSuchRun(id: string): SyncError {
  return new SyncError(
    `No run has an id that begins with ${JSON.stringify(id)}; at least four hexadecimal digits are needed. The newest ` +
      `runs: ${commandLine('runs --all')}`,
    { kind: 'fatal', code: 'run_unknown' },
  );
}

function severalRuns(id: string, ids: readonly string[]): SyncError {
  return new SyncError(`Several runs begin with ${JSON.stringify(id)}: ${ids.join(', ')}. Name more of the id`, {
    kind: 'fatal',
    code: 'run_ambiguous',
  });
}
