/**
 * An interruption while something is opened: there is nothing in flight yet, so whatever waits for a server is ended at once.
 * From the moment on at which something may be in flight, the work itself hears the interruption and comes to its end.
 */

import { STOPPED } from '../coverage/sync-run.js';
import { SyncError } from './errors.js';
import { onAbort } from './on-abort.js';

export interface GivingUp {
  /** Aborted with the other one, unless `end` came before. */
  readonly signal: AbortSignal;
  /** From now on something may be in flight. */
  end(): void;
}

export function giveUpWith(signal: AbortSignal): GivingUp {
  const own = new AbortController();
  return { signal: own.signal, end: onAbort(signal, () => own.abort()) };
}

/** Whatever fails because of the interruption is told as one. Throws SyncError `stopped` then. */
export async function orStopped<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isItsOwn = error instanceof SyncError && error.kind === 'fatal';
    if (!signal.aborted || isItsOwn) throw error;
    throw stopped();
  }
}

/** Rejects when the signal is aborted, for a race with what does not hear it. */
export function interruption(signal: AbortSignal | undefined): { readonly comes: Promise<never>; end(): void } {
  let end = (): void => {};
  const comes = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(stopped()));
  });
  comes.catch(() => undefined);
  return { comes, end };
}

function stopped(): SyncError {
  return new SyncError('Interrupted before it was done; nothing was changed', { kind: 'transient', code: STOPPED });
}
