/** What the mirror may read of Stripe in 30 days, and the interval that keeps it within. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pollIntervalMs, readAllocation } from '../../src/core/settings/read-allocation.js';

describe('the interval in force', () => {
  const none = { paymentsInThirtyDays: 0, readsInThirtyDays: 0, readsInLastDay: 0 };
  const facts = { eventsRefused: false, everyMs: 60_000, share: 0.25, livemode: true, ...none };

  it.each([
    // 30 days are 2,592,000 s; a quarter of 10,000 reads is one in 1,036.8 s.
    [0, 1_036_800],
    [20, 1_036_800],
    [100, 207_360],
    [345, 60_105],
    [346, 60_000],
    [1_000_000, 60_000],
  ])('with %d payments a month is %d ms', (paymentsInThirtyDays, intervalMs) => {
    expect(pollIntervalMs({ ...facts, paymentsInThirtyDays })).toBe(intervalMs);
  });

  it('is never shorter than what is wanted, and is just that for test data', () => {
    expect(pollIntervalMs({ ...facts, everyMs: 3_600_000 })).toBe(3_600_000);
    expect(pollIntervalMs({ ...facts, livemode: false })).toBe(60_000);
  });

  it.each([
    [0, 60_000],
    [40_000, 60_000],
    [45_000, 270_000],
    [50_000, 480_000],
    [5_000_000, 480_000],
  ])('with %d of 50,000 reads used is %d ms', (readsInThirtyDays, intervalMs) => {
    // A quarter of 200,000: 400 payments.
    expect(pollIntervalMs({ ...facts, paymentsInThirtyDays: 400, readsInThirtyDays })).toBe(intervalMs);
  });

  it('keeps a mirror that polls, sweeps and proves within its share, whatever it did before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 1_500 }),
        fc.constantFrom(0.1, 0.4, 1),
        (backfill, otherReads, share) => {
          // Reads of each of the last 30 days, the newest last, for half a year.
          const days = [...Array<number>(29).fill(0), backfill];
          const used = () => days.slice(-30).reduce((total, reads) => total + reads, 0);
          for (let day = 0; day < 180; day += 1) {
            const interval = pollIntervalMs({ ...facts, share, readsInThirtyDays: used() });
            days.push(86_400_000 / interval + (otherReads * share) / 30);
            // A backfill may use more than there is, and leaves the window when it is 30 days old.
            if (backfill === 0 || day > 60) expect(used()).toBeLessThanOrEqual(10_000 * share);
          }
        },
      ),
    );
  });

  it('is an interval however small the share is', () => {
    for (const readsInThirtyDays of [0, 1, 500]) {
      expect(pollIntervalMs({ ...facts, share: 0.000_01, readsInThirtyDays })).toBeLessThanOrEqual(8 * 30 * 86_400_000);
    }
  });

  it('prints what is allowed and what a month of the last day comes to', () => {
    const reads = { ...facts, share: 0.4, paymentsInThirtyDays: 100, readsInThirtyDays: 12_000, readsInLastDay: 500 };
    expect(readAllocation(reads)).toEqual({ used: 12_000, allowed: 20_000, forecast: 15_000 });
    expect(readAllocation({ ...reads, livemode: false }).allowed).toBeNull();
  });

  it('leaves room for sweeps while events may not be read, and at least half for what is new', () => {
    const days = 30 * 86_400_000;
    const refused = { ...facts, eventsRefused: true, paymentsInThirtyDays: 0 };
    expect(pollIntervalMs({ ...refused, share: 1 })).toBe(Math.ceil(days / (10_000 - 2_400)));
    expect(pollIntervalMs({ ...refused, share: 0.25 })).toBe(days / 1_250);
  });
});
