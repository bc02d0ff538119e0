/** Which days are due, at the edges of every rule. */
import { describe, expect, it } from 'vitest';
import { daysBetween } from '../../src/core/base/window.js';
import type { CertificateState } from '../../src/core/proof/certificate.js';
import type { DayStanding } from '../../src/prove/ports.js';
import { dueDays, type ScheduleFacts, type ScheduleRules } from '../../src/prove/schedule.js';

const DAY = 86_400_000;
const RULES: ScheduleRules = {
  firstAfterMs: 2 * DAY,
  lateAfterMs: 75 * DAY,
  againAfterMs: DAY,
  rotateEveryMs: DAY,
  rotateAgeMs: 30 * DAY,
  giveWayForMs: 7 * DAY,
};

const at = (text: string) => new Date(text);
const later = (text: string, ms: number) => new Date(at(text).getTime() + ms);

function standing(day: string, provedAt: Date, more: Partial<DayStanding> = {}): DayStanding {
  return {
    day,
    provedAt,
    states: ['sealed'],
    storedSince: false,
    acceptanceSince: false,
    decidedSince: false,
    repairedSince: false,
    unseenProofs: 0,
    ...more,
  };
}

/** One day, 2026-06-10: it ended at 2026-06-11T00:00Z. */
const END = '2026-06-11T00:00:00Z';

function due(facts: Partial<ScheduleFacts> & Pick<ScheduleFacts, 'now'>) {
  const defaults = {
    ...{ startsAt: at('2026-06-10T00:00:00Z'), completeTo: at(END), standings: [], lastRotationAt: null },
    earlierDays: [],
    requested: new Map<string, Date>(),
  };
  return dueDays({ ...defaults, ...facts }, RULES);
}

describe('a day', () => {
  it('is due two days after it closed, not a millisecond before', () => {
    expect(due({ now: later(END, 2 * DAY - 1) })).toEqual([]);
    expect(due({ now: later(END, 2 * DAY) })).toEqual([{ day: '2026-06-10', trigger: 'two_days' }]);
  });

  it('waits for completeness to reach its end', () => {
    const now = later(END, 3 * DAY);
    expect(due({ now, completeTo: later(END, -1) })).toEqual([]);
    expect(due({ now, completeTo: null })).toEqual([]);
    expect(due({ now, completeTo: at(END) })).toHaveLength(1);
  });

  it('is due at once when a person asked for it after its last proof began, and before all others', () => {
    const day = '2026-06-10';
    const proven = standing(day, later(END, 3 * DAY));
    const now = later(END, 4 * DAY);
    const asked = (at: Date) => due({ now, standings: [proven], requested: new Map([[day, at]]) });
    expect(asked(later(END, 3 * DAY + 1))).toEqual([{ day, trigger: 'manual' }]);
    expect(asked(later(END, 3 * DAY))).toEqual([]);
    expect(due({ now: later(END, 1), requested: new Map([[day, later(END, 1)]]) })).toEqual([
      { day, trigger: 'manual' },
    ]);
  });

  it('is not done by a proof from before its time', () => {
    const early = standing('2026-06-10', later(END, 2 * DAY - 1));
    const inTime = standing('2026-06-10', later(END, 2 * DAY));
    expect(due({ now: later(END, 2 * DAY + 1), standings: [early] })).toHaveLength(1);
    expect(due({ now: later(END, 2 * DAY + 1), standings: [inTime] })).toEqual([]);
  });

  it('is due again 75 days after it closed, once', () => {
    const first = standing('2026-06-10', later(END, 2 * DAY));
    const lastRotationAt = later(END, 75 * DAY - 1);
    expect(due({ now: later(END, 75 * DAY - 1), standings: [first], lastRotationAt })).toEqual([]);
    const again = [{ day: '2026-06-10', trigger: 'seventy_five_days', givesWay: true }];
    expect(due({ now: later(END, 75 * DAY), standings: [first], lastRotationAt })).toEqual(again);
    const second = standing('2026-06-10', later(END, 75 * DAY));
    expect(due({ now: later(END, 76 * DAY), standings: [second] })).toEqual([]);
  });

  it('is due once when both of its times passed while nobody proved', () => {
    expect(due({ now: later(END, 400 * DAY) })).toEqual([{ day: '2026-06-10', trigger: 'seventy_five_days' }]);
  });

  it('is due at once when a payment was stored after its proof, however young it is', () => {
    const reopened = standing('2026-06-10', later(END, 60_000), { storedSince: true });
    expect(due({ now: later(END, 120_000), standings: [reopened] })).toEqual([
      { day: '2026-06-10', trigger: 'reopened' },
    ]);
  });

  it('is due at once when a repair was applied to it after its proof', () => {
    const repaired = standing('2026-06-10', later(END, 2 * DAY), { states: ['broken'], repairedSince: true });
    expect(due({ now: later(END, 2 * DAY + 60_000), standings: [repaired] })).toEqual([
      { day: '2026-06-10', trigger: 'repair' },
    ]);
  });

  it('is due at once when a payment of it was dismissed after its proof', () => {
    const decided = standing('2026-06-10', later(END, 2 * DAY), { states: ['open'], decidedSince: true });
    expect(due({ now: later(END, 2 * DAY + 60_000), standings: [decided] })).toEqual([
      { day: '2026-06-10', trigger: 'decision' },
    ]);
  });

  it.each<CertificateState>(['open', 'not_covered', 'broken'])('that is %s is due again after a day', (state) => {
    const provedAt = later(END, 2 * DAY);
    const standings = [standing('2026-06-10', provedAt, { states: ['sealed', state] })];
    expect(due({ now: new Date(provedAt.getTime() + DAY - 1), standings })).toEqual([]);
    expect(due({ now: new Date(provedAt.getTime() + DAY), standings })).toEqual([
      { day: '2026-06-10', trigger: 'two_days' },
    ]);
  });

  it('that is sealed, with exceptions or without, is left alone', () => {
    const states = ['sealed', 'sealed_with_exceptions'] as const;
    const standings = [standing('2026-06-10', later(END, 2 * DAY), { states })];
    expect(due({ now: later(END, 31 * DAY), standings })).toEqual([]);
  });
});

