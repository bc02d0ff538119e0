/**
 * Shows which step of how many is being done, how fast and how long still, on standard error: a bar on a terminal, otherwise
 * a plain line now and then. A step that takes long is told again and again, so that nobody takes it for one that hangs.
 */
import { Presets, SingleBar } from 'cli-progress';
import { formatCount, formatDuration } from '../core/base/time-text.js';
import type { CommandOutput } from './ports.js';

/** Between two plain lines: often enough to see life, seldom enough for a log. */
const LINE_EVERY_MS = 5_000;
/** Leaves room for what is told beside it on a narrow terminal. */
const BAR_CELLS = 12;
/** While one step lasts. */
const TOLD_AGAIN_EVERY_MS = 1_000;

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

type StepsOutput = Pick<CommandOutput, 'note' | 'errorTerminal'>;

/** @param clock milliseconds that only ever grow */
export function createStepsView(output: StepsOutput, clock: () => number = () => performance.now()): StepsView {
  const { errorTerminal } = output;
  const { show, end } = errorTerminal === null ? lineView(output, clock) : barView(errorTerminal);
  let pace = createPace(clock);
  let shown: Step | null = null;
  const tell = () => {
    if (shown !== null) show(shown, pace(shown));
  };
  let again: NodeJS.Timeout | null = null;
  return {
    onStep(step) {
      // Another kind of step has a pace of its own.
      if (shown !== null && shown.unit !== step.unit) pace = createPace(clock);
      shown = step;
      tell();
      again ??= setInterval(tell, TOLD_AGAIN_EVERY_MS).unref();
    },
    stop() {
      if (again !== null) clearInterval(again);
      end();
    },
  };
}

interface Shown {
  show(step: Step, pace: string): void;
  end(): void;
}

function barView(stream: NodeJS.WritableStream): Shown {
  const bar = new SingleBar(
    {
      stream,
      format: '{doing} [{bar}] {value} of {total} {unit}{pace}',
      hideCursor: true,
      linewrap: false,
      clearOnComplete: true,
      gracefulExit: false,
      barsize: BAR_CELLS,
    },
    Presets.shades_classic,
  );
  let begun = false;
  return {
    show({ done, all, doing, unit }, pace) {
      if (!begun) bar.start(all, done, { doing, unit, pace });
      begun = true;
      bar.setTotal(all);
      bar.update(done, { doing, unit, pace });
    },
    end() {
      if (begun) bar.stop();
    },
  };
}

function lineView(output: StepsOutput, clock: () => number): Shown {
  let shownAt = clock();
  return {
    show({ done, all, doing, unit }, pace) {
      if (clock() - shownAt < LINE_EVERY_MS) return;
      shownAt = clock();
      output.note(`${doing}: ${formatCount(done)} of ${formatCount(all)} ${unit} done${pace}`);
    },
    end() {},
  };
}

/** `, 12/s, about 20s left`; before there is a pace how long it has lasted, once that is worth saying. */
function createPace(clock: () => number): (step: Step) => string {
  let first: { readonly at: number; readonly done: number } | null = null;
  return ({ done, all }) => {
    first ??= { at: clock(), done };
    const elapsedMs = clock() - first.at;
    const perMs = elapsedMs > 0 ? (done - first.done) / elapsedMs : 0;
    if (perMs === 0) return elapsedMs < TOLD_AGAIN_EVERY_MS ? '' : `, for ${formatDuration(elapsedMs)}`;
    return `, ${rateText(perMs)}, about ${formatDuration((all - done) / perMs)} left`;
  };
}

/** What takes longer than a second a piece is counted by the minute. */
function rateText(perMs: number): string {
  const perSecond = perMs * 1_000;
  return perSecond >= 1 ? `${formatCount(Math.round(perSecond))}/s` : `${(perSecond * 60).toFixed(1)}/min`;
}
