/** `backfill`: requests all payments created in a window to be read again. What is known already is not stored twice. */

import { type Command, Option } from 'commander';
import { commandLine } from '../core/base/own-command.js';
import type { Moment } from '../core/base/time-text.js';
import type { BackfillAsked } from '../operations/request-backfill.js';
import { toJson } from '../views/json.js';
import {
  dryRunOption,
  jsonOption,
  parseTime,
  timeoutOption,
  warnQueueNotTold,
  warnWithoutWorker,
  withContext,
} from './command.js';
import { followRun } from './follow-run.js';
import type { CommandContext, CommandEnvironment, RunDry } from './ports.js';

interface BackfillOptions extends BackfillAsked {
  readonly wait?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addBackfillCommand(program: Command, environment: CommandEnvironment, runDry: RunDry): void {
  program
    .command('backfill')
    .description('read all payments created in a window again, and mirror those that are missing')
    .addOption(
      new Option('--from <time>', 'first moment: a UTC date, a time, or 30d (ago)')
        .argParser(parseTime)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--to <time>', 'the moment after the last one')
        .argParser(parseTime)
        .default({ kind: 'ago', durationMs: 0 } satisfies Moment, 'now'),
    )
    .option('--wait', 'follow it until all its payments are settled, and exit with its result')
    .addOption(timeoutOption())
    .addOption(dryRunOption())
    .addOption(jsonOption())
    .action((options: BackfillOptions) =>
      options.dryRun === true
        ? runDry({ kind: 'backfill', from: options.from, to: options.to, json: options.json ?? false })
        : withContext(environment, (context) => requestBackfill(environment, context, options)),
    );
}

async function requestBackfill(
  environment: CommandEnvironment,
  context: CommandContext,
  options: BackfillOptions,
): Promise<void> {
  const { from, to, wait = false, json = false } = options;
  const { requestedAt, window, runId, queueFault } = await context.operations.requestBackfill({ from, to });
  if (!json && !wait) {
    environment.output.print(`A backfill was asked for. Follow it with: ${commandLine(`run ${runId}`)}`);
  }
  warnQueueNotTold(environment, queueFault);
  const workers = await warnWithoutWorker(environment, context.operations);
  if (!wait) {
    if (json) environment.output.print(toJson({ requested: 'backfill', requestedAt, runId, window, workers }));
    return;
  }
  await followRun(environment, context, {
    find: async () => runId,
    timeoutMs: options.timeout,
    json,
  });
}
