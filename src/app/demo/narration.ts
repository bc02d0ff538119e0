/** How the demonstration reports: what happened, and while it waits, every few seconds, how far that is. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Narration {
  say(lines: readonly string[]): void;
  /** Looks until `look` returns something; meanwhile prints what `progress` returns. Rejects when the signal comes. */
  until<T>(look: () => Promise<T | null> | T | null, progress: () => string): Promise<T>;
}

const LOOK_EVERY_MS = 50;
const SAY_EVERY_MS = 2_000;
/** What has not come by then is a defect; a slow machine needs a minute. */
const GIVE_UP_AFTER_MS = 5 * 60_000;

/** @param options left out but in tests */
export function createNarration(
  print: (line: string) => void,
  signal: AbortSignal,
  { sayEveryMs = SAY_EVERY_MS }: { readonly sayEveryMs?: number } = {},
): Narration {
  let saidAtMs = performance.now();
  const say = (lines: readonly string[]): void => {
    for (const line of lines) print(line);
    saidAtMs = performance.now();
  };
  return {
    say,
    async until(look, progress) {
      const startedAtMs = performance.now();
      for (;;) {
        signal.throwIfAborted();
        const found = await look();
        if (found !== null) return found;
        const nowMs = performance.now();
        if (nowMs - startedAtMs > GIVE_UP_AFTER_MS) throw new Error(`Given up after five minutes: ${progress()}`);
        if (nowMs - saidAtMs > sayEveryMs) say([`  … ${progress()} (${Math.round((nowMs - startedAtMs) / 1_000)} s)`]);
        await sleep(LOOK_EVERY_MS, undefined, { signal });
      }
    },
  };
}
