/** Composition: what commands see of the process. Handed in, so that tests can run commands in their own process. */
import type { CommandEnvironment } from '../cli/ports.js';
import { spelledText } from '../cli/text-width.js';
import { type Bag, readEnvironment, readHomeConfig } from '../config.js';
import { createLog, type Log } from '../observability/log.js';
import type { CrashHooks } from './crash-points.js';

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Only a terminal is drawn on, and only drawing needs a whole stream. */
type ErrorOutput = NodeJS.WriteStream | { write(text: string): unknown; readonly isTTY?: false };

/** Whoever sits at the terminal. */
type Keyboard = NodeJS.ReadableStream & { readonly isTTY?: boolean };

export interface ProcessView {
  readonly variables: Bag;
  readonly directory: string;
  readonly standardOutput: Terminal;
  readonly standardError: ErrorOutput;
  /** Only asked for when a question is put; without it nobody is asked. */
  standardInput?(): Keyboard;
  readonly signal: AbortSignal;
  readonly userName: string;
  exit(code: 0 | 1 | 2): void;
  /** Absent in production. */
  readonly hooks?: CrashHooks;
}

export interface AppEnvironment extends CommandEnvironment {
  /** The environment variables over the `.env` of the working directory. */
  variables(): Bag;
  log(level: string): Log;
  /** Puts a question to whoever sits at the terminal; true where nobody does. */
  confirm(question: string): Promise<boolean>;
  /** Absent in production. */
  readonly hooks: CrashHooks | undefined;
}

export function commandEnvironment(view: ProcessView): AppEnvironment {
  const variables = () => readEnvironment(view.variables, view.directory);
  const isTerminal = view.standardOutput.isTTY === true;
  return {
    variables,
    confirm: (question) => confirmAtTerminal(view, question),
    log: (level) => createLog({ level, forPeople: isTerminal }),
    open: async () => {
      const config = readHomeConfig(variables());
      const { openCommandContext } = await import('./command-context.js');
      return openCommandContext(config, createLog({ level: 'silent', forPeople: false }));
    },
    output: {
      // Both may hold what vendors, customers or the command line said.
      print: (line) => view.standardOutput.write(`${spelledText(line)}\n`),
      warn: (line) => view.standardError.write(`${spelledText(line)}\n`),
      columns: isTerminal ? (view.standardOutput.columns ?? 80) : 0,
      errorTerminal: view.standardError.isTTY === true ? view.standardError : null,
    },
    signal: view.signal,
    userName: view.userName,
    exit: view.exit,
    hooks: view.hooks,
  };
}

async function confirmAtTerminal(
  { standardInput, standardError, signal }: ProcessView,
  question: string,
): Promise<boolean> {
  if (standardInput === undefined || standardError.isTTY !== true) return true;
  const input = standardInput();
  if (input.isTTY !== true) return true;
  const { createInterface } = await import('node:readline/promises');
  // Not drawn by Node: then Ctrl-C stays a signal of the process.
  const dialogue = createInterface({ input, output: standardError, terminal: false });
  const closed = new Promise<string>((resolve) => dialogue.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([dialogue.question(`${question} [y/N] `, { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    dialogue.close();
  }
}
