/**
 * Shows how a run goes on, on standard error: a bar on a terminal, otherwise a plain line now and then. Standard output
 * stays free for the result.
 */
import { Presets, SingleBar } from 'cli-progress';
import { formatCount, formatDuration } from '../core/base/time-text.js';
import type { RunProgress } from '../db/reads/runs.js';
import type { CommandOutput } from './ports.js';

/** Between two plain lines: often enough to see life, seldom enough for a log. */
const LINE_EVERY_MS = 5_000;

export interface ProgressView {
  /** Nobody has begun it yet. */
  waiting(): void;
  update(progress: RunProgress): void;
  /** A line of its own, which no bar is drawn over. */
  warn(line: string): void;
  /** Leaves the line that was shown last. */
  stop(): void;
}

type ProgressOutput = Pick<CommandOutput, 'warn' | 'note' | 'errorTerminal'>;

/** @param clock milliseconds that only ever grow */
export function createProgressView(
  output: ProgressOutput,
  clock: () => number = () => performance.now(),
): ProgressView {
  const rate = createRate(clock);
  const { errorTerminal } = output;
  return errorTerminal === null ? lineView(output, { clock, rate }) : barView(output, { stream: errorTerminal, rate });
}

function barView(
  output: ProgressOutput,
  { stream, rate }: { readonly stream: NodeJS.WritableStream; readonly rate: Rate },
): ProgressView {
  const bar = new SingleBar(
    {
      stream,
      format: '{stage} [{bar}] {settled} of {stored}{left}',
      hideCursor: true,
      linewrap: false,
      gracefulExit: false,
      barsize: 12,
    },
    Presets.shades_classic,
  );
  let begun = false;
  return {
    waiting: waitingTeller(output),
    update(progress) {
      const settled = progress.stored - progress.pending;
      const payload = {
        stage: progress.status.padEnd('collecting'.length),
        settled: formatCount(settled),
        stored: formatCount(progress.stored),
        left: leftText(progress, rate(settled)),
      };
      // A bar without a total is drawn full: nothing stored looks empty while it is read, and full once that was all.
      const isAll = progress.stored === 0 && progress.status === 'succeeded';
      const total = Math.max(1, progress.stored);
      const done = isAll ? total : settled;
      if (!begun) bar.start(total, done, payload);
      begun = true;
      bar.setTotal(total);
      bar.update(done, payload);
    },
    warn(line) {
      // The next update begins the bar anew, below the line.
      if (begun) bar.stop();
      begun = false;
      output.warn(line);
    },
    stop() {
      if (begun) bar.stop();
    },
  };
}

function lineView(
  output: ProgressOutput,
  { clock, rate }: { readonly clock: () => number; readonly rate: Rate },
): ProgressView {
  let shownAt = Number.NEGATIVE_INFINITY;
  let waiting: string | null = null;
  return {
    waiting: waitingTeller(output),
    update(progress) {
      const settled = progress.stored - progress.pending;
      const line =
        `${progress.status}: ${formatCount(settled)} of ${formatCount(progress.stored)} stored payments settled` +
        leftText(progress, rate(settled));
      waiting = line;
      if (clock() - shownAt < LINE_EVERY_MS) return;
      output.note(line);
      shownAt = clock();
      waiting = null;
    },
    warn: (line) => output.warn(line),
    stop() {
      if (waiting !== null) output.note(waiting);
      waiting = null;
    },
  };
}

/** Once: how long it is until a worker begins depends on what it has in hand. */
function waitingTeller(output: ProgressOutput): () => void {
  let told = false;
  return () => {
    if (!told) output.note('Waiting for a worker to begin the run.');
    told = true;
  };
}

/** Settled postings per second since the first look. */
type Rate = (settled: number) => number;

function createRate(clock: () => number): Rate {
  let first: { readonly at: number; readonly settled: number } | null = null;
  return (settled) => {
    first ??= { at: clock(), settled };
    const seconds = (clock() - first.at) / 1_000;
    return seconds > 0 ? (settled - first.settled) / seconds : 0;
  };
}

function leftText({ pending, parked, dismissed }: RunProgress, perSecond: number): string {
  const parts: string[] = [];
  if (perSecond > 0) parts.push(`${formatCount(Math.round(perSecond))}/s`);
  if (pending > 0) parts.push(`${formatCount(pending)} left`);
  if (pending > 0 && perSecond > 0) parts.push(`about ${formatDuration((pending / perSecond) * 1_000)}`);
  if (parked > dismissed) parts.push(`${formatCount(parked - dismissed)} parked`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}
