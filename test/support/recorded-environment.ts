/** The surroundings of a command line in a test: what it printed, warned of and left with is kept. */
import { createOutput } from '../../src/cli/output.js';
import type { CommandContext, CommandEnvironment } from '../../src/cli/ports.js';

export interface RecordedEnvironment {
  readonly environment: CommandEnvironment;
  outcome(): { readonly printed: string; readonly warned: string; readonly code: number | undefined };
}

export interface RecordedOptions {
  /** Default: nothing may be opened. */
  readonly open?: (() => Promise<CommandContext>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWarned?: ((line: string) => void) | undefined;
  /** Of the terminal; left out: it is none. */
  readonly columns?: number | undefined;
}

export function recordEnvironment({ open, signal, onWarned, columns = 0 }: RecordedOptions = {}): RecordedEnvironment {
  const printed: string[] = [];
  const warned: string[] = [];
  let code: number | undefined;
  const mustNotConnect = async (): Promise<never> => {
    throw new Error('must not connect');
  };
  return {
    environment: {
      open: open ?? mustNotConnect,
      output: createOutput({
        toOutput: (line) => printed.push(line),
        toErrors: (line) => {
          warned.push(line);
          onWarned?.(line);
        },
        columns,
        errorColumns: columns,
        errorTerminal: null,
      }),
      explain: async (error) => error,
      signal: signal ?? new AbortController().signal,
      userName: 'ada',
      exit: (given) => {
        code = given;
      },
    },
    outcome: () => ({ printed: printed.join('\n'), warned: warned.join('\n'), code }),
  };
}
