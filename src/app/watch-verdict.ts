/** Composition: a worker's watch over the verdict on its mirror, joined to database and log. Decides nothing. */
import { logLevelOf } from '../core/verdict/verdict.js';
import type { Drizzle } from '../db/open.js';
import { readVerdictFacts } from '../db/reads/status.js';
import type { Events } from '../observability/events.js';
import { createVerdictWatch } from '../worker/verdict-watch.js';

export interface VerdictLogParts {
  readonly db: Drizzle;
  readonly events: Events;
  readonly lagMs: number;
  intervalMs(): Promise<number>;
}

/** @returns a look, for the timer */
export function watchVerdict({ db, events, lagMs, intervalMs }: VerdictLogParts): () => Promise<void> {
  return createVerdictWatch({
    readFacts: async () =>
      readVerdictFacts(db, { lagMs, intervalMs: await intervalMs(), machineNow: () => new Date() }),
    onChange(verdict, before) {
      const { state, sentence, needs } = verdict;
      const codes = [...new Set(needs.map(({ code }) => code))];
      events.verdictChanged({ severity: logLevelOf(verdict), state, before, needs: codes, sentence });
    },
  });
}
