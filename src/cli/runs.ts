/** `runs`: the newest runs, one line each. */

import { type Command, Option } from 'commander';
import { FEEDS, type Feed, type RunStatus } from '../core/coverage/sync-run.js';
import { toJson } from '../views/json.js';
import { runTable } from '../views/run-text.js';
import { jsonOption, limitOption, moreLine, printLines, withContext } from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

const STATUSES = [
  'collecting',
  'posting',
  'succeeded',
  'attention',
  'stopped',
  'failed',
] as const satisfies readonly RunStatus[];

const ROWS_SHOWN = 20;

interface RunsOptions {
  readonly limit: number;
  readonly after?: string;
  readonly feed?: Feed;
  readonly status?: RunStatus;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addRunsCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('runs')
    .description('list the newest sync runs')
    .addOption(limitOption(ROWS_SHOWN))
    .option('--after <run id>', 'those older than this one; the previous page prints the value')
    .addOption(new Option('--feed <feed>', 'only runs of this feed').choices(FEEDS))
    .addOption(new Option('--status <status>', 'only runs with this status').choices(STATUSES))
    .option('--all', 'also runs that found nothing new')
    .addOption(jsonOption())
    .action((options: RunsOptions) =>
      withContext(environment, (context) => listRuns(environment, context, options), { readsOnly: true }),
    );
}

async function listRuns(
  environment: CommandEnvironment,
  context: CommandContext,
  { limit, after, feed, status, all = false, json = false }: RunsOptions,
): Promise<void> {
  const { runs, next } = await context.reads.runs({
    limit,
    includeEmpty: all,
    ...(after === undefined ? {} : { after }),
    ...(feed === undefined ? {} : { feed }),
    ...(status === undefined ? {} : { status }),
  });
  if (json) {
    environment.output.print(toJson({ runs, next }));
    return;
  }
  printLines(environment, runTable(runs, environment.output.columns));
  if (runs.length === 0) environment.output.print('No run matches.');
  if (next !== null) {
    const options = { feed, status, all, limit: limit === ROWS_SHOWN ? undefined : limit, after: next };
    environment.output.print(moreLine(runs.length, { command: 'runs', options }));
  }
  if (!all) environment.output.print('Runs that found nothing new are left out; --all lists them.');
}
