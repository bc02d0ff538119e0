/** Puts the help texts of `help-texts.ts` to the commands that they are about. `help <command>` prints the same as `--help`. */
import type { Command, Help } from 'commander';
import { commandLine } from '../core/base/own-command.js';
import { COMMAND_HELP, type CommandHelp, EXIT_CODES } from './help-texts.js';

/** Narrower columns of text are left to the terminal's own breaks, which are ours: between words. */
const WRAPPED_FROM_CELLS = 20;

/** Of a whole command line: of every command that there is by then. */
export function explainCommands(program: Command): void {
  program.addHelpText('after', () =>
    ['', 'Examples and exit codes of a command:', `  ${commandLine('help <command>')}`].join('\n'),
  );
  for (const command of commandsBelow(program)) {
    const help = COMMAND_HELP[pathOf(command)];
    if (help === undefined) continue;
    if (command.parent === program) command.helpGroup(`${help.group}:`);
    if (help.more !== undefined) {
      command.summary(command.description()).description(`${sentence(command.description())}\n\n${help.more}`);
    }
    if (help.examples.length > 0) command.addHelpText('after', () => afterHelp(command, help));
  }
}

/** Every command and those below it, in the order of the help. */
export function commandsBelow(command: Command): Command[] {
  return command.commands.flatMap((one) => [one, ...commandsBelow(one)]);
}

/** `parked list`: what is entered after the program's name. */
export function pathOf(command: Command): string {
  const above = command.parent === null ? '' : pathOf(command.parent);
  if (command.parent === null) return '';
  return above === '' ? command.name() : `${above} ${command.name()}`;
}

/** The meaning of each exit code of one command. */
export function exitCodesOf({ exitCodes }: CommandHelp): ReadonlyArray<readonly [code: number, meaning: string]> {
  return ([0, 1, 2] as const).map((code) => [code, exitCodes?.[code] ?? EXIT_CODES[code]]);
}

export const HELP_CONFIGURATION = { minWidthToWrap: WRAPPED_FROM_CELLS } as const satisfies Partial<Help>;

function afterHelp(command: Command, help: CommandHelp): string {
  const helper = command.createHelp();
  helper.prepareContext({ helpWidth: widthOf(command), outputHasColors: false });
  const { examples, variables, variablesText } = help;
  const named = variablesText ?? (variables.length === 0 ? 'none' : variables.join(' '));
  const codes = exitCodesOf(help).map(([code, meaning]) => helper.formatItem(`${code}`, 1, meaning, helper));
  return [
    ...['', 'Examples:', ...examples.map((example) => `  ${commandLine(example)}`)],
    ...['', 'Exit codes:', ...codes],
    ...['', 'Variables:', helper.boxWrap(named, (helper.helpWidth ?? 80) - 2).replace(/^/gm, '  ')],
  ].join('\n');
}

function widthOf(command: Command): number {
  return command.configureOutput().getOutHelpWidth?.() ?? 80;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
