/** `mirror move`: the same ledger under a new instance id. */
import type { Command } from 'commander';
import type { MirrorMoveAsked, MirrorMoveResult } from '../operations/move-mirror.js';
import { toJson } from '../views/json.js';
import { jsonOption, printLines } from './command.js';
import type { CommandEnvironment } from './ports.js';

export interface MirrorMoveOptions extends MirrorMoveAsked {
  readonly json: boolean;
}

export function addMirrorCommands(program: Command, move: (options: MirrorMoveOptions) => Promise<void>): void {
  program
    .command('mirror')
    .description('change what this database mirrors, where that is allowed')
    .command('move')
    .description('the provider gave the same ledger a new instance id: recognise it and go on with it')
    .requiredOption('--instance <id>', 'the new instance id; "core" for the same ledger in BLNK_API_STYLE=core')
    .option('--dry-run', 'only look whether it is the same ledger')
    .addOption(jsonOption())
    .action((options: { readonly instance: string; readonly dryRun?: boolean; readonly json?: boolean }) =>
      move({ instance: options.instance, dryRun: options.dryRun ?? false, json: options.json ?? false }),
    );
}

/** The operation that the command shows. */
export interface MoveOperation {
  moveMirror(asked: MirrorMoveAsked): Promise<MirrorMoveResult>;
}

export async function moveMirror(
  environment: CommandEnvironment,
  operation: MoveOperation,
  { instance, dryRun, json }: MirrorMoveOptions,
): Promise<void> {
  const result = await operation.moveMirror({ instance, dryRun });
  printLines(environment, json ? [toJson(result)] : moveLines(result));
}

function moveLines({ moved, dryRun, from, to, missing }: MirrorMoveResult): string[] {
  const lacking = missing === null ? [] : [`Posted payments are missing in it: ${missing}`];
  if (from === to) return [`This mirror's Blnk instance is ${to} already. Nothing was changed.`];
  if (dryRun) return [`${to} holds the ledger of this mirror. Nothing was changed.`, ...lacking];
  if (!moved) return ['Nothing was changed.'];
  return [
    `This mirror's Blnk instance is ${to} now; it was ${from}.`,
    ...lacking,
    `Give every worker ${to === 'core' ? 'BLNK_API_STYLE=core' : `BLNK_INSTANCE_ID=${to}`} and start it. One that wakes up with ${from} takes no work, and stops.`,
  ];
}
