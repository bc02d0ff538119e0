/**
 * The command line: which commands there are, and how a wrong one ends. Commands that run processes are added by the
 * composition root; these here only ask and read.
 */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-root.js';
import { addBackfillCommand } from './backfill.js';
import { addCertificatesCommands } from './certificates.js';
import { addParkedCommands } from './parked.js';
import type { CommandEnvironment, RunDry } from './ports.js';
import { addRunCommand } from './run.js';
import { addRunsCommand } from './runs.js';
import { addStatusCommand } from './status.js';
import { addSyncCommand } from './sync.js';

/** The program with all commands that ask and read. Add further ones, then hand it to `runProgram`. */
export function buildProgram(environment: CommandEnvironment, runDry: RunDry): Command {
  const program = new Command('stripe-blnk-sync')
    .description('Mirrors succeeded Stripe PaymentIntents into a Blnk ledger, each exactly once')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({
      writeOut: (text) => environment.output.print(text.trimEnd()),
      writeErr: (text) => environment.output.warn(text.trimEnd()),
      getOutHelpWidth: () => environment.output.columns || 100,
      getErrHelpWidth: () => environment.output.columns || 100,
    });
  addSyncCommand(program, environment, runDry);
  addBackfillCommand(program, environment, runDry);
  addRunsCommand(program, environment);
  addRunCommand(program, environment);
  addStatusCommand(program, environment);
  addParkedCommands(program, environment);
  addCertificatesCommands(program, environment);
  return program;
}

/** @param words the command line without the program's own name. A command line that cannot be read exits 2. */
export async function runProgram(
  program: Command,
  environment: CommandEnvironment,
  words: readonly string[],
): Promise<void> {
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed what was wrong, or the help that was asked for.
    environment.exit(error.exitCode === 0 ? 0 : 2);
  }
}
