/** A key that may not read events, or charges: payments are still found, nothing more is claimed than is so, and it is told. */
import { describe, expect, it } from 'vitest';
import type { Permission } from '../../sandbox/stripe/access.js';
import { verdictOf } from '../../src/core/verdict/verdict.js';
import { readMirror } from '../../src/db/mirror/mirror-store.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { DAY, HOUR, LAG, MINUTE, NOW, type Stage, type StageOptions, stages } from '../support/stages/collect.js';
import { itInFull } from '../support/tier.js';

const SECOND = 1_000;
const KEY = 'rk_test_restricted1';
const at = (ms: number) => new Date(NOW.getTime() + ms);

const open = stages();

/** A stage with a key whose permissions the test grants and withdraws. */
async function restricted(granted: Permission[], options: StageOptions = {}): Promise<Stage> {
  return open({ ...options, apiKey: KEY, sandbox: { ...options.sandbox, restrictedKeys: { [KEY]: granted } } });
}

function payLate(stage: Stage, charged: Date, succeeded: Date): string {
  return stage.sandbox.createIntent({
    created: charged,
    moves: [
      { move: 'process', at: charged },
      { move: 'succeed', at: succeeded },
    ],
  });
}

/** Lets time pass with a sync every `everyMs`, whose parts are read at once. */
async function live(stage: Stage, times: { readonly forMs: number; readonly everyMs: number }): Promise<void> {
  const sync = stage.syncJob();
  for (let passed = 0; passed < times.forMs; passed += times.everyMs) {
    stage.clock.advance(times.everyMs);
    stage.monotonicMs += times.everyMs;
    await sync('schedule');
    await stage.backfills();
    await stage.assertHonest();
  }
}

const runsOf = async (stage: Stage, feed: string) =>
  (await stage.runs()).filter((run) => run.feed === feed && run.parentId === null);

