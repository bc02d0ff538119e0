/** `sync`: requests a run of the tail, as the schedule does, and on request waits for what comes of it. */
import type { Command } from 'commander';
import { commandLine } from '../core/base/own-command.js';
import { toJson } from '../views/json.js';
import { dryRunOption, jsonOption, timeoutOption, warnWithoutWorker, withContext } from './command.js';
import { followRun, pause } from './follow-run.js';
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
  const { reads, operations } = context;
  const { requestedAt } = await operations.requestSync();
  const workers = await warnWithoutWorker(environment, operations);
  const find = () => reads.firstRunAfter({ feed: 'events', startedAfter: requestedAt });
  if (!wait && json) {
    const runId = workers > 0 ? await soon(find, environment.signal) : null;
    environment.output.print(toJson({ requested: 'sync', requestedAt, runId, workers }));
    return;
  }
  if (!wait) {
    environment.output.print(`A sync was asked for. See what comes of it with: ${commandLine('runs --all')}`);
    return;
  }
  await followRun(environment, context, { find, timeoutMs: timeout, json });
}

/** A worker takes up a sync within a moment, unless it is in the middle of one: then its run begins later. */
const BEGINS_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

async function soon(find: () => Promise<string | null>, signal: AbortSignal): Promise<string | null> {
  const deadline = performance.now() + BEGINS_WITHIN_MS;
  for (;;) {
    const found = await find();
    if (found !== null || signal.aborted || performance.now() >= deadline) return found;
    await pause(LOOK_EVERY_MS, signal);
  }
}
