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

/**
 * @returns aborted by the first SIGINT, SIGTERM or SIGHUP. A closed terminal (SIGHUP) is no reason to leave a post
 *   behind, nor a private PostgreSQL. Ctrl-C is acknowledged at once, and a second one leaves at once.
 * @param mayPost whether Blnk may be at work on something of this process
 */
export function untilInterrupted(
  own: LivingProcess,
  warn: (line: string) => void,
  mayPost: () => boolean = () => true,
): AbortSignal {
  const interrupted = new AbortController();
  let firstAtMs: number | null = null;
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) own.on(signal, () => interrupted.abort());
  own.on('SIGINT', () => {
    const nowMs = performance.now();
    firstAtMs ??= nowMs;
    if (!interrupted.signal.aborted) warn('Stopping. Ctrl-C once more leaves at once.');
    interrupted.abort();
    if (nowMs - firstAtMs < SAME_REQUEST_MS) return;
    const left = ' What was in flight is looked up at the next start; Blnk may hold its balances for 5 minutes.';
    warn(`Left at once.${mayPost() ? left : ''}`);
    own.exit(1);
  });
  return interrupted.signal;
}

/**
 * A stream that people read has failed. Where its terminal is gone (EIO) the work is told by a signal, and ends in order
 * without words; a reader that closed its end (`| head`) reads no more.
 */
export function onOutputFailed(own: LivingProcess, error: NodeJS.ErrnoException): void {
  if (error.code !== 'EIO') own.exit();
}

/** To be called when the work is over and the exit code is set. */
export function endSoon(own: LivingProcess): void {
  setTimeout(() => own.exit(), END_WITHIN_MS).unref();
}
