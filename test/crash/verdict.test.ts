/** A long run of the crash suite must not count when too few of its faults hit: its own judge, and the deal that feeds it. */
import { describe, expect, it } from 'vitest';
import { dealFrom } from '../support/crash/draw.js';
import type { InjectionEntry, Journal, RoundEntry } from '../support/crash/journal.js';
import { describeInjection, HOME_NAMES, injectionsOf, type Means, planRound } from '../support/crash/plan.js';
import { judge } from '../support/crash/verdict.js';

const MEANS: Means = { hasLimitedDisk: true, ownsRedis: true, realLedger: null };

describe('the deal', () => {
  it('gives each card once before any comes again, in another order each time and to each hand', () => {
    const cards = Array.from({ length: 40 }, (_, card) => card);
    const deal = (hand: string, from: number) => cards.map((turn) => dealFrom(cards, { hand, turn: from + turn }));
    const deals = [deal('one', 0), deal('one', 40), deal('other', 0)];
    for (const dealt of deals) expect([...dealt].sort((a, b) => a - b)).toEqual(cards);
    expect(new Set(deals.map(String)).size).toBe(3);
  });

  it('injects every fault of every home within 150 rounds, whatever the seed', () => {
    for (const first of [1, 1_000, 77_777]) {
      const plans = Array.from({ length: 150 }, (_, at) => planRound(first + at, MEANS));
      for (const home of HOME_NAMES) {
        const injected = plans
          .filter((plan) => plan.home === home)
          .flatMap(({ injections }) => injections.map(describeInjection));
        const missing = injectionsOf(home, MEANS).filter(
          (name) => !name.startsWith('kill in') && !injected.includes(name),
        );
        expect([first, home, missing]).toEqual([first, home, []]);
      }
    }
  });
});

describe('the judge of a long run', () => {
  const isHit = (injection: string): InjectionEntry => ({ injection, isHit: true, tries: 1 });
  const round = (seed: number, injections: readonly InjectionEntry[], lockedMs = 0): RoundEntry => ({
    ...{ seed, home: 'postgres', result: 'passed', durationMs: 1, faults: { stripe: 0, blnk: 0 } },
    ...{ injections, lockedMs },
  });
  const journal = (rounds: readonly RoundEntry[]): Journal => ({
    means: { lacks: [], injections: { postgres: ['database cut', 'queue lost'] } },
    rounds,
  });
  const rounds = (count: number, injections: readonly InjectionEntry[]) =>
    journal(Array.from({ length: count }, (_, seed) => round(seed, injections)));
  const stand = { isRealCore: false };

  it('lets one pass that hit everything', () => {
    expect(judge(rounds(150, [isHit('database cut'), isHit('queue lost')]), stand)).toEqual([]);
  });

  it('names an injected fault that never hit', () => {
    const missed = { injection: 'queue lost', isHit: false, tries: 3 };
    const played = rounds(150, [...Array.from({ length: 20 }, () => isHit('database cut')), missed]);
    expect(judge(played, stand)).toEqual(['never hit on postgres: queue lost']);
  });

  it('refuses one of which too much missed', () => {
    const missed = { injection: 'queue lost', isHit: false, tries: 3 };
    const played = rounds(150, [isHit('database cut'), isHit('queue lost'), missed]);
    expect(judge(played, stand)).toEqual(['150 of 450 injected faults missed; allowed is a share of 0.05']);
  });

  it('requires nothing of a short run', () => {
    expect(judge(rounds(149, []), stand)).toEqual([]);
  });

  it('requires locks of a real Core to be waited out', () => {
    const real = (waiting: number) =>
      journal(Array.from({ length: 50 }, (_, seed) => round(seed, [], seed < waiting ? 240_000 : 239_999)));
    expect(judge(real(4), { isRealCore: true })).toEqual(['4 rounds waited out a lock of Core; at least 5 have to']);
    expect(judge(real(5), { isRealCore: true })).toEqual([]);
  });
});
