/** Which sweeps are asked for: where completeness says that a sweep closes a hole, one has to come. */
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/base/window.js';
import { completenessOf } from '../../src/core/coverage/completeness.js';
import { type SweepFacts, sweepsDue } from '../../src/core/coverage/sweep-plan.js';

const HAND_OVER = new Date('2026-06-01T00:00:00Z');
const LAG_MS = 600_000;
const at = (ms: number) => new Date(HAND_OVER.getTime() + ms);

/** 40 days after the hand-over; events were read without a hole from shortly before it on. */
function factsWith(listsReadAt: Date): SweepFacts {
  const now = at(40 * DAY_MS);
  return {
    ...{ lagMs: LAG_MS, now, startsAt: at(-30 * DAY_MS), cutoverAt: HAND_OVER, listsReadAt, sweeps: [] },
    events: [{ from: at(-LAG_MS - 60_000), to: at(40 * DAY_MS - LAG_MS) }],
    mayRead: { events: true, charges: true },
    ...{ open: [], recent: [{ from: at(30 * DAY_MS), to: now }], isBackfilling: false },
  };
}

describe('the list of payments, read', () => {
  async function due(readAt: Date) {
    const facts = factsWith(readAt);
    const lists = [{ from: facts.startsAt, to: HAND_OVER, readAt }];
    let listsWereRead = false;
    const sweeps = await sweepsDue(facts, async () => {
      listsWereRead = true;
      return lists;
    });
    return { sweeps, listsWereRead, holes: completenessOf({ ...facts, lists }).holes };
  }

  it('after the hand-over leaves nothing to be swept, and is not looked at again', async () => {
    expect(await due(at(5_000))).toEqual({ sweeps: [], listsWereRead: false, holes: [] });
  });

  it('earlier than events begin leaves a hole, and the sweep that closes it is asked for', async () => {
    const { sweeps, holes } = await due(at(-120_000));
    expect(holes).toMatchObject([{ feed: 'events', closedBy: 'sweep' }]);
    expect(sweeps).toEqual([{ from: at(-30 * DAY_MS), to: at(-60_000) }]);
  });
});

describe('a hole of events older than Stripe keeps them', () => {
  const hole = { from: at(2 * DAY_MS), to: at(5 * DAY_MS) };
  async function dueAfter(listsReadAt: Date, swept: SweepFacts['sweeps'] = []) {
    const facts = { ...factsWith(listsReadAt), sweeps: swept };
    const events = [
      { from: at(-LAG_MS - 60_000), to: hole.from },
      { from: hole.to, to: at(40 * DAY_MS - LAG_MS) },
    ];
    const lists = [{ from: facts.startsAt, to: facts.now, readAt: listsReadAt }];
    return {
      sweeps: await sweepsDue({ ...facts, events }, async () => lists),
      holes: completenessOf({ ...facts, events, lists }).holes,
    };
  }
  const sweep = { from: at(-30 * DAY_MS), to: new Date(hole.to.getTime() + LAG_MS) };

  it('is swept though a list read since has closed it: the list names nothing created before the start', async () => {
    expect(await dueAfter(at(39 * DAY_MS))).toEqual({ sweeps: [sweep], holes: [] });
  });

  it('is swept once', async () => {
    const swept = [{ ...sweep, readAt: at(39 * DAY_MS) }];
    expect(await dueAfter(at(39 * DAY_MS), swept)).toEqual({ sweeps: [], holes: [] });
  });

  it('is swept once where the mirror starts after the hand-over: nothing earlier can be proven by a sweep', async () => {
    const facts = { ...factsWith(at(40 * DAY_MS)), startsAt: at(DAY_MS) };
    const whole = [{ from: facts.startsAt, to: facts.now, readAt: facts.now }];
    const events = [{ from: at(11 * DAY_MS), to: at(40 * DAY_MS - LAG_MS) }];
    expect(await sweepsDue({ ...facts, events, sweeps: whole, recent: whole }, async () => whole)).toEqual([]);
  });
});
