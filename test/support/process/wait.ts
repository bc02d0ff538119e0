/** Waiting in tests of whole processes: for a condition, with a deadline, never for a time. */
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;
/** Below the limit of a test (vitest.config.ts), so that what was waited for is told. A process may take half of it to start on a busy machine. */
const WAIT_MAX_MS = 50_000;

/** Looks until `look` answers something other than undefined and false. Rejects with what was waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: { readonly timeoutMs?: number; readonly explain?: () => string } = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? WAIT_MAX_MS;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}\n${options.explain?.() ?? ''}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
