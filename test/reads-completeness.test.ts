/** How far completeness may be claimed: never further than coverage proves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CoverageFacts, completenessOf, type ListCoverage } from '../src/core/completeness.js';

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
  handOverAt: time('11-01T00:00:00'),
  events: [{ from: time('10-31T23:50:00'), to: time('11-10T11:50:00') }],
  lists: [list('10-01T00:00:00', '11-01T00:00:00', '11-01T00:00:01')],
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

  it('says that the list must be read again once the events of a hole are gone', () => {
    const events = [
      { from: time('10-31T23:50:00'), to: time('11-03T00:00:00') },
      { from: time('11-04T00:00:00'), to: time('12-10T00:00:00') },
    ];
    const { holes } = completenessOf({ ...FACTS, events, now: time('12-10T00:10:00') });
    expect(holes.map((hole) => hole.closedBy)).toEqual(['read_again']);
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

  it('wants events from before the backfill was read, by the lag', () => {
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

  it('never claims a payment that nothing could have shown', () => {
    const hour = fc.integer({ min: 0, max: 60 });
    const window = fc.tuple(hour, hour).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
    const reading = fc.tuple(window, hour).map(([covered, readAt]) => ({ ...covered, readAt }));
    const at = (hours: number) => new Date(START.getTime() + hours * 3_600_000);
    const lagHours = 1;
    fc.assert(
      fc.property(fc.array(window, { maxLength: 5 }), fc.array(reading, { maxLength: 6 }), (events, lists) => {
        const { complete } = completenessOf({
          lagMs: lagHours * 3_600_000,
          now: at(60),
          startsAt: START,
          handOverAt: at(30),
          events: events.map(({ from, to }) => ({ from: at(from), to: at(to) })),
          lists: lists.map(({ from, to, readAt }) => ({ from: at(from), to: at(to), readAt: at(readAt) })),
        });
        if (complete === null) return;
        const end = (complete.to.getTime() - START.getTime()) / 3_600_000;
        for (let created = 0; created < end; created += 1) {
          for (let success = created; success < end; success += 1) {
            const inEvents = events.some(({ from, to }) => from <= success && success < to);
            const inLists = lists.some(
              ({ from, to, readAt }) => from <= created && created < to && success < readAt - lagHours,
            );
            if (!inEvents && !inLists) throw new Error(`created ${created}, success ${success}, claimed up to ${end}`);
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('stays fast with a page of coverage for each of 20,000 pages', () => {
    const lists = Array.from({ length: 20_000 }, (_, page) => ({
      from: new Date(START.getTime() + page * 100_000),
      to: new Date(START.getTime() + (page + 1) * 100_000),
      readAt: new Date(START.getTime() + 40 * DAY - page * 1_000),
    }));
    const begun = performance.now();
    completenessOf({ ...FACTS, lists, handOverAt: lists.at(-1)?.to ?? null });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