describe('a key without events', () => {
  it('from the first start on finds new payments by the list and late ones by sweeps, and is complete up to the last full one', async () => {
    const granted: Permission[] = ['rak_payment_intent_read', 'rak_charge_read'];
    const stage = await restricted(granted);
    const old = stage.pay({ created: at(-10 * DAY) });
    const late = payLate(stage, at(-5 * DAY), at(6 * HOUR));
    await stage.syncJob()('startup');
    await stage.backfills();
    expect(stage.permissions).toEqual(['events refused']);
    expect((await readMirror(stage.db)).eventsRefusedSince).toEqual(NOW);
    expect(await stage.completeness()).toMatchObject({ complete: null, holes: [{ closedBy: 'sweep' }] });

    stage.clock.advance(MINUTE);
    const fresh = stage.pay();
    await live(stage, { forMs: MINUTE, everyMs: MINUTE });
    expect([...(await stage.postings()).keys()].sort()).toEqual([old, fresh].sort());
    const first = at(2 * MINUTE);
    expect((await stage.completeness()).complete).toEqual({ from: at(-30 * DAY), to: new Date(first.getTime() - LAG) });

    await live(stage, { forMs: 26 * HOUR, everyMs: HOUR });
    expect((await stage.postings()).has(late)).toBe(true);
    const sweeps = (await runsOf(stage, 'charges')).map((run) => run.windowTo?.getTime() ?? 0);
    const full = (await runsOf(stage, 'charges')).filter((run) => run.windowFrom.getTime() === at(-30 * DAY).getTime());
    expect(full).toHaveLength(2);
    // Hourly, but for the ones whose place a full one takes.
    const gaps = sweeps.slice(1).map((to, n) => to - (sweeps[n] ?? 0));
    expect(Math.max(...gaps)).toBe(HOUR);
    const { complete, holes } = await stage.completeness();
    const behindMs = stage.clock.nowMs() - (complete?.to.getTime() ?? 0);
    expect(behindMs).toBeLessThanOrEqual(DAY + LAG);
    expect(holes).toEqual([{ feed: 'events', from: complete?.to, to: stage.clock.now(), closedBy: 'sweep' }]);
    // One failed run told that events are refused; after that none.
    expect(await runsOf(stage, 'events')).toMatchObject([{ state: 'failed', errorCode: 'stripe_permission_missing' }]);
    expect(stage.permissions).toHaveLength(28);
  });

  it('covers nothing by the list, which is read from where it was read last, by the lag', async () => {
    const stage = await restricted(['rak_payment_intent_read', 'rak_charge_read']);
    await stage.begin();
    const covered = await stage.coverage();
    stage.clock.advance(HOUR);
    stage.pay();
    const run = await stage.syncJob()('manual');
    expect(run).toMatchObject({ feed: 'payment_intents', counts: { found: 1, stored: 1 } });
    expect((await stage.runs()).find(({ id }) => id === run.runId)).toMatchObject({
      windowFrom: at(-LAG),
      windowTo: at(HOUR),
      parentId: null,
      workerId: stage.workerId,
    });
    expect(await stage.coverage()).toEqual(covered);
    const reads = createReadModel(stage.db, {
      lagMs: LAG,
      intervalMs: MINUTE,
      stripeReads: { used: 0, allowed: null, forecast: 0 },
    });
    const served = await reads.firstRunAfter({ feed: 'events', startedAfter: new Date(0) });
    expect((await stage.runs()).find(({ id }) => id === served)).toMatchObject({ feed: 'events', state: 'failed' });
    const [refused] = await runsOf(stage, 'events');
    const startedAfter = refused?.startedAt ?? NOW;
    const lists = (await runsOf(stage, 'payment_intents')).filter((one) => one.workerId !== null);
    expect(await reads.firstRunAfter({ feed: 'events', startedAfter })).toBe(lists[0]?.id);
  });

  itInFull('that loses and regains them goes back to the tail, which reads on from where it was', async () => {
    const granted: Permission[] = ['rak_payment_intent_read', 'rak_charge_read', 'rak_event_read'];
    const stage = await restricted(granted);
    await stage.begin();
    await live(stage, { forMs: 2 * HOUR, everyMs: HOUR });
    const before = (await stage.completeness()).complete;
    expect(before?.to).toEqual(at(2 * HOUR - LAG));
    granted.pop();
    const late = payLate(stage, at(2 * HOUR), at(5 * HOUR));
    await live(stage, { forMs: 6 * HOUR, everyMs: HOUR });
    expect((await stage.postings()).has(late)).toBe(true);
    expect((await stage.completeness()).complete).toEqual(before);
    expect((await readMirror(stage.db)).eventsRefusedSince).toEqual(at(3 * HOUR));

    granted.push('rak_event_read');
    await live(stage, { forMs: HOUR, everyMs: HOUR });
    expect(stage.permissions.at(-1)).toBe('events allowed');
    expect((await readMirror(stage.db)).eventsRefusedSince).toBeNull();
    expect((await runsOf(stage, 'events')).at(-1)).toMatchObject({
      windowFrom: at(2 * HOUR - LAG),
      state: 'collected',
    });
    expect(await stage.completeness()).toEqual({
      complete: { from: at(-30 * DAY), to: at(9 * HOUR - LAG) },
      holes: [],
    });
  });

  it('that loses events again reads the list from where events were read, not from the last time without them', async () => {
    const granted: Permission[] = ['rak_payment_intent_read', 'rak_charge_read'];
    const stage = await restricted(granted);
    await stage.begin();
    granted.push('rak_event_read');
    await live(stage, { forMs: 8 * DAY, everyMs: DAY });
    granted.pop();
    await live(stage, { forMs: 2 * HOUR, everyMs: HOUR });
    const lists = (await runsOf(stage, 'payment_intents')).filter((run) => run.workerId !== null);
    expect(lists.slice(-2)).toMatchObject([
      { windowFrom: at(8 * DAY - 2 * LAG), windowTo: at(8 * DAY + HOUR) },
      { windowFrom: at(8 * DAY + HOUR - LAG), windowTo: at(8 * DAY + 2 * HOUR) },
    ]);
  });

  itInFull('is asked for events again once an hour, with one request and no failed run', async () => {
    const stage = await restricted(['rak_payment_intent_read', 'rak_charge_read']);
    await stage.begin();
    const sync = stage.syncJob();
    await sync('schedule');
    stage.requests();
    for (let minute = 0; minute < 59; minute += 1) {
      stage.monotonicMs += MINUTE;
      stage.clock.advance(SECOND);
      await sync('schedule');
    }
    expect(stage.requests()).not.toHaveProperty(['events.list']);
    stage.monotonicMs += MINUTE;
    await sync('schedule');
    expect(stage.requests()).toMatchObject({ 'events.list': 1 });
    expect(await runsOf(stage, 'events')).toHaveLength(1);
  });
});

