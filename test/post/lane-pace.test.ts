/** The pace of a lane: within its limits whatever happens, down at once, up again by itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BulkReport, fullPace, type LanePace, nextPace, SLOW_MS } from '../../src/post/lane-pace.js';

const LIMITS = { sizeMin: 4, sizeMax: 100, inFlightMax: 2 };
const FULL = fullPace(LIMITS);

const play = (pace: LanePace, bulks: readonly BulkReport[]): LanePace =>
  bulks.reduce((now, bulk) => nextPace(now, bulk, LIMITS), pace);
const applied = (postings: number, tookMs: number): BulkReport => ({ postings, tookMs, answer: 'applied' });

/** A ledger that takes so long for each posting, asked with full chunks of the pace. */
function playSteadily(pace: LanePace, eachMs: number, bulks: number): LanePace {
  let now = pace;
  for (let count = 0; count < bulks; count += 1) now = nextPace(now, applied(now.size, now.size * eachMs), LIMITS);
  return now;
}

describe('the pace of a lane', () => {
  it('stays within its limits', () => {
    const bulk = fc.record({
      postings: fc.integer({ min: 1, max: 100 }),
      tookMs: fc.integer({ min: 0, max: 70_000 }),
      answer: fc.constantFrom('applied' as const, 'busy' as const, 'unclear' as const),
    });
    fc.assert(
      fc.property(fc.array(bulk, { maxLength: 60 }), (bulks) => {
        const { size, inFlight } = play(FULL, bulks);
        expect(Number.isInteger(size)).toBe(true);
        expect(size).toBeGreaterThanOrEqual(LIMITS.sizeMin);
        expect(size).toBeLessThanOrEqual(LIMITS.sizeMax);
        expect([1, 2]).toContain(inFlight);
      }),
    );
  });

  it('is full again after any past, once the ledger is quick', () => {
    const past = fc.array(
      fc.record({
        postings: fc.integer({ min: 1, max: 100 }),
        tookMs: fc.integer({ min: 0, max: 70_000 }),
        answer: fc.constantFrom('applied' as const, 'busy' as const, 'unclear' as const),
      }),
    );
    fc.assert(
      fc.property(past, (bulks) => {
        expect(playSteadily(play(FULL, bulks), 3, 700)).toEqual(FULL);
      }),
    );
  });

  it('comes to bulks that are not slow, however long the ledger takes for each posting', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SLOW_MS / LIMITS.sizeMin }), (eachMs) => {
        const { size } = playSteadily(FULL, eachMs, 10);
        expect(size * eachMs).toBeLessThanOrEqual(SLOW_MS);
      }),
    );
  });

  it('is one bulk at a time from when the ledger asks to wait until it took ten of them', () => {
    const busy = nextPace(FULL, { postings: 100, tookMs: 3_000, answer: 'busy' }, LIMITS);
    expect(busy.inFlight).toBe(1);
    expect(playSteadily(busy, 3, 9).inFlight).toBe(1);
    expect(playSteadily(busy, 3, 10).inFlight).toBe(2);
  });

  it('tries two at a time less and less often where the second one is refused each time', () => {
    let [pace, refused] = [FULL, 0];
    for (let bulks = 0; bulks < 2_000; bulks += 1) {
      const answer = pace.inFlight === 2 ? 'busy' : 'applied';
      if (answer === 'busy') refused += 1;
      pace = nextPace(pace, { postings: pace.size, tookMs: 300, answer }, LIMITS);
    }
    // 1, then after 10, 20, 40, 80, 160, 320, 640 and 640 again.
    expect(refused).toBe(9);
  });

  it('does not make larger what a late answer of a smaller bulk is about', () => {
    expect(nextPace({ ...FULL, size: 50 }, applied(20, 100), LIMITS).size).toBe(50);
    expect(nextPace({ ...FULL, size: 20 }, applied(100, 30_000), LIMITS).size).toBeLessThanOrEqual(20);
  });
});
