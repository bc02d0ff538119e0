/** How a backfill is shared: cuts lie within what is left, on whole seconds, and only where they are worth it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merged, SECOND_MS } from '../../../src/core/base/window.js';
import { cutOf, type PartInHand, partsOf } from '../../../src/core/coverage/backfill-parts.js';

const at = (seconds: number) => new Date(seconds * SECOND_MS);

const inHand = fc
  .record({
    from: fc.integer({ min: 0, max: 1_000_000 }),
    length: fc.integer({ min: 1, max: 1_000_000 }),
    read: fc.double({ min: 0, max: 1, noNaN: true }),
    requests: fc.integer({ min: 0, max: 5_000 }),
  })
  .map(
    ({ from, length, read, requests }): PartInHand => ({
      runId: `from ${from}`,
      window: { from: at(from), to: at(from + length) },
      readDownTo: at(from + Math.round(length * (1 - read))),
      requests,
    }),
  );

describe('the parts of a backfill', () => {
  it('are at most eight at first, follow each other and cover all of it', () => {
    const window = fc.tuple(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 1e8 }));
    fc.assert(
      fc.property(window, fc.constantFrom('payment_intents' as const, 'charges' as const), ([from, length], feed) => {
        const whole = { from: at(from), to: at(from + length) };
        const parts = partsOf({ feed, window: whole });
        expect(parts.length).toBeLessThanOrEqual(8);
        expect(merged(parts)).toEqual([whole]);
      }),
    );
  });

  it('are cut at a whole second within what is left of one of them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(inHand, { maxLength: 7, selector: ({ runId }) => runId }), (parts) => {
        const cut = cutOf(parts);
        if (cut === null) return;
        const part = parts.find(({ runId }) => runId === cut.runId);
        expect(cut.at.getTime() % SECOND_MS).toBe(0);
        expect(cut.at > (part?.window.from ?? cut.at)).toBe(true);
        expect(cut.at < (part?.readDownTo ?? cut.at)).toBe(true);
      }),
    );
  });

  it('are cut where the most pages are left, by how dense they were', () => {
    const sparse = { runId: 'sparse', window: { from: at(0), to: at(100_000) }, readDownTo: at(90_000), requests: 10 };
    const dense = { runId: 'dense', window: { from: at(0), to: at(2_000) }, readDownTo: at(1_000), requests: 500 };
    expect(cutOf([sparse, dense])).toEqual({ runId: 'dense', at: at(500) });
  });

  it('are left alone where less than four pages are left, within one second, and by a ninth reader', () => {
    const part = { runId: 'a', window: { from: at(0), to: at(1_000) }, readDownTo: at(300), requests: 7 };
    expect(cutOf([part])).toBeNull();
    expect(cutOf([{ ...part, requests: 700, window: { from: at(299), to: at(1_000) } }])).toBeNull();
    expect(cutOf([{ ...part, requests: 700 }])).not.toBeNull();
    expect(cutOf(Array.from({ length: 8 }, () => ({ ...part, requests: 700 })))).toBeNull();
    expect(cutOf([])).toBeNull();
  });

  it('of which nothing is known yet count as dense as the densest', () => {
    const known = { runId: 'known', window: { from: at(0), to: at(100) }, readDownTo: at(50), requests: 50 };
    const begun = { runId: 'begun', window: { from: at(0), to: at(1_000) }, readDownTo: at(1_000), requests: 0 };
    expect(cutOf([known, begun])).toEqual({ runId: 'begun', at: at(500) });
  });
});
