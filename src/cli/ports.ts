/**
 * What commands need from the composition root. A command opens what it needs, prints, and leaves; it never constructs
 * an adapter and never reads the environment.
 */
import type { ReadModel } from '../db/reads/read-model.js';
import type { DryRunAsked } from '../operations/dry-run.js';
import type { RequestOperations } from '../operations/request-operations.js';
import type { Tone } from '../views/status-text.js';

/** A connection to database and queue, for the length of one command. */
export interface CommandContext {
  readonly reads: ReadModel;
  readonly operations: RequestOperations;
  close(): Promise<void>;
}

/** What `--dry-run` of a command would have done. */
export type DryRunRequest = DryRunAsked & { readonly json: boolean };

/** Reads, counts and prints; stores and posts nothing. Sets the exit code by itself. */
export type RunDry = (request: DryRunRequest) => Promise<void>;

export interface CommandOutput {
  /** One line to standard output; on a terminal broken between words. */
  print(line: string, tone?: Tone): void;
  /** The same for programs: as it is. */
  printData(line: string): void;
  /** To standard error, as all below: what somebody should know who has the result. */
  warn(line: string): void;
  /** How it goes on, for whoever waits. */
  note(line: string): void;
  /** Why there is no result, or not all of it. */
  fail(error: unknown): void;
  /** From now on standard error gets JSON, one object a line. */
  expectJson(): void;
  isJson(): boolean;
  /** Columns of the terminal; 0 when standard output is not a terminal. */
  readonly columns: number;
  /** Standard error where it is a terminal, for what is drawn and redrawn; null where it is none. */
  readonly errorTerminal: NodeJS.WritableStream | null;
}

/** What every command file gets. */
export interface CommandEnvironment {
  /** What only reads is ended by an interruption at any time, other work only while it opens. */
  open(options?: { readonly readsOnly?: boolean }): Promise<CommandContext>;
  readonly output: CommandOutput;
  /** A fault of PostgreSQL's in words for people; anything else as it is. */
  explain(error: unknown): Promise<unknown>;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /** Who dismisses and accepts: the operating system's user name. */
  readonly userName: string;
  /** Sets the exit code: 0 its own work is done, 1 done and found something wrong or failed, 2 could not start. */
  exit(code: 0 | 1 | 2): void;
}
