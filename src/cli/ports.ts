/**
 * What commands need from the composition root. A command opens what it needs, prints, and leaves; it never constructs
 * an adapter and never reads the environment.
 */
import type { Lane } from '../core/posting.js';
import type { Trigger } from '../core/sync-run.js';
import type { Moment } from '../core/time-text.js';
import type { ParkedStore, ReadModel } from '../db/reads/read-model.js';

/** A connection to database and queue, for the length of one command. */
export interface CommandContext {
  readonly reads: ReadModel;
  readonly parked: ParkedStore;
  readonly requests: {
    /** Puts the deduplicated `sync` job on the queue that any running worker takes. */
    sync(trigger: Trigger): Promise<void>;
    /** Stores a backfill request (a parent run) and wakes the workers. Answers the parent run's id. */
    backfill(window: { readonly from: Date; readonly to: Date }): Promise<string>;
    wakeLanes(lanes: readonly Lane[]): Promise<void>;
  };
  close(): Promise<void>;
}

/** What `--dry-run` of a command would have done. */
export type DryRunRequest =
  | { readonly kind: 'sync'; readonly json: boolean }
  | { readonly kind: 'backfill'; readonly from: Moment; readonly to: Moment; readonly json: boolean };

/** Reads, counts and prints; stores and posts nothing. Sets the exit code by itself. */
export type RunDry = (request: DryRunRequest) => Promise<void>;

export interface CommandOutput {
  /** One line to standard output. */
  print(line: string): void;
  /** One line to standard error. */
  warn(line: string): void;
  /** Columns of the terminal; 0 when standard output is not a terminal. */
  readonly columns: number;
  /** Standard error where it is a terminal, for what is drawn and redrawn; null where it is none. */
  readonly errorTerminal: NodeJS.WritableStream | null;
}

/** What every command file gets. */
export interface CommandEnvironment {
  open(): Promise<CommandContext>;
  readonly output: CommandOutput;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Who dismisses: the operating system's user name. */
  readonly userName: string;
  /** Sets the exit code: 0 its own work is done, 1 done and found something wrong or failed, 2 could not start. */
  exit(code: 0 | 1 | 2): void;
}
