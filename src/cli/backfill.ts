/** `backfill`: asks for all payments created in a window to be read again. What is known already is not stored twice. */
import { type Command, Option } from 'commander';
import { formatTime, type Moment, resolveMoment } from '../core/time-text.js';
import { floorToSecond } from '../core/window.js';
import { dryRunOption, jsonOption, parseTime, timeoutOption, warnWithoutWorker, withContext } from './command.js';
import { followRun } from './follow-run.js';
import type { CommandContext, CommandEnvironment, RunDry } from './ports.js';

interface BackfillOptions {
  readonly from: Moment;
  readonly to: Moment;
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
  const now = await context.reads.databaseNow();
  const window = {
    from: floorToSecond(resolveMoment(options.from, now)),
    to: floorToSecond(resolveMoment(options.to, now)),
  };
  if (window.from >= window.to || window.to > now) {
    environment.output.warn(
      `The window ${formatTime(window.from)} to ${formatTime(window.to)} cannot be read: ` +
        `--from must be before --to, and --to not after now (${formatTime(now)} UTC).`,
    );
    environment.exit(2);
    return;
  }
  const runId = await context.requests.backfill(window);
  await warnWithoutWorker(environment, context);
  if (options.wait !== true) {
    environment.output.print(`A backfill was asked for. Follow it with: stripe-blnk-sync run ${runId}`);
    return;
  }
  await followRun(environment, context, {
    find: async () => runId,
    timeoutMs: options.timeout,
    json: options.json ?? false,
  });
}
