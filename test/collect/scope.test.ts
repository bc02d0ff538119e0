/** The start and the hand-over: which payments this mirror claims, in the minutes where list and events meet. */
import { describe, expect, it } from 'vitest';
import { STRIPE_EPOCH } from '../../src/core/posting/mirror.js';
import { DAY, HOUR, LAG, MINUTE, NOW, stages } from '../support/stages/collect.js';

const SECOND = 1_000;

describe('around the hand-over', () => {
  const open = stages();
  const at = (ms: number) => new Date(NOW.getTime() + ms);
  const START = at(-2 * DAY);

  it('stores what was created and succeeded in the very minutes of it, once', async () => {
    const stage = await open({ startsAt: START });
    for (let second = -13 * 60; second <= 0; second += 20) stage.pay({ created: at(second * SECOND) });
    await stage.syncJob()('startup');
    for (let second = 0; second <= 13 * 60; second += 20) {
      stage.pay({ created: at(second * SECOND) });
      stage.clock.advance(20 * SECOND);
    }
    await stage.backfills();
    await stage.tail();
    expect([...(await stage.postings()).keys()].sort()).toEqual([...(await stage.owed()).keys()].sort());
    await stage.assertHonest();
  });

  it('stores what is created before it and succeeds after its part of the list was read', async () => {
    const stage = await open({ startsAt: START });
    const ids = [-DAY, -HOUR, -MINUTE, 0].map((ms) => stage.sandbox.createIntent({ created: at(ms) }));
    await stage.begin();
    expect((await stage.postings()).size).toBe(0);
    for (const id of ids) {
      stage.clock.advance(SECOND);
      stage.sandbox.succeed(id);
    }
    stage.clock.advance(LAG);
    await stage.tail();
    expect([...(await stage.postings()).keys()].sort()).toEqual(ids.sort());
    await stage.assertHonest();
  });

  it('stores what succeeds between the hand-over and a backfill that is read hours later', async () => {
    const stage = await open({ startsAt: START });
    const id = stage.sandbox.createIntent({ created: at(-DAY) });
    await stage.syncJob()('startup');
    stage.clock.advance(HOUR);
    stage.sandbox.succeed(id);
    stage.clock.advance(2 * HOUR);
    await stage.backfills();
    await stage.assertHonest();
    expect((await stage.postings()).has(id)).toBe(true);
    expect((await stage.completeness()).complete?.to).toEqual(at(-LAG));
    await stage.tail();
    expect((await stage.completeness()).complete?.to).toEqual(at(3 * HOUR - LAG));
    expect(await stage.runs()).toEqual(
      expect.arrayContaining([expect.objectContaining({ feed: 'events', found: 1, stored: 0, knownBefore: 1 })]),
    );
  });

  it('leaves out, and counts, what was created before the start and succeeded before the hand-over', async () => {
    const stage = await open({ startsAt: at(-MINUTE) });
    // The tail begins before the start here, so it sees this success.
    const early = stage.pay({ created: at(-DAY), succeeded: at(-2 * MINUTE) });
    const just = stage.pay({ created: at(-DAY), succeeded: at(-SECOND) });
    const ours = stage.pay({ created: at(-DAY), succeeded: at(0) });
    await stage.begin();
    const stored = await stage.postings();
    expect([early, just, ours].map((id) => stored.has(id))).toEqual([false, false, true]);
    expect((await stage.runs()).find((run) => run.feed === 'events')).toMatchObject({
      found: 1,
      stored: 1,
      beforeStart: 2,
    });
    await stage.assertHonest();
  });

  it('mirrors what was created at the very second of the start, and not the second before', async () => {
    const stage = await open({ startsAt: START });
    const inside = stage.pay({ created: START, succeeded: at(-DAY) });
    const outside = stage.pay({ created: new Date(START.getTime() - SECOND), succeeded: at(-DAY) });
    await stage.begin();
    const stored = await stage.postings();
    expect([inside, outside].map((id) => stored.has(id))).toEqual([true, false]);
  });

  it('moves the start back with a backfill from earlier on, and then reads what it had left out', async () => {
    const stage = await open({ startsAt: at(-MINUTE) });
    const before = stage.pay({ created: at(-DAY), succeeded: at(-2 * MINUTE) });
    await stage.begin();
    expect((await stage.postings()).has(before)).toBe(false);
    stage.clock.advance(HOUR);
    await stage.store.requestBackfill({ from: at(-2 * DAY), to: at(HOUR) }, 'manual');
    expect((await stage.store.mirror()).startsAt).toEqual(at(-2 * DAY));
    await stage.backfills();
    expect((await stage.postings()).has(before)).toBe(true);
    await stage.tail();
    await stage.assertHonest();
    expect((await stage.completeness()).complete).toEqual({ from: at(-2 * DAY), to: at(HOUR - LAG) });
  });

  it('leaves no gap when the backfill ends before the earlier start', async () => {
    const stage = await open({ startsAt: START });
    await stage.begin();
    const between = stage.pay({ created: at(-5 * DAY) });
    const asked = await stage.store.requestBackfill({ from: at(-10 * DAY), to: at(-8 * DAY) }, 'manual');
    expect(asked.window).toEqual({ from: at(-10 * DAY), to: START });
    await stage.backfills();
    expect((await stage.postings()).has(between)).toBe(true);
    stage.clock.advance(LAG);
    await stage.tail();
    expect(await stage.completeness()).toEqual({ complete: { from: at(-10 * DAY), to: NOW }, holes: [] });
  });

  it('requests no time before Stripe', async () => {
    const stage = await open({ startsAt: START });
    await stage.begin();
    const { window } = await stage.store.requestBackfill({ from: new Date('1900-01-01'), to: NOW }, 'manual');
    expect(window).toEqual({ from: STRIPE_EPOCH, to: NOW });
    await stage.backfills();
    expect(await stage.store.openBackfills()).toEqual([]);
  });

  it('never moves the start forward', async () => {
    const stage = await open({ startsAt: START });
    await stage.begin();
    await stage.store.requestBackfill({ from: at(-HOUR), to: NOW }, 'manual');
    expect((await stage.store.mirror()).startsAt).toEqual(START);
  });
});
