/**
 * The command line: which commands there are, and how a wrong one ends. Commands that run processes are added by the
 * composition root; these here only ask and read.
 */
import { Command, CommanderError } from 'commander';
import { SyncError } from '../core/base/errors.js';
import { packageVersion } from '../package-root.js';
import { addAcceptCommand } from './accept.js';
import { addActionsCommand } from './actions.js';
import { addBackfillCommand } from './backfill.js';
import { addCertificatesCommands } from './certificates.js';
import { jsonOption } from './command.js';
import { explainCommands, HELP_CONFIGURATION } from './command-help.js';
import { addParkedCommands } from './parked.js';
import { addPaymentsCommand } from './payments.js';
import type { CommandEnvironment, RunDry } from './ports.js';
import { addRunCommand } from './run.js';
import { addRunsCommand } from './runs.js';
import { addStatusCommand } from './status.js';
import { addSyncCommand } from './sync.js';

/** The program with all commands that ask and read. Add further ones, then hand it to `runCommandLine`. */
export function buildCommandLine(environment: CommandEnvironment, runDry: RunDry): Command {
  const program = new Command('stripe-blnk-sync')
    .description('Mirrors succeeded Stripe PaymentIntents into a Blnk ledger, each exactly once')
    .version(packageVersion())
    .exitOverride()
    .configureHelp(HELP_CONFIGURATION)
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({
      writeOut: (text) => environment.output.print(text.trimEnd()),
      writeErr: (text) => {
        // With --json the error alone, not where its options are explained.
        if (!environment.output.isJson()) environment.output.warn(text.trimEnd());
      },
      outputError: (text) => {
        if (environment.output.isJson()) environment.output.fail(usageError(text));
        else environment.output.warn(text.trimEnd());
      },
      getOutHelpWidth: () => environment.output.columns || 100,
      getErrHelpWidth: () => environment.output.columns || 100,
    });
  addStatusCommand(program, environment);
  addPaymentsCommand(program, environment);
  addRunsCommand(program, environment);
  addRunCommand(program, environment);
  addCertificatesCommands(program, environment);
  addActionsCommand(program, environment);
  addSyncCommand(program, environment, runDry);
  addBackfillCommand(program, environment, runDry);
  addParkedCommands(program, environment);
  addAcceptCommand(program, environment);
  return program;
}

/** @param words the command line without the program's own name. A command line that cannot be read exits 2. */
export async function runCommandLine(
  program: Command,
  environment: CommandEnvironment,
  words: readonly string[],
): Promise<void> {
  if (words.includes('--json')) environment.output.expectJson();
  explainCommands(program);
  addHelp(program, environment);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed what was wrong, or the help that was asked for.
    environment.exit(error.exitCode === 0 ? 0 : 2);
  }
}

function usageError(text: string): SyncError {
  return new SyncError(text.trim().replace(/^error: /, ''), { kind: 'fatal', code: 'usage' });
}

/** In place of Commander's own, which answers the general help to a word that is no command. */
function addHelp(command: Command, environment: CommandEnvironment): void {
  for (const one of command.commands.filter(({ commands }) => commands.length > 0)) addHelp(one, environment);
  command
    .helpCommand(false)
    .command('help')
    .description('say what a command does and takes')
    .helpGroup('Help:')
    .argument('[command...]', 'its name')
    .addOption(jsonOption().hideHelp())
    .action((names: string[]) => {
      let about = command;
      for (const name of names) {
        const next = about.commands.find((one) => one.name() === name && name !== 'help');
        if (next === undefined) return refuseUnknown(environment, { about, name });
        about = next;
      }
      about.outputHelp();
    });
}

function refuseUnknown(
  { output, exit }: CommandEnvironment,
  { about, name }: { readonly about: Command; readonly name: string },
): void {
  const path = about.parent === null ? '' : `${about.name()} `;
  const there = about.commands.map((one) => one.name()).filter((one) => one !== 'help');
  const allowed = there.length === 0 ? `${path.trim()} has none` : `allowed are ${there.join(', ')}`;
  output.fail(
    new SyncError(`There is no command ${JSON.stringify(`${path}${name}`)}; ${allowed}`, {
      kind: 'fatal',
      code: 'command_unknown',
    }),
  );
  exit(2);
}
