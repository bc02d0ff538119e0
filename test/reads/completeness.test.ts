/** How far completeness may be claimed: never further than coverage proves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CoverageFacts, completenessOf, type ListCoverage } from '../../src/core/coverage/completeness.js';

const DAY = 86_400_000;
const LAG = 600_000;
const START = new Date('2026-10-01T00:00:00Z');

function time(text: string): Date {
  return new Date(`2026-${text}Z`);
}

function list(from: string, to: string, readAt: string): ListCoverage {
  return { from: time(from), to: time(to), readAt: time(readAt) };
}

const FACTS: CoverageFacts = {
  lagMs: LAG,
  now: time('11-10T12:00:00'),
  startsAt: START,
  cutoverAt: time('11-01T00:00:00'),
  events: [{ from: time('10-31T23:50:00'), to: time('11-10T11:50:00') }],
  lists: [list('10-01T00:00:00', '11-01T00:00:00', '11-01T00:00:01')],
  sweeps: [],
  mayRead: { events: true, charges: true },
};

describe('completeness', () => {
  it('reaches the end of the events feed when the backfill covers everything from the start', () => {
    expect(completenessOf(FACTS)).toEqual({ complete: { from: START, to: time('11-10T11:50:00') }, holes: [] });
  });

  it('is nothing while a part of the backfill is missing, and names that part', () => {
    const lists = [
      list('10-01T00:00:00', '10-10T00:00:00', '11-01T00:00:01'),
      list('10-12T00:00:00', '11-01T00:00:00', '11-01T00:00:01'),
    ];
    expect(completenessOf({ ...FACTS, lists })).toEqual({
      complete: null,
      holes: [
        { feed: 'payment_intents', from: time('10-10T00:00:00'), to: time('10-12T00:00:00'), closedBy: 'backfill' },
      ],
    });
  });

  it('stops before a hole in the events feed, which the tail closes while the events live', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('11-10T11:50:00') },
    ];
    expect(completenessOf({ ...FACTS, events })).toEqual({
      complete: { from: START, to: time('11-03T00:00:00') },
      holes: [{ feed: 'events', from: time('11-03T00:00:00'), to: time('11-04T00:00:00'), closedBy: 'tail' }],
    });
  });

  it('reports that a sweep closes a hole whose events are gone', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('12-10T00:00:00') },
    ];
    const { holes } = completenessOf({ ...FACTS, events, now: time('12-10T00:10:00') });
    expect(holes.map((hole) => hole.closedBy)).toEqual(['sweep']);
  });

  it('counts a hole as closed when the list up to its end was read again later', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('11-10T11:50:00') },
    ];
    const again = list('10-01T00:00:00', '11-04T00:00:00', '11-05T00:00:00');
    expect(completenessOf({ ...FACTS, events, lists: [...FACTS.lists, again] })).toEqual({
      complete: { from: START, to: time('11-10T11:50:00') },
      holes: [],
    });
  });

  it('does not count a list that was read less than the lag after the hole ended', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('11-10T11:50:00') },
    ];
    const again = list('10-01T00:00:00', '11-04T00:00:00', '11-04T00:09:59');
    const { complete } = completenessOf({ ...FACTS, events, lists: [...FACTS.lists, again] });
    expect(complete?.to).toEqual(time('11-03T00:00:00'));
  });

  it('requires events from before the backfill was read, by the lag', () => {
    const events = [{ from: time('11-01T00:00:02'), to: time('11-10T11:50:00') }];
    expect(completenessOf({ ...FACTS, events })).toEqual({
      complete: null,
      holes: [{ feed: 'events', from: time('10-31T23:50:01'), to: time('11-01T00:00:02'), closedBy: 'tail' }],
    });
  });

  it('is nothing before the first event was read', () => {
    const { complete, holes } = completenessOf({ ...FACTS, events: [] });
    expect(complete).toBeNull();
    expect(holes).toEqual([{ feed: 'events', from: time('10-31T23:50:01'), to: FACTS.now, closedBy: 'tail' }]);
  });

  it('is extended by a sweep from the start on, up to the lag before its end', () => {
    const sweeps = [list('10-01T00:00:00', '11-05T00:00:00', '11-05T00:00:01')];
    const facts = { ...FACTS, events: [], sweeps };
    expect(completenessOf(facts)).toEqual({ complete: { from: START, to: time('11-04T23:50:00') }, holes: [] });
  });

  it('counts a sweep only up to when its earliest page was read', () => {
    const sweeps = [list('10-01T00:00:00', '11-05T00:00:00', '11-04T00:00:00')];
    expect(completenessOf({ ...FACTS, events: [], sweeps }).complete?.to).toEqual(time('11-03T23:50:00'));
  });

  it('counts a sweep from later than the start only from 75 days after its beginning', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('11-10T11:50:00') },
    ];
    const swept = (from: Date, to: Date) => {
      const sweeps = [{ from, to, readAt: FACTS.now }];
      const { complete } = completenessOf({
        ...FACTS,
        startsAt: new Date(START.getTime() - 200 * DAY),
        lists: [
          { from: new Date(START.getTime() - 200 * DAY), to: time('11-01T00:00:00'), readAt: time('11-01T00:00:01') },
        ],
        events,
        sweeps,
      });
      return complete?.to;
    };
    const [holeFrom, holeTo] = [time('11-03T00:00:00'), time('11-04T00:00:00')];
    const enough = { from: new Date(holeFrom.getTime() - 75 * DAY), to: new Date(holeTo.getTime() + LAG) };
    expect(swept(enough.from, enough.to)).toEqual(time('11-10T11:50:00'));
    expect(swept(new Date(enough.from.getTime() + 1_000), enough.to)).toEqual(holeFrom);
    expect(swept(enough.from, new Date(enough.to.getTime() - 1_000))).toEqual(new Date(holeTo.getTime() - 1_000));
  });

  it('does not take a sweep from the start on for one, once the start was moved back', () => {
    const sweeps = [list('10-01T00:00:00', '11-05T00:00:00', '11-05T00:00:01')];
    const startsAt = new Date(START.getTime() - DAY);
    const lists = [{ from: startsAt, to: START, readAt: time('11-06T00:00:00') }, ...FACTS.lists];
    expect(completenessOf({ ...FACTS, startsAt, lists, events: [], sweeps }).complete).toBeNull();
  });

  it('cuts a hole where events are gone, and names who closes which side of it', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('12-09T00:00:00'), to: time('12-10T11:50:00') },
    ];
    const facts = { ...FACTS, events, now: time('12-10T12:00:00') };
    const cut = time('11-11T12:00:00');
    const sides = (mayRead: CoverageFacts['mayRead']) =>
      completenessOf({ ...facts, mayRead }).holes.map(({ from, to, closedBy }) => [from, to, closedBy]);
    const [from, to] = [time('11-03T00:00:00'), time('12-09T00:00:00')];
    expect(sides({ events: true, charges: true })).toEqual([
      [from, cut, 'sweep'],
      [cut, to, 'tail'],
    ]);
    expect(sides({ events: true, charges: false })).toEqual([
      [from, cut, 'permission'],
      [cut, to, 'tail'],
    ]);
    const rest = [time('12-10T11:50:00'), facts.now];
    expect(sides({ events: false, charges: true })).toEqual([
      [from, to, 'sweep'],
      [...rest, 'sweep'],
    ]);
    expect(sides({ events: false, charges: false })).toEqual([
      [from, to, 'permission'],
      [...rest, 'permission'],
    ]);
  });

  it('reports without events that what comes after the last sweep is not read', () => {
    const mayRead = { events: false, charges: true };
    expect(completenessOf({ ...FACTS, mayRead })).toEqual({
      complete: { from: START, to: time('11-10T11:50:00') },
      holes: [{ feed: 'events', from: time('11-10T11:50:00'), to: FACTS.now, closedBy: 'sweep' }],
    });
  });

  it('never claims a payment that nothing could have shown', () => {
    const day = fc.integer({ min: 0, max: 200 });
    const window = fc.tuple(day, day).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
    const reading = fc.tuple(window, day).map(([covered, readAt]) => ({ ...covered, readAt }));
    const at = (days: number) => new Date(START.getTime() + days * DAY);
    const lagDays = 1;
    const startDay = fc.integer({ min: 0, max: 40 });
    const toCoverage = ({ from, to, readAt }: { from: number; to: number; readAt: number }) => ({
      from: at(from),
      to: at(to),
      readAt: at(readAt),
    });
    let claims = 0;
    fc.assert(
      fc.property(
        startDay,
        fc.array(window, { maxLength: 3 }),
        fc.array(reading, { maxLength: 4 }),
        fc.array(reading, { maxLength: 3 }),
        fc.tuple(fc.boolean(), fc.boolean()),
        (start, events, lists, sweeps, [mayReadEvents, mayReadCharges]) => {
          const { complete } = completenessOf({
            lagMs: lagDays * DAY,
            now: at(200),
            startsAt: at(start),
            cutoverAt: at(100),
            events: events.map(({ from, to }) => ({ from: at(from), to: at(to) })),
            lists: lists.map(toCoverage),
            sweeps: sweeps.map(toCoverage),
            mayRead: { events: mayReadEvents, charges: mayReadCharges },
          });
          if (complete === null) return;
          claims += 1;
          const end = (complete.to.getTime() - START.getTime()) / DAY;
          for (let created = start; created < end; created += 3) {
            for (let success = created; success < end; success += 2) {
              const shown = ({ readAt }: { readAt: number }) => success < readAt - lagDays;
              const inEvents = events.some(({ from, to }) => from <= success && success < to);
              const inLists = lists.some((list) => list.from <= created && created < list.to && shown(list));
              if (inEvents || inLists) continue;
              // The charge may lie anywhere between; the sweeps must have seen it wherever it was.
              const charges = [Math.max(created, success - 75), success];
              const unseen = charges.filter((at) => !sweeps.some((one) => one.from <= at && at < one.to && shown(one)));
              if (unseen.length > 0) throw new Error(`created ${created}, charged ${unseen}, success ${success}`);
            }
          }
        },
      ),
      { numRuns: 2_000, seed: 5 },
    );
    expect(claims).toBeGreaterThan(100);
  });

  it('stays fast with a page of coverage for each of 20,000 pages', () => {
    const lists = Array.from({ length: 20_000 }, (_, page) => ({
      from: new Date(START.getTime() + page * 100_000),
      to: new Date(START.getTime() + (page + 1) * 100_000),
      readAt: new Date(START.getTime() + 40 * DAY - page * 1_000),
    }));
    const begun = performance.now();
    completenessOf({ ...FACTS, lists, cutoverAt: lists.at(-1)?.to ?? null });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
