/** `completion <shell>`: prints what the shell reads to complete commands, options and what they may hold. */
import { Argument, type Command } from 'commander';
import { type CompletedCommand, completionLines, SHELLS, type Shell } from '../views/completion-script.js';
import { commandsBelow, pathOf } from './command-help.js';
import type { CommandEnvironment } from './ports.js';

export function addCompletionCommand(program: Command, { output }: CommandEnvironment): void {
  program
    .command('completion')
    .description('print what a shell needs to complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      const commands = [program, ...commandsBelow(program)].map(completed);
      for (const line of completionLines(shell, program.name(), commands)) output.printData(line);
    });
}

function completed(command: Command): CompletedCommand {
  const options = command.options.filter(({ hidden, long }) => !hidden && typeof long === 'string');
  return {
    path: pathOf(command),
    commands: command.commands.map((one) => ({ word: one.name(), about: one.summary() || one.description() })),
    options: [
      ...options.map(({ long, description, required, optional, argChoices }) => ({
        ...{ word: long ?? '', about: description, takesValue: required || optional, choices: argChoices ?? [] },
      })),
      { word: '--help', about: 'what it does and takes', takesValue: false, choices: [] },
    ],
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
}
