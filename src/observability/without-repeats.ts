/**
 * Keeps an outage from filling the log: a warning or error that is the same as one just said is counted, and said again
 * once a minute with its count. What differs is always said. Info and debug pass.
 */
import type { Log } from './log.js';

const SAID_AGAIN_AFTER_MS = 60_000;

/** Texts of faults may differ without end; the oldest are forgotten. */
const REMEMBERED_MAX = 200;

/** @returns the log, without repeats */
export function withoutRepeats(log: Log, monotonicMs: () => number): Log {
  const said = new Map<string, { readonly atMs: number; repeats: number }>();
  const once =
    (level: 'warn' | 'error') =>
    (fields: object, message: string): void => {
      const key = keyOf(level, fields, message);
      const earlier = said.get(key);
      if (earlier !== undefined && monotonicMs() - earlier.atMs < SAID_AGAIN_AFTER_MS) {
        earlier.repeats += 1;
        return;
      }
      said.delete(key);
      said.set(key, { atMs: monotonicMs(), repeats: 0 });
      const [oldest] = said.keys();
      if (said.size > REMEMBERED_MAX && oldest !== undefined) said.delete(oldest);
      const repeats = earlier?.repeats ?? 0;
      log[level](repeats === 0 ? fields : { ...fields, repeats }, message);
    };
  return {
    error: once('error'),
    warn: once('warn'),
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
  };
}

/** One server that is away fails every step of every job: the reason is what counts, not who met it. */
function keyOf(level: string, fields: object, message: string): string {
  const { error, code, lane } = fields as {
    readonly error?: unknown;
    readonly code?: unknown;
    readonly lane?: unknown;
  };
  return JSON.stringify([level, message, error, code, lane]);
}
