/** Shows which day is being proven, on standard error: a bar on a terminal, otherwise a plain line now and then. */
import { Presets, SingleBar } from 'cli-progress';
import { formatCount } from '../core/base/time-text.js';
import type { CommandOutput } from './ports.js';

/** Between two plain lines: often enough to see life, seldom enough for a log. */
const LINE_EVERY_MS = 5_000;

export interface ProvingView {
  onDay(day: string, progress: { readonly done: number; readonly all: number }): void;
  stop(): void;
}

/** @param clock milliseconds that only ever grow */
export function createProvingView(
  output: Pick<CommandOutput, 'note' | 'errorTerminal'>,
  clock: () => number = () => performance.now(),
): ProvingView {
  const { errorTerminal } = output;
  if (errorTerminal === null) return lineView(output, clock);
  const bar = new SingleBar(
    {
      stream: errorTerminal,
      format: 'proving {day} [{bar}] {value} of {total} days',
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
    onDay(day, { done, all }) {
      if (!begun) bar.start(all, done, { day });
      begun = true;
      bar.update(done, { day });
    },
    stop() {
      if (begun) bar.stop();
    },
  };
}

function lineView(output: Pick<CommandOutput, 'note' | 'errorTerminal'>, clock: () => number): ProvingView {
  let shownAt = clock();
  return {
    onDay(day, { done, all }) {
      if (clock() - shownAt < LINE_EVERY_MS) return;
      shownAt = clock();
      output.note(`proving ${day}: ${formatCount(done)} of ${formatCount(all)} days done`);
    },
    stop() {},
  };
}
