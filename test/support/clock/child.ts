/**
 * A worker whose clock is wrong, with shorter waits and with points to stand at; commands can be run in it, so that they
 * see the same wrong clock. Its one argument is JSON; further orders come over its channel.
 */
import { tmpdir } from 'node:os';
import { commandEnvironment } from '../../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../../src/app/commands/compose-command-line.js';
import { endSoon, untilInterrupted } from '../../../src/app/process-life.js';
import type { Timings } from '../../../src/app/timings.js';
import { runCommandLine } from '../../../src/cli/command-line.js';
import type { Bag } from '../../../src/config/environment.js';
import { type CrashPoint, standAtPoints } from '../crash/points.js';
import { liveAsWorker } from '../process/live-as-worker.js';
import { type ShiftOptions, shiftClocks } from './shift.js';

export interface ClockOrder {
  readonly variables: Bag;
  readonly timings: Partial<Timings>;
  readonly clock: ShiftOptions;
  /** Stands still here when it comes by first, until it is told to go on. */
  readonly standAt: CrashPoint | null;
}

/** From the parent. */
export type ClockInstruction = { readonly goOn: true } | { readonly command: readonly string[] };

/** To the parent. */
export type ClockNews =
  | { readonly standsAt: CrashPoint }
  | { readonly code: number; readonly output: string; readonly errors: string };

async function runCommand(variables: Bag, words: readonly string[], signal: AbortSignal): Promise<ClockNews> {
  const end = { code: 0, output: '', errors: '' };
  const environment = commandEnvironment({
    variables: { ...variables, LOG_LEVEL: 'silent' },
    directory: tmpdir(),
    standardOutput: { write: (text) => (end.output += text) },
    standardError: { write: (text) => (end.errors += text) },
    signal,
    userName: 'tester',
    exit: (code) => {
      end.code = code;
    },
  });
  await runCommandLine(composeCommandLine(environment), environment, words);
  return end;
}

async function main({ variables, timings, clock, standAt }: ClockOrder): Promise<void> {
  shiftClocks(clock);
  const interrupted = untilInterrupted(process, (line) => process.stderr.write(`${line}\n`));
  const tell = (news: ClockNews) => process.send?.(news);
  let goOn = (): void => {};
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  process.on('message', (instruction: ClockInstruction) => {
    if ('goOn' in instruction) goOn();
    else void runCommand(variables, instruction.command, interrupted).then(tell);
  });
  process.channel?.unref();
  let wanted = standAt;
  const decorate = standAtPoints(async (point) => {
    if (point !== wanted) return;
    wanted = null;
    tell({ standsAt: point });
    await told;
  });
  await liveAsWorker({ variables, timings, adopt: false, overrides: { decorate } }, interrupted);
  endSoon(process);
}

const [order] = process.argv.slice(2);
if (order !== undefined) await main(JSON.parse(order));
