/**
 * What all commands share: opening and closing the context, turning faults into exit codes, and options that are checked
 * while the command line is read, so that a wrong value costs no connection.
 */
import { InvalidArgumentError, Option } from 'commander';
import { describeFault, SyncError } from '../core/base/errors.js';
import { orStopped } from '../core/base/give-up.js';
import { commandLine } from '../core/base/own-command.js';
import { Refusal } from '../core/base/refusal.js';
import { formatCount, type Moment, parseDuration, parseMoment } from '../core/base/time-text.js';
import { isPlansDismissal } from '../core/repair/repair-plan.js';
import type { RequestOperations } from '../operations/request-operations.js';
import { plainText } from '../views/text-width.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

export interface Work<Opened> {
  open(): Promise<Opened>;
  /** Prints, and sets the exit code where it is not 0. */
  work(opened: Opened): Promise<void>;
  /** Of work that failed, where 1 means something else. */
  readonly codeOfFault?: 1 | 2;
}

/**
 * Opens, works, closes. Exit 2 when it could not open, or when the work was refused before it began; 1 when it failed; else
 * what the work says. A fault while closing is reported and changes nothing: the work is done, and its exit code says how.
 */
export async function withOpened<Opened extends { close(): Promise<void> }>(
  { output, exit, explain }: Pick<CommandEnvironment, 'output' | 'exit' | 'explain'>,
  { open, work, codeOfFault = 1 }: Work<Opened>,
): Promise<void> {
  let opened: Opened;
  try {
    opened = await open();
  } catch (error) {
    output.fail(await explain(error));
    exit(2);
    return;
  }
  try {
    await work(opened);
  } catch (error) {
    // A cursor is a part of the command line, and only the database knows whether it is one.
    const isRefused = error instanceof Refusal || (error instanceof SyncError && error.code === 'cursor_unknown');
    output.fail(await explain(error instanceof Refusal ? error.reason : error));
    exit(isRefused ? 2 : codeOfFault);
  }
  try {
    await opened.close();
  } catch (error) {
    output.warn(`The connections did not close cleanly: ${describeFault(error)}`);
  }
}

/**
 * For commands that ask and read, without Stripe and Blnk.
 *
 * @param options.readsOnly an interruption ends it wherever it is
 */
export function withContext(
  environment: CommandEnvironment,
  work: (context: CommandContext) => Promise<void>,
  { readsOnly = false, ...options }: Pick<Work<CommandContext>, 'codeOfFault'> & { readonly readsOnly?: boolean } = {},
): Promise<void> {
  return withOpened(environment, {
    open: () => environment.open({ readsOnly }),
    work: (context) => (readsOnly ? orStopped(environment.signal, () => work(context)) : work(context)),
    ...options,
  });
}

export function printLines(environment: CommandEnvironment, lines: readonly string[]): void {
  for (const line of lines) environment.output.print(line);
}

/** A command that lists, with the options that were given. */
export interface ListCommand {
  readonly command: string;
  readonly options: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Beneath a list that was cut: how many of how many it shows, and what to type for the others. */
export function moreLine(shown: number, { command, options }: ListCommand, count?: number): string {
  const given = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name} ${value}`];
  });
  const what = count === undefined ? formatCount(shown) : `${formatCount(shown)} of ${formatCount(count)}`;
  return `${what} shown; more with: ${commandLine([command, ...given].join(' '))}`;
}

/** Whom a request reaches. */
export type Asking = Pick<RequestOperations, 'readAudience'>;

/**
 * A request needs a worker, and one that takes jobs from the same queue. Says so at once, instead of letting somebody wait
 * for nothing. Answers how many workers there are.
 */
export async function warnWithoutWorker(
  { output }: Pick<CommandEnvironment, 'output'>,
  { readAudience }: Asking,
): Promise<number> {
  const { workers, unserved } = await readAudience();
  if (unserved !== null) {
    output.warn(`${unserved}. Until then workers find what is due in the database within a minute.`);
  }
  if (workers > 0) return workers;
  output.warn(`No worker is running. The request is carried out once one starts: ${commandLine('worker')}`);
  return 0;
}

/** After what was done was said: nobody should take this for a failure of it. */
export function warnQueueNotTold({ output }: Pick<CommandEnvironment, 'output'>, queueFault: unknown): void {
  if (queueFault === null) return;
  output.warn(`Done, but the queue could not be told: ${describeFault(queueFault)}`);
  output.warn('You need not repeat it: running workers check the database once a minute and find it there.');
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of text');
}

/** Of a decision that is kept. */
export function whyOption(): Option {
  return new Option('--why <text>', 'the reason, kept with your user name').argParser(parseWhy).makeOptionMandatory();
}

export function byOption(what = 'who decided, in place of your user name'): Option {
  return new Option('--by <name>', what).argParser(parseName);
}

/** With it the command reads in its own process and needs no worker; `--wait` then has nothing to wait for. */
export function dryRunOption(): Option {
  return new Option(
    '--dry-run',
    'only read and count: say what it would store and post, and what it would take',
  ).conflicts('wait');
}

export const LIMIT_MAX = 1_000;

export function limitOption(rows: number): Option {
  return new Option('--limit <rows>', `how many rows at most, up to ${LIMIT_MAX}`).default(rows).argParser(parseLimit);
}

export function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long --wait waits, e.g. 90s, 10m, 2h')
    .default(parseDuration('10m'), '10m')
    .argParser(parseTimeout);
}

/** For `argParser`. */
export function parseTime(text: string): Moment {
  const moment = parseMoment(text);
  if (moment !== undefined) return moment;
  throw new InvalidArgumentError('Allowed: a UTC date (2026-11-21), a time (2026-11-21T10:00:00Z), 30d (ago), now.');
}

/** For `argParser`: `2026-11-21`, a UTC day that exists. */
export function parseDay(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && parseMoment(text) !== undefined) return text;
  throw new InvalidArgumentError('Allowed: a UTC day, e.g. 2026-11-21.');
}

function parseTimeout(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return durationMs;
  throw new InvalidArgumentError('Allowed: a number with s, m, h or d, e.g. 90s, 10m, 2h.');
}

/** Of `actions`. For `argParser`. */
export function parseActionId(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('Allowed: the id in the --after option that the previous page printed.');
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`Allowed: 1 to ${LIMIT_MAX}.`);
}

function parseName(text: string): string {
  const name = plainText(text).trim();
  if (name === '') throw new InvalidArgumentError('Allowed: a name that is not empty.');
  if (isPlansDismissal(name)) {
    throw new InvalidArgumentError("Allowed: a person's name; this form is reserved for repair plans and rebuilds.");
  }
  return name;
}

function parseWhy(text: string): string {
  const why = plainText(text).trim();
  if (why === '') throw new InvalidArgumentError('Say why: whoever reads it later has nothing else.');
  return why;
}
