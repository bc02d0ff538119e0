/** Composition: what commands see of the process. Handed in, so that tests can run commands in their own process. */
import type { CommandEnvironment } from '../cli/ports.js';
import { type Bag, readEnvironment, readHomeConfig } from '../config.js';
import { createLog, type Log } from '../observability/log.js';

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Only a terminal is drawn on, and only drawing needs a whole stream. */
type ErrorOutput = NodeJS.WriteStream | { write(text: string): unknown; readonly isTTY?: false };

export interface ProcessView {
  readonly variables: Bag;
  readonly directory: string;
  readonly standardOutput: Terminal;
  readonly standardError: ErrorOutput;
  readonly signal: AbortSignal;
  readonly userName: string;
  exit(code: 0 | 1 | 2): void;
}

export interface AppEnvironment extends CommandEnvironment {
  /** The environment variables over the `.env` of the working directory. */
  variables(): Bag;
  log(level: string): Log;
}

export function commandEnvironment(view: ProcessView): AppEnvironment {
  const variables = () => readEnvironment(view.variables, view.directory);
  const isTerminal = view.standardOutput.isTTY === true;
  return {
    variables,
    log: (level) => createLog({ level, forPeople: isTerminal }),
    open: async () => {
      const config = readHomeConfig(variables());
      const { openCommandContext } = await import('./command-context.js');
      return openCommandContext(config, createLog({ level: 'silent', forPeople: false }));
    },
    output: {
      print: (line) => view.standardOutput.write(`${line}\n`),
      warn: (line) => view.standardError.write(`${line}\n`),
      columns: isTerminal ? (view.standardOutput.columns ?? 80) : 0,
      errorTerminal: view.standardError.isTTY === true ? view.standardError : null,
    },
    signal: view.signal,
    userName: view.userName,
    exit: view.exit,
  };
}
