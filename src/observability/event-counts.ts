/** How often each event was logged by this process, whether or not its level is shown: what metrics of what happens are made of. */
import type { Log } from './log.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface CountedLog {
  readonly log: Log;
  /** By code. */
  counts(): ReadonlyMap<string, number>;
}

export function countEvents(log: Log): CountedLog {
  const counts = new Map<string, number>();
  const counting = Object.fromEntries(
    LEVELS.map((level) => [
      level,
      (fields: { readonly event?: string }, text: string) => {
        if (fields.event !== undefined) counts.set(fields.event, (counts.get(fields.event) ?? 0) + 1);
        log[level](fields, text);
      },
    ]),
  ) as unknown as Log;
  return { log: counting, counts: () => counts };
}
