/** Asks for all payments created in a window to be read again. What is known already is not stored twice. */
import { SyncError } from '../core/base/errors.js';
import { Refusal } from '../core/base/refusal.js';
import { formatTime, type Moment, resolveMoment } from '../core/base/time-text.js';
import { floorToSecond, type Window } from '../core/base/window.js';
import type { RequestPorts } from './request-ports.js';
import { tellQueue } from './tell-queue.js';

export interface BackfillAsked {
  readonly from: Moment;
  /** The moment after the last one. */
  readonly to: Moment;
}

export interface BackfillRequested {
  /** On the database's clock. */
  readonly requestedAt: Date;
  readonly window: Window;
  readonly runId: string;
  /** Why the queue could not be told; null when it was. Workers find what is to be read all the same. */
  readonly queueFault: unknown;
}

/** Throws a Refusal for a window that cannot be read. */
export async function requestBackfill(
  { reads, requests }: Pick<RequestPorts, 'reads' | 'requests'>,
  { from, to }: BackfillAsked,
): Promise<BackfillRequested> {
  const now = await reads.databaseNow();
  const window = { from: floorToSecond(resolveMoment(from, now)), to: floorToSecond(resolveMoment(to, now)) };
  if (window.from >= window.to || window.to > now) {
    throw new Refusal(
      new SyncError(
        `The window ${formatTime(window.from)} to ${formatTime(window.to)} cannot be read: ` +
          `--from must be before --to, and --to not after now (${formatTime(now)} UTC)`,
        { kind: 'fatal', code: 'window_unreadable' },
      ),
    );
  }
  const { runId, parts } = await requests.backfill(window);
  const queueFault = await tellQueue(() => requests.requestParts(parts));
  return { requestedAt: now, window, runId, queueFault };
}
