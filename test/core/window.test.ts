/** Arithmetic on windows against the slow and obvious model: a set of seconds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dayWindow,
  earlier,
  floorToSecond,
  later,
  merged,
  remaining,
  split,
  unixSeconds,
  utcDay,
  type Window,
} from '../../src/core/base/window.js';

const SECOND = 1_000;
const HOUR = 3_600_000;
const at = (second: number) => new Date(second * SECOND);
const window = (from: number, to: number): Window => ({ from: at(from), to: at(to) });

/** Some are empty or upside down: such coverage says nothing. */
const windows = fc.array(
  fc.tuple(fc.nat(60), fc.nat(60)).map(([from, to]) => window(from, to)),
  { maxLength: 8 },
);
const SETTINGS = { seed: 20_261_121, numRuns: 1_000 };

function secondsOf(list: readonly Window[]): number[] {
  const seconds = new Set<number>();
  for (const { from, to } of list) {
    for (let second = from.getTime() / SECOND; second < to.getTime() / SECOND; second += 1) seconds.add(second);
  }
  return [...seconds].sort((a, b) => a - b);
}

/** Oldest first, none empty, none touching the next. */
function expectTidy(list: readonly Window[]): void {
  for (const [n, { from, to }] of list.entries()) {
    expect(from.getTime()).toBeLessThan(to.getTime());
    const next = list[n + 1];
    if (next !== undefined) expect(to.getTime()).toBeLessThan(next.from.getTime());
  }
}

describe('merged windows', () => {
  it('hold the same seconds, oldest first, joined where they touch', () => {
    fc.assert(
      fc.property(windows, (list) => {
        const joined = merged(list);
        expect(secondsOf(joined)).toEqual(secondsOf(list));
        expectTidy(joined);
        expect(merged(joined)).toEqual(joined);
      }),
      SETTINGS,
    );
  });

  it('leave what they are given as it was', () => {
    const list = Object.freeze([Object.freeze(window(5, 9)), Object.freeze(window(1, 6))]);
    expect(merged(list)).toEqual([window(1, 9)]);
    expect(list).toEqual([window(5, 9), window(1, 6)]);
  });
});

describe('what remains', () => {
  it('is what was asked without what is covered', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), windows, (from, to, covered) => {
        const rest = remaining(window(from, to), covered);
        const known = new Set(secondsOf(covered));
        expect(secondsOf(rest)).toEqual(secondsOf([window(from, to)]).filter((second) => !known.has(second)));
        expectTidy(rest);
      }),
      SETTINGS,
    );
  });

  it('is nothing once it is covered too', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), windows, (from, to, covered) => {
        const asked = window(from, to);
        expect(remaining(asked, [...covered, ...remaining(asked, covered)])).toEqual([]);
      }),
      SETTINGS,
    );
  });

  it.each([
    ['all of it when nothing is covered', [], [window(10, 20)]],
    ['both ends around the middle', [window(12, 15)], [window(10, 12), window(15, 20)]],
    ['nothing under one that is larger', [window(0, 30)], []],
    ['all of it beside ones that only touch', [window(0, 10), window(20, 30)], [window(10, 20)]],
    ['one second', [window(10, 14), window(15, 20)], [window(14, 15)]],
  ])('is %s', (_what, covered, rest) => {
    expect(remaining(window(10, 20), covered)).toEqual(rest);
  });
});

describe('a split window', () => {
  it('is its parts, in order, without gap or overlap, none too many and none too short but the last', () => {
    const asked = fc.record({
      from: fc.nat(100_000),
      lengthMs: fc.nat(10_000_000),
      partMinMs: fc.integer({ min: 1, max: HOUR }),
      partsMax: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(asked, ({ from, lengthMs, partMinMs, partsMax }) => {
        const whole = { from: at(from), to: new Date(from * SECOND + lengthMs) };
        const parts = split(whole, { partMinMs, partsMax });
        expect(merged(parts)).toEqual(lengthMs === 0 ? [] : [whole]);
        expect(parts.length).toBeLessThanOrEqual(partsMax);
        for (const [n, part] of parts.entries()) {
          const next = parts[n + 1];
          if (next === undefined) continue;
          expect(next.from).toEqual(part.to);
          expect(part.to.getTime() - part.from.getTime()).toBeGreaterThanOrEqual(partMinMs);
          expect(part.to.getTime() % SECOND).toBe(0);
        }
      }),
      SETTINGS,
    );
  });

  it('has eight hours of eight', () => {
    const parts = split(window(0, 8 * 3_600), { partMinMs: HOUR, partsMax: 8 });
    expect(parts).toHaveLength(8);
    expect(split(window(0, 90 * 60), { partMinMs: HOUR, partsMax: 8 })).toEqual([
      window(0, 3_600),
      window(3_600, 5_400),
    ]);
    expect(split(window(9, 9), { partMinMs: HOUR, partsMax: 8 })).toEqual([]);
  });
});

describe('times', () => {
  it('are compared by their value', () => {
    expect([later(at(1), at(2)), later(at(2), at(1)), earlier(at(1), at(2)), earlier(at(2), at(1))]).toEqual(
      [2, 2, 1, 1].map(at),
    );
  });

  it('lose what is less than a second', () => {
    expect(floorToSecond(new Date(1_999))).toEqual(at(1));
    expect(floorToSecond(at(7))).toEqual(at(7));
    expect(unixSeconds(new Date(1_999))).toBe(1);
  });

  it('belong to their UTC day', () => {
    expect(utcDay(new Date('2026-05-31T23:59:59.999Z'))).toBe('2026-05-31');
    expect(utcDay(new Date('2026-06-01T00:00:00Z'))).toBe('2026-06-01');
    expect(utcDay(new Date('2026-06-01T00:30:00+02:00'))).toBe('2026-05-31');
  });

  it('make a day a window, and refuse one that there is not', () => {
    expect(dayWindow('2024-02-29')).toEqual({
      from: new Date('2024-02-29T00:00:00Z'),
      to: new Date('2024-03-01T00:00:00Z'),
    });
    for (const day of ['2026-02-29', '2026-2-1', '2026-02-01T00:00', '', 'today'])
      expect(() => dayWindow(day)).toThrow(`${day} is not a UTC day`);
  });
});
