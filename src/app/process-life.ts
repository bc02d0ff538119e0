/**
 * What a process owes to whoever started it: it hears signals, it can be told twice, and it ends when its work has ended.
 * It is handed the process, so that only entry points touch it.
 */

/** What is needed of Node's `process`. */
export interface LivingProcess {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code?: number): never;
}

/** `npm start` hands the terminal's Ctrl-C on although the terminal did so itself: that is one request, not two. */
const SAME_REQUEST_MS = 1_000;

/** After its work nothing may hold the process but what was given up on purpose: a post that outlives the grace. */
const END_WITHIN_MS = 1_000;

/** @returns aborted by the first SIGINT or SIGTERM. A second Ctrl-C leaves at once: nobody waits against their will. */
export function untilInterrupted(own: LivingProcess, warn: (line: string) => void): AbortSignal {
  const interrupted = new AbortController();
  let firstAtMs: number | null = null;
  own.on('SIGTERM', () => interrupted.abort());
  own.on('SIGINT', () => {
    const nowMs = performance.now();
    firstAtMs ??= nowMs;
    interrupted.abort();
    if (nowMs - firstAtMs < SAME_REQUEST_MS) return;
    warn('Left at once. What was in flight is looked up at the next start; Blnk may hold its balances for 5 minutes.');
    own.exit(1);
  });
  return interrupted.signal;
}

/** To be called when the work is over and the exit code is set. */
export function endSoon(own: LivingProcess): void {
  setTimeout(() => own.exit(), END_WITHIN_MS).unref();
}
