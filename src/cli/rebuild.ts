/** `rebuild`: makes a lost database anew from Stripe and the ledger. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Refusal } from '../core/base/refusal.js';
import { isUuid } from '../core/base/uuid-text.js';
import type { RebuildAsked, RebuildListener, RebuildResult } from '../operations/rebuild.js';
import { toJson } from '../views/json.js';
import { beginLines, resultLines } from '../views/rebuild-text.js';
import { jsonOption, parseTime, printLines } from './command.js';
import type { CommandEnvironment } from './ports.js';
import { createReadingView } from './reading-progress.js';

export interface RebuildOptions extends RebuildAsked {
  /** Do not ask on a terminal. */
  readonly yes: boolean;
  readonly json: boolean;
}

export function addRebuildCommand(program: Command, rebuild: (options: RebuildOptions) => Promise<void>): void {
  program
    .command('rebuild')
    .description('make a lost database anew from Stripe and the ledger; posts nothing, goes on after an interruption')
    .addOption(
      new Option(
        '--from <time>',
        'mirror payments created from this time on, instead of from the oldest day in the ledger',
      ).argParser(parseTime),
    )
    .addOption(
      new Option(
        '--mirror <id>',
        'the mirror whose database was lost, where several posted to the ledger (meta_data.stripe_mirror)',
      ).argParser(parseMirrorId),
    )
    .option('--yes', 'begin without asking; where nobody sits at a terminal, nobody is asked')
    .addOption(jsonOption())
    .action(({ from = null, mirror = null, yes = false, json = false }: Partial<Given>) =>
      rebuild({ from, mirrorId: mirror, yes, json }),
    );
}

interface Given extends Pick<RebuildOptions, 'from' | 'yes' | 'json'> {
  readonly mirror: string | null;
}

function parseMirrorId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Allowed: an id as the ledger has it, e.g. 1a55b13e-4b4c-4061-8fd1-c85b09e76abc.');
}

/** The operation that the command shows. */
export interface RebuildOperation {
  /** Null when it was not wanted. */
  rebuild(asked: RebuildAsked, listener: RebuildListener): Promise<RebuildResult | null>;
}

export interface RebuildEnvironment extends CommandEnvironment {
  /** Puts a question to whoever sits at the terminal; true where nobody does. */
  confirm(question: string): Promise<boolean>;
}

/** Sets the exit code: 1 when it is not wanted, or was interrupted. */
export async function rebuild(
  environment: RebuildEnvironment,
  operation: RebuildOperation,
  { from, mirrorId, yes, json }: RebuildOptions,
): Promise<void> {
  const { output, confirm, exit } = environment;
  const view = createReadingView(output);
  const listener: RebuildListener = {
    ...view,
    async mayBegin(begin) {
      for (const line of beginLines(begin)) output.warn(line);
      const goesOn = begin.mirrorIdsFound === null;
      return goesOn || yes || confirm('Begin?');
    },
  };
  let result: RebuildResult | null;
  try {
    result = await operation.rebuild({ from, mirrorId }, listener).finally(() => view.stop());
  } catch (error) {
    if (!(error instanceof Refusal)) {
      output.warn('The rebuild is not finished. Run it again: it resumes where it stopped.');
    }
    throw error;
  }
  if (result === null) {
    output.warn('Nothing was done.');
    exit(1);
    return;
  }
  printLines(environment, json ? [toJson(result)] : resultLines(result));
  if (!result.complete) exit(1);
}
