/** Starts workers whose clock is wrong, and tells them what to do. Has no assertions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Timings } from '../../../src/app/timings.js';
import type { CrashPoint } from '../crash/points.js';
import { type Child, startChild } from '../process/child.js';
import type { CommandEnd } from '../process/command.js';
import { QUICK, type Variables } from '../process/session.js';
import { until } from '../process/wait.js';
import type { ClockInstruction, ClockNews, ClockOrder } from './child.js';
import { type ClockError, type ShiftOptions, writeClockError } from './shift.js';

export interface ClockWorker extends Child {
  /** Where it stands; null before it came by, or for one that was to stand nowhere. */
  standsAt(): string | null;
  goOn(): void;
  setClock(error: Partial<ClockError>): void;
  /** A command in that process, under its clock. One at a time. */
  run(words: readonly string[]): Promise<CommandEnd>;
}

export interface ClockWorkerOptions {
  readonly variables: Variables;
  readonly timings?: Partial<Timings>;
  readonly clock?: Partial<ClockError>;
  readonly jumps?: ShiftOptions['jumps'];
  readonly standAt?: CrashPoint;
  /** Of the process: `TZ`. */
  readonly zone?: string;
}

export function startClockWorker(options: ClockWorkerOptions): ClockWorker {
  const directory = mkdtempSync(join(tmpdir(), 'clock-'));
  const file = join(directory, 'error');
  let clock: ClockError = { wallMs: 0, sleptMs: 0, ...options.clock };
  writeClockError(file, clock);
  const order: ClockOrder = {
    variables: options.variables,
    timings: { ...QUICK, ...options.timings },
    clock: { file, jumps: options.jumps ?? null },
    standAt: options.standAt ?? null,
  };
  let standsAt: string | null = null;
  const ends: CommandEnd[] = [];
  const child = startChild({
    script: 'test/support/clock/child.ts',
    words: [JSON.stringify(order)],
    variables: options.zone === undefined ? {} : { TZ: options.zone },
    onMessage(message) {
      const news = message as unknown as ClockNews;
      if ('standsAt' in news) standsAt = news.standsAt;
      else ends.push(news);
    },
  });
  const tell = (instruction: ClockInstruction) => child.send(instruction as never);
  void child.ended.finally(() => rmSync(directory, { recursive: true, force: true }));
  return {
    ...child,
    standsAt: () => standsAt,
    goOn: () => tell({ goOn: true }),
    setClock(error) {
      clock = { ...clock, ...error };
      writeClockError(file, clock);
    },
    run(words) {
      tell({ command: words });
      return until(`the command ${words.join(' ')} ends`, () => ends.shift(), {
        timeoutMs: 60_000,
        explain: () => child.output() + child.errors(),
      });
    },
  };
}
