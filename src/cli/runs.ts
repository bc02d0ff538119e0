/** `runs`: the newest runs, one line each. */

import { type Command, Option } from 'commander';
import { FEEDS, type Feed, type RunStatus } from '../core/coverage/sync-run.js';
import { toJson } from '../views/json.js';
import { runTable } from '../views/run-text.js';
import { jsonOption, LIMIT_MAX, limitOption, moreLine, printLines, withContext } from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

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
  const found = await context.reads.runs({
    limit: limit + 1,
    includeEmpty: all,
    ...(feed === undefined ? {} : { feed }),
    ...(status === undefined ? {} : { status }),
  });
  const runs = found.slice(0, limit);
  if (json) {
    environment.output.print(toJson({ runs }));
    return;
  }
  printLines(environment, runTable(runs, environment.output.columns));
  if (runs.length === 0) environment.output.print('No such runs.');
  if (found.length > limit && limit < LIMIT_MAX) {
    const again = { command: 'runs', options: { feed, status, all, limit: LIMIT_MAX } };
    environment.output.print(moreLine(runs.length, again));
  }
  if (!all) environment.output.print('Runs that found nothing new are left out; --all lists them.');
}