describe('many days', () => {
  const now = at('2026-06-20T12:00:00Z');
  const startsAt = at('2026-06-13T15:00:00Z');

  it('come newest first, from the day of the start on', () => {
    expect(due({ now, startsAt, completeTo: now }).map(({ day }) => day)).toEqual([
      '2026-06-17',
      '2026-06-16',
      '2026-06-15',
      '2026-06-14',
      '2026-06-13',
    ]);
  });

  it('come after the reopened ones', () => {
    const reopened = standing('2026-06-14', at('2026-06-17T00:00:00Z'), { storedSince: true });
    const found = due({ now, startsAt, completeTo: now, standings: [reopened] });
    expect(found.map(({ day }) => day)).toEqual(['2026-06-14', '2026-06-17', '2026-06-16', '2026-06-15', '2026-06-13']);
    expect(found[0]?.trigger).toBe('reopened');
  });

  it('come before those that are sealed, which give way until they are a week late', () => {
    const rules = { now, startsAt, completeTo: now };
    const early = standing('2026-06-17', at('2026-06-18T01:00:00Z'));
    expect(due({ ...rules, standings: [early] }).map(({ day, givesWay }) => [day, givesWay === true])).toEqual([
      ['2026-06-16', false],
      ['2026-06-15', false],
      ['2026-06-14', false],
      ['2026-06-13', false],
      ['2026-06-17', true],
    ]);
    const lateBy = (ms: number) => due({ ...rules, now: later('2026-06-20T00:00:00Z', ms), standings: [early] }).at(-1);
    expect(lateBy(7 * DAY - 1)).toEqual({ day: '2026-06-17', trigger: 'two_days', givesWay: true });
    expect(lateBy(7 * DAY)).toEqual({ day: '2026-06-17', trigger: 'two_days' });
  });

  it('end with the last one that is over', () => {
    expect(daysBetween(at('2026-06-13T23:59:59Z'), at('2026-06-15T00:00:00Z'))).toEqual(['2026-06-13', '2026-06-14']);
    expect(daysBetween(at('2026-06-13T00:00:00Z'), at('2026-06-13T23:59:59Z'))).toEqual([]);
    expect(daysBetween(at('2026-02-27T00:00:00Z'), at('2026-03-02T00:00:00Z'))).toEqual([
      '2026-02-27',
      '2026-02-28',
      '2026-03-01',
    ]);
  });
});

describe('a day that was sealed though a part of it could not be seen', () => {
  const seenOf = (unseenProofs: number) => {
    const provedAt = later(END, 10 * DAY);
    const standings = [standing('2026-06-10', provedAt, { states: ['sealed_with_exceptions'], unseenProofs })];
    const at = (ms: number) => due({ now: new Date(provedAt.getTime() + ms), standings, lastRotationAt: provedAt });
    return [at(DAY - 1).length, at(DAY).length];
  };

  it('is proven again a day later, and no more after three such proofs', () => {
    expect([1, 2].map(seenOf)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect([0, 3].map(seenOf)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('the rotation', () => {
  const now = at('2026-12-01T00:00:00Z');
  const facts = { now, startsAt: at('2026-06-10T00:00:00Z'), completeTo: at('2026-06-13T00:00:00Z') };
  const standings = [
    standing('2026-06-10', at('2026-10-20T00:00:00Z')),
    standing('2026-06-11', at('2026-10-10T00:00:00Z')),
    standing('2026-06-12', at('2026-11-20T00:00:00Z')),
  ];

  it('has the sealed days whose proof is old, the oldest first', () => {
    expect(due({ ...facts, standings })).toEqual([
      { day: '2026-06-11', trigger: 'rotation' },
      { day: '2026-06-10', trigger: 'rotation' },
    ]);
  });

  it('has a turn a day', () => {
    const lastRotationAt = at('2026-11-30T00:00:00.001Z');
    expect(due({ ...facts, standings, lastRotationAt })).toEqual([]);
    expect(due({ ...facts, standings, lastRotationAt: at('2026-11-30T00:00:00Z') })).toHaveLength(2);
  });

  it('gives way until it is a week late', () => {
    const wayAt = (lastRotationAt: Date) => due({ ...facts, standings, lastRotationAt })[0]?.givesWay === true;
    expect(wayAt(at('2026-11-23T00:00:00.001Z'))).toBe(true);
    expect(wayAt(at('2026-11-23T00:00:00Z'))).toBe(false);
  });

  it('takes none whose proof is younger than 30 days', () => {
    const provedAt = new Date(now.getTime() - 30 * DAY);
    const young = standings.map(({ day }) => standing(day, new Date(provedAt.getTime() + 1)));
    expect(due({ ...facts, standings: young })).toEqual([]);
    expect(due({ ...facts, standings: [...young.slice(1), standing('2026-06-10', provedAt)] })).toEqual([
      { day: '2026-06-10', trigger: 'rotation', givesWay: true },
    ]);
  });

  it('takes none that is due for another reason', () => {
    const broken = standings.map((one) => ({ ...one, states: ['broken'] as const }));
    const found = due({ ...facts, standings: broken });
    expect(found.map(({ trigger }) => trigger)).toEqual(Array(3).fill('seventy_five_days'));
  });
});