describe('a key without charges', () => {
  it('goes on with events, does not fail a part a minute, and leaves an aged hole to a person until it may', async () => {
    const granted: Permission[] = ['rak_payment_intent_read', 'rak_event_read'];
    const stage = await restricted(granted);
    await stage.begin();
    const lost = stage.pay({ created: at(DAY) });
    stage.clock.advance(40 * DAY);
    const sync = stage.syncJob();
    await sync('schedule');
    const sweeps = (await stage.store.openBackfills()).length;
    expect(sweeps).toBe(2);
    // The first part tells; the others are not tried.
    await stage.backfills();
    expect((await stage.runs()).filter((run) => run.state === 'failed')).toHaveLength(1);
    expect((await readMirror(stage.db)).chargesRefusedSince).toEqual(at(40 * DAY));
    const failed = (await stage.runs()).filter((run) => run.state === 'failed').length;
    await live(stage, { forMs: 30 * MINUTE, everyMs: MINUTE });
    expect((await stage.runs()).filter((run) => run.state === 'failed')).toHaveLength(failed);
    expect((await stage.completeness()).holes).toMatchObject([{ closedBy: 'permission' }]);
    const reads = createReadModel(stage.db, {
      lagMs: LAG,
      intervalMs: MINUTE,
      stripeReads: { used: 0, allowed: null, forecast: 0 },
    });
    expect(verdictOf(await reads.status()).needs).toContainEqual(
      expect.objectContaining({ code: 'stripe_charges_refused', text: expect.stringContaining('since 2026-07-11') }),
    );

    granted.push('rak_charge_read');
    await live(stage, { forMs: HOUR, everyMs: HOUR });
    expect((await stage.postings()).has(lost)).toBe(true);
    expect(stage.permissions.at(-1)).toBe('charges allowed');
    expect((await stage.completeness()).holes).toEqual([]);
  });

  it('nor events still lists what is new, claims nothing more, and reports it', async () => {
    const granted: Permission[] = ['rak_payment_intent_read', 'rak_charge_read', 'rak_event_read'];
    const stage = await restricted(granted);
    await stage.begin();
    await live(stage, { forMs: HOUR, everyMs: HOUR });
    const before = (await stage.completeness()).complete;
    granted.splice(1);
    await live(stage, { forMs: 2 * MINUTE, everyMs: MINUTE });
    const fresh = stage.pay({ created: at(HOUR + 2 * MINUTE) });
    const late = payLate(stage, at(HOUR + 2 * MINUTE), at(20 * HOUR));
    await live(stage, { forMs: 2 * DAY, everyMs: 6 * HOUR });
    const stored = await stage.postings();
    expect([stored.has(fresh), stored.has(late)]).toEqual([true, false]);
    expect(await stage.completeness()).toEqual({
      complete: before,
      holes: [{ feed: 'events', from: before?.to, to: stage.clock.now(), closedBy: 'permission' }],
    });
    const reads = createReadModel(stage.db, {
      lagMs: LAG,
      intervalMs: MINUTE,
      stripeReads: { used: 0, allowed: null, forecast: 0 },
    });
    expect(verdictOf(await reads.status()).needs).toContainEqual(
      expect.objectContaining({
        code: 'stripe_events_and_charges_refused',
        text: expect.stringContaining('late are not seen, and completeness does not advance'),
      }),
    );
    granted.push('rak_charge_read', 'rak_event_read');
    await live(stage, { forMs: 2 * HOUR, everyMs: HOUR });
    expect((await stage.postings()).has(late)).toBe(true);
    expect((await stage.completeness()).holes).toEqual([]);
  });
});
