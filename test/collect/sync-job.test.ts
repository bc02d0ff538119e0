/** The `sync` job around the tail: when it is due, when it looks only at what is new, and how backfills are asked for. */
import { describe, expect, it } from 'vitest';
import { openParts } from '../../src/collect/backfill.js';
import { createSyncJob, isDue } from '../../src/worker/sync-job.js';
import { DAY, HOUR, LAG, MINUTE, NOW, stages } from '../support/stages/collect.js';

const SECOND = 1_000;
const at = (ms: number) => new Date(NOW.getTime() + ms);

describe('the sync job', () => {
  const open = stages();

  it('reads the whole lag once a minute; in between it looks at what is new, stores it and covers nothing', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    const sync = stage.syncJob();
    stage.clock.advance(HOUR);
    const first = stage.pay();
    await sync('manual');
    const covered = await stage.coverage();

    stage.clock.advance(10 * SECOND);
    stage.monotonicMs += 10 * SECOND;
    // One is new; the other shows up now but happened before the newest that was seen.
    const fresh = stage.pay();
    const late = stage.pay({ created: at(HOUR - MINUTE) });
    await sync('manual');
    expect([...(await stage.postings()).keys()].sort()).toEqual([first, fresh].sort());
    expect(await stage.coverage()).toEqual(covered);
    expect((await stage.runs()).at(-1)).toMatchObject({ found: 2, knownBefore: 1, stored: 1, windowFrom: at(HOUR) });

    stage.clock.advance(MINUTE);
    stage.monotonicMs += MINUTE;
    await sync('manual');
    expect((await stage.postings()).has(late)).toBe(true);
    expect((await stage.completeness()).complete?.to).toEqual(at(HOUR + 70 * SECOND - LAG));
    await stage.assertHonest();
  });

  it('covers nothing in between though the newest event is older than the lag', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    stage.pay();
    stage.clock.advance(HOUR);
    const sync = stage.syncJob();
    await sync('manual');
    const covered = await stage.coverage();
    stage.clock.advance(30 * SECOND);
    stage.monotonicMs += 30 * SECOND;
    await sync('manual');
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'collected', windowFrom: NOW, windowTo: null });
    expect(await stage.coverage()).toEqual(covered);
  });

  it('reads the whole lag again after a run that failed', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    stage.clock.advance(HOUR);
    const sync = stage.syncJob();
    stage.sandbox.faults.add({ effect: 'status', status: 500, route: 'events.list', nth: 1 });
    await expect(sync('schedule')).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await sync('schedule');
    expect((await stage.completeness()).complete?.to).toEqual(at(HOUR - LAG));
  });

  it('reads the whole lag as long as no event was ever seen', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    const sync = stage.syncJob();
    for (const minute of [30, 31]) {
      stage.clock.set(at(minute * MINUTE));
      await sync('schedule');
      expect((await stage.completeness()).complete?.to).toEqual(at(minute * MINUTE - LAG));
    }
  });

  it('is due on schedule when its interval is over, a second early at most, and always the first time', async () => {
    const intervalMs = 17 * MINUTE;
    const due = (since: number | null) =>
      isDue({ sinceLastTailMs: async () => since, intervalMs: async () => intervalMs });
    expect(await due(intervalMs - 1_001)).toBe(false);
    expect(await due(intervalMs - 1_000)).toBe(true);
    expect(await due(null)).toBe(true);
  });

  it('runs whoever asked, however short ago the last run was', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    const runs = (await stage.runs()).length;
    await stage.syncJob()('schedule');
    await stage.syncJob()('manual');
    expect(await stage.runs()).toHaveLength(runs + 2);
  });

  it('requests every part of an open backfill that still lacks something, and closes one that lacks nothing', async () => {
    const stage = await open({ startsAt: at(-8 * DAY) });
    const asked: unknown[] = [];
    const sync = createSyncJob(
      {
        store: stage.store,
        feeds: stage.feeds,
        wakeLanes: async () => {},
        vendorClock: { serverTime: async () => stage.clock.now() },
        clock: { monotonicMs: () => 0, sleep: async () => {}, every: () => () => {} },
        clockFault: () => null,
        permissions: stage.account,
        onPermission: () => {},
        requestPart: async ({ window }) => void asked.push(window),
      },
      { lagMs: LAG, signal: new AbortController().signal },
    );
    await sync('startup');
    expect(asked).toEqual(
      Array.from({ length: 8 }, (_, day) => ({ from: at((day - 8) * DAY), to: at((day - 7) * DAY) })),
    );
    stage.sandbox.faults.add({ effect: 'reset', route: 'payment_intents.list', nth: 3 });
    await expect(stage.backfills()).rejects.toThrow();
    asked.length = 0;
    await sync('manual');
    expect(asked).toHaveLength(6);
    await stage.backfills();
    asked.length = 0;
    await sync('manual');
    // The backfill lacks nothing any more; what is asked for is the day's short sweep.
    expect((await stage.store.openBackfills()).map(({ feed }) => feed)).toEqual(['charges']);
    expect(asked).toEqual([-3, -2, -1].map((day) => ({ from: at(day * DAY), to: at((day + 1) * DAY) })));
  });
});

describe('an explicit backfill', () => {
  const open = stages();

  it('reads again what was read before, and is done when its own parts are', async () => {
    const stage = await open({ startsAt: at(-4 * HOUR) });
    await stage.begin();
    stage.requests();
    const backfill = await stage.store.requestBackfill({ from: at(-4 * HOUR), to: NOW }, 'manual');
    expect(await openParts(stage.store, backfill)).toHaveLength(4);
    await stage.backfills();
    expect(stage.requests()).toEqual({ 'payment_intents.list': 4 });
    expect(await stage.store.openBackfills()).toEqual([]);
    const runs = await stage.runs();
    expect(runs.find((run) => run.id === backfill.id)).toMatchObject({ state: 'collected', trigger: 'manual' });
  });

  it('is not taken for done by what another backfill reads at the same time', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    await stage.begin();
    const first = await stage.store.requestBackfill({ from: at(-HOUR), to: NOW }, 'manual');
    const second = await stage.store.requestBackfill({ from: at(-HOUR), to: NOW }, 'manual');
    await stage.backfills();
    const parts = (await stage.runs()).filter((run) => run.parentId !== null);
    expect(parts.map((run) => run.parentId).slice(-2)).toEqual([first.id, second.id]);
  });

  it('stays open while Stripe does not tell the time', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    await stage.begin();
    await stage.store.requestBackfill({ from: at(-HOUR), to: NOW }, 'manual');
    stage.sandbox.faults.add({ effect: 'no_date' });
    await stage.backfills();
    expect(await stage.store.openBackfills()).toHaveLength(1);
  });

  it('of a window that nobody asked for, or that is done already, reads nothing', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    await stage.begin();
    stage.requests();
    const runs = (await stage.runs()).length;
    await stage.backfills();
    expect(await stage.store.backfill(crypto.randomUUID())).toBeNull();
    expect(stage.requests()).toEqual({});
    expect(await stage.runs()).toHaveLength(runs);
  });
});
