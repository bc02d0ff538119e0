/** What a shell reads to complete our command line: generated from the commands, their options and what these may hold. Pure. */
import { plainText } from './text-width.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly about: string;
}

interface OptionWord extends Word {
  readonly takesValue: boolean;
  /** What it may hold; empty: anything. */
  readonly choices: readonly string[];
}

/** One command, or the whole command line. */
export interface CompletedCommand {
  /** `parked list`; empty for the whole. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** Of its arguments, where they may be few. */
  readonly choices: readonly string[];
}

/** @returns lines to be sourced, or to be put where the shell looks for completions */
export function completionLines(shell: Shell, program: string, commands: readonly CompletedCommand[]): string[] {
  return WRITERS[shell]({ program, name: `_${program.replaceAll('-', '_')}`, commands });
}

interface Writing {
  readonly program: string;
  /** Of the function in the shell. */
  readonly name: string;
  readonly commands: readonly CompletedCommand[];
}

const WRITERS: Readonly<Record<Shell, (writing: Writing) => string[]>> = {
  bash: ({ program, name, commands }) => [
    `${name}() {`,
    `  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" found="" word`,
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    `    case "$at $word" in ${pathsPattern(commands)}) at="$at $word" ;; esac`,
    '  done',
    ...foundLines(commands, (words) => `found=${quoted(words.map(({ word }) => word).join(' '))}`),
    '  COMPREPLY=($(compgen -W "$found" -- "$current"))',
    '}',
    `complete -F ${name} ${program}`,
  ],
  zsh: ({ program, name, commands }) => [
    `#compdef ${program}`,
    `${name}() {`,
    // Not `path`, which is the shell's own.
    `  local previous="\${words[CURRENT-1]}" at="" word`,
    '  local -a found',
    `  for word in "\${(@)words[2,CURRENT-1]}"; do`,
    `    case "$at $word" in ${pathsPattern(commands)}) at="$at $word" ;; esac`,
    '  done',
    ...foundLines(
      commands,
      (words) => `found=(${words.map(({ word, about }) => quoted(`${word}:${about}`)).join(' ')})`,
    ),
    `  _describe ${quoted(program)} found`,
    '}',
    // As a file in a folder of completions it is loaded when it is first asked; sourced, it is registered.
    `if [ "$funcstack[1]" = "${name}" ]; then ${name} "$@"; else compdef ${name} ${program}; fi`,
  ],
  fish: ({ program, name, commands }) => [
    `function _${name}_at`,
    '  set -l at ""',
    '  for word in (commandline -opc)[2..]',
    '    switch "$at $word"',
    `      case ${pathsOf(commands).map(quoted).join(' ')}`,
    '        set at "$at $word"',
    '    end',
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    `complete -c ${program} -f`,
    ...commands.flatMap((command) => {
      const begin = `complete -c ${program} -n ${quoted(`_${name}_at "${at(command)}"`)}`;
      const words = [...command.commands, ...command.choices.map((word) => ({ word, about: '' }))];
      return [
        ...words.map(({ word, about }) => `${begin} -a ${word} -d ${fishQuoted(about)}`),
        ...command.options.map(({ word, about, takesValue, choices }) => {
          const value = takesValue ? ` -x${choices.length === 0 ? '' : ` -a ${quoted(choices.join(' '))}`}` : '';
          return `${begin} -l ${word.replace(/^--/, '')}${value} -d ${fishQuoted(about)}`;
        }),
      ];
    }),
  ],
};

/** What may stand next: the values of the option before it, else commands, options and arguments. */
function foundLines(commands: readonly CompletedCommand[], assign: (words: readonly Word[]) => string): string[] {
  const values = commands.flatMap((command) =>
    command.options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) => {
        const words = choices.map((choice) => ({ word: choice, about: choice }));
        return `    ${quoted(`${at(command)} ${word}`)}) ${assign(words)} ;;`;
      }),
  );
  const nexts = commands.map((command) => {
    const choices = command.choices.map((word) => ({ word, about: word }));
    return `      ${quoted(at(command))}) ${assign([...command.commands, ...choices, ...command.options])} ;;`;
  });
  return ['  case "$at $previous" in', ...values, '    *) case "$at" in', ...nexts, '    esac ;;', '  esac'];
}

function pathsOf(commands: readonly CompletedCommand[]): string[] {
  return commands.filter(({ path }) => path !== '').map(at);
}

function pathsPattern(commands: readonly CompletedCommand[]): string {
  return pathsOf(commands).map(quoted).join('|');
}

/** Each word behind a space, as the scripts collect them. */
function at({ path }: CompletedCommand): string {
  return path === '' ? '' : ` ${path}`;
}

function quoted(text: string): string {
  return `'${plainText(text).replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${plainText(text).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
