/**
 * Seventy-six simulated minutes: ten of payments with faults on both sides, then quiet ones with the proof of the day. The
 * long form is `npm run soak`.
 */
import { describe, expect, it } from 'vitest';
import { runSoak } from '../../bench/soak/simulated.js';
import type { SoakSample } from '../../bench/soak/simulated-facts.js';
import { faultsOf } from '../../bench/soak/simulated-report.js';
import { homes } from '../support/homes.js';

const HOUR = 3_600_000;
const PAYMENTS = 2_400;
/** Of the first backfill, a minute long: a row a page. Everything after it is the tail's. */
const BACKFILL_ROWS_MAX = 12;

const home = homes().find(({ name }) => name === 'postgres') ?? homes()[0];

describe('a soak on a simulated clock', () => {
  it('posts each payment once, proves the day and keeps nothing that grows', { timeout: 180_000 }, async () => {
    if (home === undefined) throw new Error('there is no home to test on');
    const samples: SoakSample[] = [];
    const outcome = await runSoak(
      {
        ...{ hours: 1 / 6, rate: 4, faults: 0.05, seed: 7, customers: 200 },
        ...{ lagMs: 60_000, quietHours: 1.1, keepEmptyRunsMs: HOUR / 3, provedAfterMs: HOUR / 12, realMinutesMax: 60 },
      },
      home,
      (sample) => samples.push(sample),
    );
    expect(faultsOf(outcome)).toEqual([]);
    expect(outcome.judgement.succeeded).toBe(PAYMENTS);
    expect(Object.keys(outcome.certificates).length).toBeGreaterThan(0);
    // The faults were there, and what was lost was found again.
    const { faulted } = outcome.judgement;
    expect(Object.values(faulted).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(5);
    expect(outcome.judgement.stripeAnswers[200]).toBeLessThan(outcome.judgement.stripeRequests);
    // A tick a minute, each of many pages: what they leave behind does not add up.
    const last = samples.at(-1);
    expect(last?.coverage).toBeLessThanOrEqual(BACKFILL_ROWS_MAX + 3);
    expect(last?.runs).toBeLessThan(10 + 20 + 15);
    expect(last?.behindMs).toBeLessThan(3 * 60_000);
  });
});
