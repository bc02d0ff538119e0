/** `runs`: the newest runs, one line each. */
import { type Command, Option } from 'commander';
import { FEEDS, type Feed, type RunStatus } from '../core/coverage/sync-run.js';
import { jsonOption, limitOption, printLines, withContext } from './command.js';
import { toJson } from './json.js';
import type { CommandContext, CommandEnvironment } from './ports.js';
import { runTable } from './run-text.js';

const STATUSES = [
  'collecting',
  'posting',
  'succeeded',
  'attention',
  'stopped',
  'failed',
] as const satisfies readonly RunStatus[];

interface RunsOptions {
  readonly limit: number;
  readonly feed?: Feed;
  readonly status?: RunStatus;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addRunsCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('runs')
    .description('list the newest sync runs')
    .addOption(limitOption(20))
    .addOption(new Option('--feed <feed>', 'only runs of this feed').choices(FEEDS))
    .addOption(new Option('--status <status>', 'only runs that stand so').choices(STATUSES))
    .option('--all', 'also runs that found nothing new')
    .addOption(jsonOption())
    .action((options: RunsOptions) =>
      withContext(environment, (context) => listRuns(environment, context, options), { readsOnly: true }),
    );
}

async function listRuns(
  environment: CommandEnvironment,
  context: CommandContext,
  { limit, feed, status, all = false, json = false }: RunsOptions,
): Promise<void> {
  const runs = await context.reads.runs({
    limit,
    includeEmpty: all,
    ...(feed === undefined ? {} : { feed }),
    ...(status === undefined ? {} : { status }),
  });
  if (json) {
    environment.output.print(toJson({ runs }));
    return;
  }
  printLines(environment, runTable(runs, environment.output.columns));
  if (runs.length === 0) environment.output.print('No such runs.');
  if (!all) environment.output.print('Runs that found nothing new are left out; --all lists them.');
}
