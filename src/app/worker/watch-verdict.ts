/** Composition: a worker's watch over the verdict on its mirror, joined to database and log. Decides nothing. */
import { logLevelOf } from '../../core/verdict/verdict.js';
import { readVerdictFacts } from '../../db/reads/status.js';
import { createVerdictWatch } from '../../worker/verdict-watch.js';
import type { Context } from '../context.js';

/** @returns a look */
export function watchVerdict(
  { config, database, events, machineNow }: Context,
  intervalMs: () => Promise<number>,
): () => Promise<void> {
  return createVerdictWatch({
    readFacts: async () =>
      readVerdictFacts(database.db, { lagMs: config.syncLagMs, intervalMs: await intervalMs(), machineNow }),
    onChange(verdict, before) {
      const { state, sentence, needs } = verdict;
      const codes = [...new Set(needs.map(({ code }) => code))];
      events.verdictChanged({ severity: logLevelOf(verdict), state, before, needs: codes, sentence });
    },
  });
}
