/**
 * Composition: what commands see of the process. Handed in, so that tests can run commands in their own process. What is not
 * needed by all of them is loaded when it is: half of the time of `--version` was packages that it does not use.
 */
import { styleText } from 'node:util';
import type { Dialogue } from '../../cli/init.js';
import { createOutput } from '../../cli/output.js';
import type { CommandEnvironment } from '../../cli/ports.js';
import {
  type Bag,
  ConfigError,
  readEnvironment,
  readEnvironmentFile,
  readEnvironmentText,
  writeEnvironmentText,
} from '../../config/environment.js';
import type { GivenNames } from '../../core/settings/unknown-names.js';
import type { LogTerminal } from '../../observability/for-people.js';
import type { Log } from '../../observability/log.js';
import type { Tone } from '../../views/status-text.js';
import { plainText, spelledText, wrapLine } from '../../views/text-width.js';
import type { Overrides } from '../overrides.js';

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Only a terminal is drawn on, and only drawing needs a whole stream. */
type ErrorOutput =
  | NodeJS.WriteStream
  | { write(text: string): unknown; readonly isTTY?: false; readonly columns?: number };

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
  /** From here on Blnk may be at work on something of this process. */
  onMayPost?(): void;
  /** Absent in production. */
  readonly overrides?: Overrides;
}

export interface AppEnvironment extends CommandEnvironment {
  /** The environment variables over the `.env` of the working directory. */
  variables(): Bag;
  /** What both of them name. */
  variableNames(): GivenNames;
  log(level: string): Promise<Log>;
  /** Puts a question to whoever sits at the terminal; true where nobody does. */
  confirm(question: string): Promise<boolean>;
  openDialogue(): Promise<Dialogue>;
  /** `.env` of the working directory; null when there is none. */
  environmentFile(): { readonly text: string; readonly values: Bag } | null;
  writeEnvironmentFile(text: string): void;
  onMayPost(): void;
  /** Absent in production. */
  readonly overrides: Overrides | undefined;
}

export function commandEnvironment(view: ProcessView): AppEnvironment {
  const variables = () => readEnvironment(view.variables, view.directory);
  const isTerminal = view.standardOutput.isTTY === true;
  const inColours = wantsColours(view.variables, { isTerminal });
  return {
    variables,
    variableNames: () => ({
      inFile: Object.keys(readEnvironmentFile(view.directory)),
      inEnvironment: Object.keys(view.variables),
    }),
    confirm: (question) => confirmAtTerminal(view, question),
    async openDialogue() {
      if (view.standardInput === undefined) throw new Error('Nobody can be asked here');
      const { openDialogue } = await import('./dialogue.js');
      return openDialogue({ input: view.standardInput(), output: view.standardError, signal: view.signal });
    },
    environmentFile() {
      const text = readEnvironmentText(view.directory);
      return text === null ? null : { text, values: readEnvironmentFile(view.directory) };
    },
    writeEnvironmentFile: (text) => writeEnvironmentText(view.directory, text),
    async log(level) {
      const { createLog } = await import('../../observability/log.js');
      return createLog({ level, ...(isTerminal ? { terminal: logTerminal(view) } : {}) });
    },
    async open({ readsOnly = false } = {}) {
      const { readHomeConfig } = await import('../../config/config.js');
      const config = readHomeConfig(variables());
      const { openCommandContext } = await import('./command-context.js');
      const { createLog } = await import('../../observability/log.js');
      return openCommandContext(config, {
        ...{ log: createLog({ level: 'silent' }), signal: view.signal, readsOnly },
        userName: view.userName,
      });
    },
    output: createOutput({
      // Both may hold what vendors, customers or the command line said.
      toOutput: (line, tone) => {
        const text = spelledText(line);
        view.standardOutput.write(`${tone !== undefined && inColours ? paint(text, tone) : text}\n`);
      },
      toErrors: (line) => view.standardError.write(`${spelledText(line)}\n`),
      columns: columnsOf(view.standardOutput),
      errorColumns: columnsOf(view.standardError),
      errorTerminal: view.standardError.isTTY === true && !isDumb(view.variables) ? view.standardError : null,
    }),
    async explain(error) {
      // Nothing of the database is loaded for a configuration that cannot be used.
      if (error instanceof ConfigError) return error;
      const { explainServerFault } = await import('../../db/connection/server-faults.js');
      return explainServerFault(error);
    },
    signal: view.signal,
    userName: view.userName,
    exit: view.exit,
    onMayPost: () => view.onMayPost?.(),
    overrides: view.overrides,
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Whether text gets colours: where a terminal shows it that knows them, and nobody said no (https://no-color.org).
 * `FORCE_COLOR` goes before both, as Node reads it: `0` and `false` are a no, whatever else it holds is a yes.
 */
export function wantsColours(variables: Variables, { isTerminal }: { readonly isTerminal: boolean }): boolean {
  const { FORCE_COLOR, NO_COLOR } = variables;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTerminal && (NO_COLOR ?? '') === '' && !isDumb(variables);
}

/** A terminal that knows no such sequences: nothing is coloured or drawn anew on it. */
function isDumb({ TERM }: Variables): boolean {
  return TERM === 'dumb';
}

function logTerminal({ standardOutput, variables }: ProcessView): LogTerminal {
  return {
    write: (text) => standardOutput.write(text),
    inColours: wantsColours(variables, { isTerminal: true }),
    // Asked for each line: a window may be made wider.
    toLines: (line) => wrapLine(plainText(line), columnsOf(standardOutput)),
  };
}

/** 0 when it is no terminal. */
function columnsOf({ isTTY, columns }: Pick<Terminal, 'isTTY' | 'columns'>): number {
  return isTTY === true ? (columns ?? 80) : 0;
}

const STYLES = { good: 'green', quiet: 'dim', attention: 'yellow', bad: 'red' } as const satisfies Record<Tone, string>;

function paint(text: string, tone: Tone): string {
  // Whether this terminal takes colours is decided by the caller, of its own terminal.
  return styleText(STYLES[tone], text, { validateStream: false });
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
