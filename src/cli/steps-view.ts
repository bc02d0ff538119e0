/** Shows which step of how many is being done, on standard error: a bar on a terminal, otherwise a plain line now and then. */
import { Presets, SingleBar } from 'cli-progress';
import { formatCount } from '../core/base/time-text.js';
import type { CommandOutput } from './ports.js';

/** Between two plain lines: often enough to see life, seldom enough for a log. */
const LINE_EVERY_MS = 5_000;

export interface Step {
  /** `proving 2026-11-12`. */
  readonly doing: string;
  readonly done: number;
  readonly all: number;
  /** What is counted: `days`. */
  readonly unit: string;
}

export interface StepsView {
  onStep(step: Step): void;
  stop(): void;
}

/** @param clock milliseconds that only ever grow */
export function createStepsView(
  output: Pick<CommandOutput, 'note' | 'errorTerminal'>,
  clock: () => number = () => performance.now(),
): StepsView {
  const { errorTerminal } = output;
  if (errorTerminal === null) return lineView(output, clock);
  const bar = new SingleBar(
    {
      stream: errorTerminal,
      format: '{doing} [{bar}] {value} of {total} {unit}',
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      gracefulExit: false,
      barsize: 30,
    },
    Presets.shades_classic,
  );
  let begun = false;
  return {
    onStep({ done, all, doing, unit }) {
      if (!begun) bar.start(all, done, { doing, unit });
      begun = true;
      bar.setTotal(all);
      bar.update(done, { doing, unit });
    },
    stop() {
      if (begun) bar.stop();
    },
  };
}

function lineView(output: Pick<CommandOutput, 'note' | 'errorTerminal'>, clock: () => number): StepsView {
  let shownAt = clock();
  return {
    onStep({ done, all, doing, unit }) {
      if (clock() - shownAt < LINE_EVERY_MS) return;
      shownAt = clock();
      output.note(`${doing}: ${formatCount(done)} of ${formatCount(all)} ${unit} done`);
    },
    stop() {},
  };
}
