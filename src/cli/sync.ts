/** `sync`: asks for a run of the tail, as the schedule does, and on request waits for what comes of it. */
import type { Command } from 'commander';
import { dryRunOption, jsonOption, timeoutOption, warnWithoutWorker, withContext } from './command.js';
import { followRun } from './follow-run.js';
import type { CommandContext, CommandEnvironment, RunDry } from './ports.js';

interface SyncOptions {
  readonly wait?: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addSyncCommand(program: Command, environment: CommandEnvironment, runDry: RunDry): void {
  program
    .command('sync')
    .description('ask the workers for a sync now; during a run this makes one run after it')
    .option('--wait', 'follow the run until all its payments are settled, and exit with its result')
    .addOption(timeoutOption())
    .addOption(dryRunOption())
    .addOption(jsonOption())
    .action((options: SyncOptions) =>
      options.dryRun === true
        ? runDry({ kind: 'sync', json: options.json ?? false })
        : withContext(environment, (context) => requestSync(environment, context, options)),
    );
}

async function requestSync(
  environment: CommandEnvironment,
  context: CommandContext,
  { wait = false, timeout, json = false }: SyncOptions,
): Promise<void> {
  // Requests merge on the queue, so the run that serves this one is known only by its start, on the database's clock.
  const startedAfter = await context.reads.databaseNow();
  await context.requests.sync('manual');
  await warnWithoutWorker(environment, context);
  if (!wait) {
    environment.output.print('A sync was asked for. See what comes of it with: stripe-blnk-sync runs --all');
    return;
  }
  const find = () => context.reads.firstRunAfter({ feed: 'events', startedAfter });
  await followRun(environment, context, { find, timeoutMs: timeout, json });
}
