/**
 * Whole histories by chance: payments made, delayed and succeeding late, ticks full and fast, outages, backfills, pages that
 * fail and answers without time, two workers at once. After every step what coverage claims must be true; in the end,
 * once nothing fails any more, everything that is owed is there.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestOpenParts } from '../../src/worker/sync-job.js';
import { DAY, HOUR, LAG, MINUTE, NOW, type Stage, stages } from '../support/stages/collect.js';
import { inTier } from '../support/tier.js';

const SECOND = 1_000;

type Step =
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'pay'; readonly count: number; readonly spreadMs: number }
  | { readonly step: 'open'; readonly count: number; readonly agoMs: number }
  | { readonly step: 'succeed'; readonly which: number; readonly lateMs: number }
  | { readonly step: 'tail'; readonly fresh: boolean }
  | { readonly step: 'backfills' }
  | { readonly step: 'backfill'; readonly fromMs: number; readonly lengthMs: number }
  | { readonly step: 'both' }
  | { readonly step: 'fault'; readonly effect: 'no_date' | 'truncated' | 'lock_timeout'; readonly nth: number };

const spans = fc.constantFrom(SECOND, MINUTE, 5 * MINUTE, HOUR, DAY, 3 * DAY, 35 * DAY);
const steps = fc.oneof(
  fc.record({ step: fc.constant('advance' as const), ms: spans }),
  fc.record({
    step: fc.constant('pay' as const),
    count: fc.integer({ min: 1, max: 150 }),
    spreadMs: fc.constantFrom(0, SECOND, MINUTE),
  }),
  fc.record({ step: fc.constant('open' as const), count: fc.integer({ min: 1, max: 5 }), agoMs: spans }),
  // It shows up now and says that it happened earlier, but never by more than the lag.
  fc.record({
    step: fc.constant('succeed' as const),
    which: fc.nat(),
    lateMs: fc.constantFrom(0, SECOND, MINUTE, LAG - SECOND),
  }),
  fc.record({ step: fc.constant('tail' as const), fresh: fc.boolean() }),
  fc.record({ step: fc.constant('backfills' as const) }),
  fc.record({ step: fc.constant('backfill' as const), fromMs: spans, lengthMs: spans }),
  fc.record({ step: fc.constant('both' as const) }),
  fc.record({
    step: fc.constant('fault' as const),
    effect: fc.constantFrom('no_date' as const, 'truncated' as const, 'lock_timeout' as const),
    nth: fc.integer({ min: 1, max: 4 }),
  }),
);

describe('any history', () => {
  const open = stages();

  it('is told truly at every step, and completely in the end', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 25 }), async (history) => {
        const stage = await open({ startsAt: new Date(NOW.getTime() - 2 * DAY) });
        const waiting: string[] = [];
        await stage.syncJob()('startup');
        for (const step of history) {
          await take(stage, step, waiting);
          await stage.assertHonest({ shownLateByMs: LAG });
        }
        stage.sandbox.faults.clear();
        stage.clock.advance(LAG + SECOND);
        await readAll(stage);
        await stage.assertHonest({ shownLateByMs: LAG });
        expect(await missing(stage)).toEqual([]);
        expect((await stage.completeness()).holes).toEqual([]);
        expect((await stage.completeness()).complete?.to).toEqual(new Date(stage.clock.nowMs() - LAG));
      }),
      { seed: 20_261_121, numRuns: inTier({ quick: 2, full: 60 }), endOnFailure: true },
    );
  });
});

async function take(stage: Stage, step: Step, waiting: string[]): Promise<void> {
  const now = stage.clock.nowMs();
  switch (step.step) {
    case 'advance':
      stage.clock.advance(step.ms);
      return;
    case 'pay':
      for (let n = 0; n < step.count; n += 1) stage.pay({ created: new Date(now - ((n * step.spreadMs) % LAG)) });
      return;
    case 'open':
      for (let n = 0; n < step.count; n += 1) {
        waiting.push(stage.sandbox.createIntent({ created: new Date(now - step.agoMs) }));
      }
      return;
    case 'succeed': {
      const [id] = waiting.splice(step.which % Math.max(1, waiting.length), 1);
      const created = id === undefined ? 0 : (stage.sandbox.world.planById(id)?.created ?? 0) * SECOND;
      if (id !== undefined) stage.sandbox.succeed(id, { at: new Date(Math.max(created, now - step.lateMs)) });
      return;
    }
    case 'tail':
      // Pages that fail are part of the history.
      await Promise.allSettled([stage.tail(step.fresh ? { freshOnlyFrom: new Date(now - MINUTE) } : {})]);
      return;
    case 'backfills':
      await Promise.allSettled([stage.backfills()]);
      return;
    case 'backfill': {
      const from = now - step.fromMs;
      await stage.store.requestBackfill(
        { from: new Date(from), to: new Date(Math.min(now, from + step.lengthMs)) },
        'manual',
      );
      return;
    }
    case 'both':
      await Promise.allSettled([stage.tail(), stage.worker().tail(), stage.backfills(), stage.worker().backfills()]);
      return;
    case 'fault':
      stage.sandbox.faults.add({ effect: step.effect, nth: step.nth });
      return;
  }
}

/**
 * What is owed and neither stored nor listed for a person. A sweep lists what was created before the start and charged before the
 * hand-over: no charge says when it succeeded (docs/limitations.md, "Downtime of more than 29 days").
 */
async function missing(stage: Stage): Promise<string[]> {
  const [stored, listed, owed] = [await stage.postings(), await stage.beforeStart(), await stage.owed()];
  return [...owed.keys()].filter((id) => !stored.has(id) && !listed.includes(id));
}

/** The last word: the whole list once more, then the sync job, and the sweeps that it asks for where events were lost for good. */
async function readAll(stage: Stage): Promise<void> {
  await stage.tail();
  await stage.backfills();
  const { startsAt } = await stage.store.mirror();
  await stage.store.requestBackfill({ from: startsAt, to: stage.clock.now() }, 'manual');
  await stage.backfills();
  await stage.syncJob()('schedule');
  await stage.backfills();
  await requestOpenParts({ store: stage.store, requestPart: async () => {} });
}
