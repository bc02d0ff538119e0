/** The commands as docs/commands.md has them: what the program itself would say. */
import type { Argument, Command, Option } from 'commander';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { commandsBelow, exitCodesOf, pathOf } from '../../src/cli/command-help.js';
import { COMMAND_HELP, type CommandHelp } from '../../src/cli/help-texts.js';

interface Explained {
  readonly command: Command;
  readonly path: string;
  readonly help: CommandHelp;
}

/** A table for each group. */
export function commandOverview(): string {
  const commands = explained();
  const groups = [...new Set(commands.map(({ help }) => help.group))];
  return groups
    .map((group) => {
      const rows = commands.filter(({ help }) => help.group === group).map(overviewRow);
      return [`### ${group}`, '', '| command | does | exit code |', '|---|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

function overviewRow({ command, path, help }: Explained): string {
  const own = Object.entries(help.exitCodes ?? {}).map(([code, meaning]) => `${code}: ${meaning}`);
  const [anchor] = [path.replaceAll(' ', '-')];
  return `| [\`${path}${usageOf(command)}\`](#${anchor}) | ${command.description()} | ${own.length === 0 ? '–' : own.join('<br>')} |`;
}

/** Each with arguments, options, examples and variables. */
export function commandReference(): string {
  return explained().map(referenceOf).join('\n\n');
}

function referenceOf({ command, path, help }: Explained): string {
  const { more, examples, variables, variablesText } = help;
  const taken = [
    ...command.registeredArguments.map(argumentRow),
    ...command.options.filter(({ hidden }) => !hidden).map(optionRow),
  ];
  const codes = exitCodesOf(help).map(([code, meaning]) => `${code} ${meaning}`);
  const named = variablesText ?? variables.map((name) => `\`${name}\``).join(', ');
  return [
    `### ${path}`,
    `${sentence(command.description())}${more === undefined ? '' : ` ${more}`}`,
    ...(taken.length === 0 ? [] : [['| takes | what |', '|---|---|', ...taken].join('\n')]),
    ['```sh', ...examples.map((example) => `stripe-blnk-sync ${example}`), '```'].join('\n'),
    `Exit codes: ${codes.join('; ')}. Variables: ${named === '' ? 'none' : named}.`,
  ].join('\n\n');
}

function argumentRow(argument: Argument): string {
  return `| \`${argumentText(argument)}\` | ${cell(argument.description)}${choicesText(argument.argChoices)} |`;
}

function optionRow(option: Option): string {
  const { flags, description, argChoices, mandatory } = option;
  const fallback = fallbackText(option);
  return `| \`${flags}\` | ${cell(description)}${choicesText(argChoices)}${fallback}${mandatory ? '; needed' : ''} |`;
}

function fallbackText({ defaultValue, defaultValueDescription, negate }: Option): string {
  if (negate || (defaultValue === undefined && defaultValueDescription === undefined)) return '';
  return `; default ${defaultValueDescription ?? `\`${String(defaultValue)}\``}`;
}

function choicesText(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
}

/** ` <id> [--limit <rows>]`, without what every command takes. */
function usageOf(command: Command): string {
  const shown = command.options.filter(({ hidden, long }) => !hidden && long !== '--json');
  const options = shown.map(({ flags, mandatory }) => (mandatory ? flags : `[${flags}]`));
  return [...command.registeredArguments.map(argumentText), ...options].map((word) => ` ${word}`).join('');
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Those that do something, in the order of the help. */
function explained(): Explained[] {
  const silent = { write: () => true };
  const environment = commandEnvironment({
    ...{ variables: {}, directory: '/', standardOutput: silent, standardError: silent, userName: 'nobody' },
    ...{ signal: new AbortController().signal, exit: () => {} },
  });
  return commandsBelow(composeCommandLine(environment)).flatMap((command) => {
    const path = pathOf(command);
    const help = COMMAND_HELP[path];
    return help === undefined || command.commands.length > 0 ? [] : [{ command, path, help }];
  });
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
