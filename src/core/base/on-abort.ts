/**
 * Waits for an abort without deriving a signal: Node 20 keeps some bytes of every signal that `AbortSignal.any` derived from
 * one that lives as long as the process, and requests come by the million.
 */

/** Calls `stop` when the signal is aborted; at once when it already is. @returns what ends the waiting */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return () => signal?.removeEventListener('abort', stop);
}
