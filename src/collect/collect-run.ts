/**
 * One sync run around one reading: opens the row, lets the reading store its pages, and closes the row as collected or
 * failed. A failed run keeps what it stored and covered; the next run reads the rest.
 */
import type { ErrorCode } from '../core/base/error-codes.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { STOPPED } from '../core/coverage/sync-run.js';
import type { CollectedCounts, CollectStore, NewRun, OpenRun } from './ports.js';

export interface CollectedRun {
  readonly runId: string;
  /** Null when it was stopped before its end. */
  readonly counts: CollectedCounts | null;
  /** False when the worker is shutting down and the rest is left to a later run. */
  readonly complete: boolean;
}

export interface RunReading {
  readonly complete: boolean;
  /** The end of the window as it turned out; null leaves it as it was asked. */
  readonly windowTo: Date | null;
}

/** Runs `read` inside a sync run of its own. Rethrows its error after the run was marked `failed`. */
export async function collectRun(
  store: CollectStore,
  newRun: NewRun,
  read: (run: OpenRun) => Promise<RunReading>,
): Promise<CollectedRun> {
  return collectInRun(store, await store.openRun(newRun), read);
}

/** The same in a run that is open. */
export async function collectInRun(
  store: CollectStore,
  run: OpenRun,
  read: (run: OpenRun) => Promise<RunReading>,
): Promise<CollectedRun> {
  try {
    const { complete, windowTo } = await read(run);
    if (complete) return { runId: run.id, complete, counts: await store.finishRun(run, windowTo) };
    return await stopRun(store, run);
  } catch (error) {
    if (error instanceof SyncError && error.code === STOPPED) return stopRun(store, run);
    if (!(error instanceof SyncError && error.code === 'run_lost')) {
      // Where even this cannot be written, a living worker closes the silent run later; the first fault is what counts.
      await Promise.allSettled([store.failRun(run, { code: errorCode(error), message: describeError(error) })]);
    }
    throw error;
  }
}

/** The worker is shutting down: nothing failed, and the next run goes on from the coverage. */
async function stopRun(store: CollectStore, run: OpenRun): Promise<CollectedRun> {
  await store.failRun(run, {
    code: STOPPED,
    message: 'The worker was stopped; the next run goes on from the coverage.',
  });
  return { runId: run.id, complete: false, counts: null };
}

function errorCode(error: unknown): ErrorCode {
  return error instanceof SyncError ? error.code : 'unexpected';
}
