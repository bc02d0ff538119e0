/** Which time may be taken for now, whatever one of three clocks says: never later than the truth, and never without two. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AGREEMENT_MS,
  agreeOnTime,
  type ClockFault,
  type ClockReadings,
  clockFaultText,
} from '../../src/core/coverage/agree-on-time.js';

const TRUTH = Date.parse('2026-11-21T12:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Off {
  readonly stripe?: number;
  readonly database?: number | null;
  readonly machine?: number;
}

function readings({ stripe = 0, database = 0, machine = 0 }: Off): ClockReadings {
  return {
    stripe: new Date(TRUTH + stripe),
    database: database === null ? null : new Date(TRUTH + database),
    machine: new Date(TRUTH + machine),
  };
}

/** Now as an offset from the truth, and who is off. */
function agreed(off: Off): readonly [number | null, string | null] {
  const { now, fault } = agreeOnTime(readings(off));
  return [now === null ? null : now.getTime() - TRUTH, fault?.code ?? null];
}

const OFFS = [MINUTE, 3 * MINUTE, 10 * MINUTE, HOUR, DAY].flatMap((ms) => [ms, -ms]);
/** Beyond what counts as agreeing. */
const FAR = OFFS.filter((ms) => Math.abs(ms) > AGREEMENT_MS);

describe('three clocks', () => {
  it('that agree give the smallest of them, and nobody is off', () => {
    expect(agreed({})).toEqual([0, null]);
    expect(agreed({ stripe: 90 * SECOND })).toEqual([0, null]);
    expect(agreed({ database: -MINUTE, machine: MINUTE })).toEqual([-MINUTE, null]);
  });

  it.each(FAR)('of which Stripe is off by %i ms: ahead it is not believed, behind nothing later was shown', (ms) => {
    expect(agreed({ stripe: ms })).toEqual([Math.min(0, ms), 'stripe_time_off']);
  });

  it.each(FAR)("of which the database's is off by %i ms: the other two decide", (ms) => {
    expect(agreed({ database: ms })).toEqual([0, 'database_clock_off']);
  });

  it.each(FAR)("of which the machine's is off by %i ms: the other two decide", (ms) => {
    expect(agreed({ machine: ms })).toEqual([0, 'machine_clock_off']);
  });

  it('none of which agree give no time', () => {
    expect(agreed({ stripe: HOUR, database: -HOUR })).toEqual([null, 'clocks_disagree']);
    expect(agreed({ stripe: DAY, machine: 3 * MINUTE })).toEqual([null, 'clocks_disagree']);
  });

  it('that agree only in a chain give the smallest, which is certain', () => {
    expect(agreed({ stripe: 0, database: 100 * SECOND, machine: 200 * SECOND })).toEqual([0, null]);
    expect(agreed({ stripe: 200 * SECOND, database: 100 * SECOND, machine: 0 })).toEqual([0, null]);
  });
});

describe('two clocks, without a database', () => {
  it('give the smaller where they agree, and no time where they do not', () => {
    expect(agreed({ database: null, machine: -MINUTE })).toEqual([-MINUTE, null]);
    expect(agreed({ database: null, stripe: HOUR })).toEqual([null, 'clocks_disagree']);
  });
});

const anyOff = fc.oneof(fc.integer({ min: -2 * DAY, max: 2 * DAY }), fc.integer({ min: -3 * MINUTE, max: 3 * MINUTE }));
const sound = fc.integer({ min: -30 * SECOND, max: 30 * SECOND });

describe('whatever the clocks say', () => {
  it('with at most one wrong, now is no later than the sounder clocks and there is a time', () => {
    fc.assert(
      fc.property(fc.constantFrom('stripe', 'database', 'machine'), anyOff, sound, sound, (wrong, off, one, other) => {
        const offs = { stripe: one, database: one, machine: other, [wrong]: off };
        if (wrong === 'database') offs.stripe = other;
        const { now } = agreeOnTime(readings(offs));
        expect(now).not.toBeNull();
        const aheadMs = (now?.getTime() ?? 0) - TRUTH;
        expect(aheadMs).toBeLessThanOrEqual(30 * SECOND);
        // Behind by no more than what agrees, unless Stripe itself says an earlier time.
        expect(aheadMs).toBeGreaterThanOrEqual(Math.min(-30 * SECOND - AGREEMENT_MS, offs.stripe));
      }),
      { numRuns: 2_000 },
    );
  });

  it("it is never later than Stripe's statement, and always one of the clocks", () => {
    fc.assert(
      fc.property(anyOff, fc.option(anyOff), anyOff, (stripe, database, machine) => {
        const { now, fault } = agreeOnTime(readings({ stripe, database, machine }));
        if (now === null) expect(fault?.code).toBe('clocks_disagree');
        else expect([stripe, database, machine]).toContain(now.getTime() - TRUTH);
        expect(now?.getTime() ?? 0).toBeLessThanOrEqual(TRUTH + stripe);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('who is off', () => {
  const fault = (off: Off): ClockFault => {
    const found = agreeOnTime(readings(off)).fault;
    if (found === null) throw new Error('no clock is off');
    return found;
  };

  it.each([
    [{ stripe: HOUR }, "Stripe's answers state a time that is 1h ahead of the clocks"],
    [{ stripe: -HOUR }, "Stripe's answers state a time that is 1h behind the clocks"],
    [{ database: DAY }, "The database's clock is 1d ahead of Stripe's time"],
    [{ machine: -5 * MINUTE }, "This machine's clock is 5m behind Stripe's time"],
    [
      { database: HOUR, machine: -HOUR },
      "the database's clock is 1h ahead of the time that Stripe states, this machine's is 1h behind it",
    ],
    [{ database: null, machine: -HOUR }, "this machine's is 1h behind the time that Stripe states"],
  ] as const)('%j is said', (off, words) => {
    expect(clockFaultText(fault(off))).toContain(words);
  });
});
