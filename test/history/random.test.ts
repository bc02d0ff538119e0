/**
 * Whole histories by chance, from Stripe to the ledger on one clock: late payments, outages, faults of both vendors, deaths
 * and pauses between any two steps, several workers, clocks that are off. After every step what `status` says is so; once
 * the faults stop and time passes, the ledger equals Stripe, with no step by hand. On every home, with a written-out seed.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { budgetOf, playWithin } from '../support/history/budget.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { endWell, play } from '../support/history/play.js';
import { drawSteps } from '../support/history/steps.js';
import { BEGINNING, DAY, LAG, MINUTE, SECOND } from '../support/history/time.js';
import { History } from '../support/history/world.js';
import { homes } from '../support/homes.js';
import { inTier } from '../support/tier.js';

const { seed, budgetMs, timeoutMs } = budgetOf(3_000);
const TRIED = homes().filter(({ name }) => name !== 'postgres+redis');

const drawings = fc.record({
  seed: fc.nat(1_000),
  style: fc.constantFrom('cloud' as const, 'core' as const),
  workers: fc.integer({ min: 1, max: 3 }),
  eventsLateByMs: fc.constantFrom(0, 5 * SECOND, MINUTE, LAG / 2 - SECOND),
  startsAgoMs: fc.constantFrom(2 * DAY, 40 * DAY, 120 * DAY),
  /** Half of the histories begin with a key that may read less. */
  refusedAtFirst: fc.constantFrom(null, null, 'rak_event_read' as const, 'rak_charge_read' as const),
  steps: drawSteps(['pauses', 'arrivals', 'work', 'faults', 'interruptions', 'loseQueue', 'permissions', 'outages'], {
    outageMaxMs: 400 * DAY,
  }),
});

// The queue only wakes, and is a list in memory here: the third home differs from the second one by nothing else.
describe.each(inTier({ quick: TRIED.slice(0, 1), full: TRIED }))('any history on $name', (home) => {
  let database: HistoryDatabase;

  beforeAll(async () => {
    database = await openHistoryDatabase(home);
  });
  afterAll(() => database.remove());

  const title = `is told truly at every step and ends with the ledger equal to Stripe (seed ${seed}, ${budgetMs} ms)`;
  it(title, { timeout: timeoutMs }, async () => {
    const played = await playWithin(
      { seed, budgetMs },
      drawings,
      async ({ steps, startsAgoMs, refusedAtFirst, ...options }) => {
        const startsAt = new Date(BEGINNING.getTime() - startsAgoMs);
        const history = await History.open(database, {
          ...{ ...options, startsAt },
          // One in three: everything that may happen to one source may happen to several.
          sourceShards: options.seed % 3 === 1 ? 3 : 1,
        });
        try {
          if (refusedAtFirst !== null) history.setPermission(refusedAtFirst, false);
          await play(history, steps);
          await endWell(history);
        } finally {
          await history.close();
        }
      },
    );
    process.stdout.write(`${played} histories played on ${home.name} from seed ${seed} on\n`);
  });
});
