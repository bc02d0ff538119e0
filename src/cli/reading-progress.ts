/**
 * Shows how a reading of Stripe goes on, on standard error: one line that is drawn anew on a terminal, otherwise a plain
 * line now and then. Standard output stays free for the result.
 */
import { formatCount, formatDuration } from '../core/base/time-text.js';
import type { ReadingListener, ReadingProgress } from '../operations/reading-progress.js';
import { fitText } from '../views/text-width.js';
import type { CommandOutput } from './ports.js';

export interface ReadingView extends ReadingListener {
  /** Leaves the line that was shown last. */
  stop(): void;
}

/** Often enough to see life, seldom enough for an eye and for a log. */
const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;

/** A terminal narrower than what is said would wrap, and then show each line twice. */
const DRAWN_WIDTH_MAX = 79;

/** @param clock milliseconds that only ever grow */
export function createReadingView(
  output: Pick<CommandOutput, 'note' | 'errorTerminal'>,
  clock: () => number = () => performance.now(),
): ReadingView {
  const terminal = output.errorTerminal;
  let begunAt = clock();
  let shownAt = terminal === null ? begunAt : Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    begin() {
      begunAt = clock();
      if (terminal === null) shownAt = begunAt;
    },
    update(progress) {
      const now = clock();
      if (now - shownAt < (terminal === null ? LINE_EVERY_MS : DRAW_EVERY_MS)) return;
      shownAt = now;
      const line = progressText(progress, now - begunAt);
      if (terminal === null) return output.note(line);
      isDrawn = true;
      terminal.write(`\r\u001b[2K${fitText(line, DRAWN_WIDTH_MAX)}`);
    },
    stop() {
      if (isDrawn) terminal?.write('\n');
      isDrawn = false;
    },
  };
}

/** `12,300 payments read, 810/s, 45% of the time, about 20s left`. */
export function progressText({ payments, share, shareAtBegin }: ReadingProgress, elapsedMs: number): string {
  const parts = [`${formatCount(payments)} payments read`];
  if (elapsedMs > 0) parts.push(`${formatCount(Math.round(payments / (elapsedMs / 1_000)))}/s`);
  parts.push(`${Math.floor(share * 100)}% of the time`);
  const read = share - shareAtBegin;
  if (read > 0 && share < 1) parts.push(`about ${formatDuration(((1 - share) / read) * elapsedMs)} left`);
  return parts.join(', ');
}
