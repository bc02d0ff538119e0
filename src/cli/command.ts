/**
 * What all commands share: opening and closing the context, turning faults into exit codes, and options that are checked
 * while the command line is read, so that a wrong value costs no connection.
 */
import { InvalidArgumentError, Option } from 'commander';
import { describeFault } from '../core/errors.js';
import { type Moment, parseDuration, parseMoment } from '../core/time-text.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

/**
 * Opens, works, closes. Exit 2 when it could not open; 1 when the work failed; else what the work says. A fault while
 * closing is told and changes nothing: the work is done, and its exit code says how.
 */
export async function withContext(
  environment: CommandEnvironment,
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  let context: CommandContext;
  try {
    context = await environment.open();
  } catch (error) {
    environment.output.warn(describeFault(error));
    environment.exit(2);
    return;
  }
  try {
    await work(context);
  } catch (error) {
    environment.output.warn(describeFault(error));
    environment.exit(1);
  }
  try {
    await context.close();
  } catch (error) {
    environment.output.warn(`The connections did not close cleanly: ${describeFault(error)}`);
  }
}

export function printLines(environment: CommandEnvironment, lines: readonly string[]): void {
  for (const line of lines) environment.output.print(line);
}

/** A request needs a worker. Says so at once, instead of letting somebody wait for nothing. */
export async function warnWithoutWorker(
  environment: Pick<CommandEnvironment, 'output'>,
  context: { readonly reads: Pick<CommandContext['reads'], 'livingWorkers'> },
): Promise<void> {
  if ((await context.reads.livingWorkers()).length > 0) return;
  environment.output.warn(
    'No worker is running: this waits until one starts (stripe-blnk-sync worker), and is then done.',
  );
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of text');
}

/** With it the command reads in its own process and needs no worker; `--wait` then has nothing to wait for. */
export function dryRunOption(): Option {
  return new Option(
    '--dry-run',
    'only read and count: say what it would store and post, and what it would take',
  ).conflicts('wait');
}

export function limitOption(rows: number): Option {
  return new Option('--limit <rows>', 'how many rows at most, up to 1000').default(rows).argParser(parseLimit);
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

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1_000) return limit;
  throw new InvalidArgumentError('Allowed: 1 to 1000.');
}
