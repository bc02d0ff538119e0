/** Sweeps of charges: what they find, what they cost, what they prove, and that kills and other workers change nothing of it. */
import { describe, expect, it } from 'vitest';
import { openParts } from '../../src/collect/backfill.js';
import { readSweepPage } from '../../src/collect/sweep.js';
import { createWorkerRegistry } from '../../src/db/workers/worker-registry.js';
import { DAY, HOUR, LAG, MINUTE, NOW, type Stage, stages } from '../support/stages/collect.js';
import { itInFull } from '../support/tier.js';

const at = (ms: number) => new Date(NOW.getTime() + ms);

/** The sync job with the parts that it asks for, until nothing is asked for any more. */
async function syncAll(stage: Stage): Promise<void> {
  await stage.syncJob()('schedule');
  await stage.backfills();
}

async function sweepsOf(stage: Stage) {
  return (await stage.runs()).filter((run) => run.feed === 'charges' && run.parentId === null);
}

describe('after an outage longer than events live', () => {
  const open = stages();

  /** Charged at `charged` as a debit or voucher that settles later. */
  function payLate(stage: Stage, times: { readonly created: Date; readonly charged: Date; readonly succeeded: Date }) {
    return stage.sandbox.createIntent({
      created: times.created,
      moves: [
        { move: 'process', at: times.charged },
        { move: 'succeed', at: times.succeeded },
      ],
    });
  }

  it('of 40 days a sweep by itself finds late successes whose events are gone, and completeness reaches the tail', async () => {
    const stage = await open();
    const created = at(-20 * DAY);
    const late = payLate(stage, { created, charged: at(-19 * DAY), succeeded: at(5 * DAY) });
    const early = stage.pay({ created: at(-10 * DAY) });
    await stage.begin();
    const inHole = stage.pay({ created: at(3 * DAY) });
    const young = stage.pay({ created: at(30 * DAY) });
    stage.clock.advance(40 * DAY);
    await stage.syncJob()('schedule');
    expect([...(await stage.postings()).keys()].sort()).toEqual([early, young].sort());
    expect(await stage.completeness()).toEqual({
      complete: { from: at(-30 * DAY), to: at(-LAG) },
      holes: [{ feed: 'events', from: at(-LAG), to: at(11 * DAY), closedBy: 'sweep' }],
    });
    // From the start, which is later than 75 days before the hole, to the hole's end and the lag; and the daily one.
    expect((await sweepsOf(stage)).map((run) => [run.windowFrom, run.windowTo, run.trigger])).toEqual([
      [at(-30 * DAY), at(11 * DAY + LAG), 'schedule'],
      [at(37 * DAY), at(40 * DAY), 'schedule'],
    ]);
    stage.requests();
    await stage.backfills();
    // One read for each unknown intent.
    expect(stage.requests()).toMatchObject({ 'payment_intents.retrieve': 2 });
    expect([...(await stage.postings()).keys()].sort()).toEqual([late, early, inHole, young].sort());
    await stage.assertHonest();
    expect(await stage.completeness()).toEqual({
      complete: { from: at(-30 * DAY), to: at(40 * DAY - LAG) },
      holes: [],
    });
  });

  it('of 90 days the sweep begins 75 days before the hole, and finds a voucher paid 60 days after its charge', async () => {
    const stage = await open({ startsAt: at(-200 * DAY) });
    const voucher = payLate(stage, { created: at(-130 * DAY), charged: at(-55 * DAY), succeeded: at(5 * DAY) });
    const atTheEdge = payLate(stage, { created: at(-130 * DAY), charged: at(-LAG - 75 * DAY), succeeded: at(-LAG) });
    await stage.begin();
    stage.clock.advance(90 * DAY);
    await syncAll(stage);
    const [full] = await sweepsOf(stage);
    expect(full).toMatchObject({ windowFrom: at(-LAG - 75 * DAY), windowTo: at(61 * DAY + LAG), state: 'collected' });
    const stored = await stage.postings();
    expect([voucher, atTheEdge].map((id) => stored.has(id))).toEqual([true, true]);
    await stage.assertHonest();
    expect((await stage.completeness()).holes).toEqual([]);
    expect((await stage.completeness()).complete?.to).toEqual(at(90 * DAY - LAG));
    const parts = (await stage.runs()).filter((run) => run.parentId === full?.id);
    expect(parts).toHaveLength(8);
  });

  itInFull('is not asked for again while it is open, and not once it is read', async () => {
    const stage = await open();
    await stage.begin();
    stage.clock.advance(40 * DAY);
    for (let minutes = 0; minutes < 3; minutes += 1) {
      await stage.syncJob()('schedule');
      stage.clock.advance(MINUTE);
    }
    expect(await sweepsOf(stage)).toHaveLength(2);
    await stage.backfills();
    await stage.syncJob()('schedule');
    stage.clock.advance(HOUR);
    await stage.syncJob()('schedule');
    expect(await sweepsOf(stage)).toHaveLength(2);
    expect(await stage.store.openBackfills()).toEqual([]);
  });

  it('is asked for once by two workers that ask at the same time', async () => {
    const stage = await open();
    await stage.begin();
    stage.clock.advance(40 * DAY);
    await Promise.all([stage.syncJob()('schedule'), stage.syncJob()('manual'), stage.syncJob()('schedule')]);
    expect(await sweepsOf(stage)).toHaveLength(2);
  });

  it('goes on where a killed worker left it, with another one, and is as complete', async () => {
    const stage = await open({ startsAt: at(-200 * DAY) });
    const ids = Array.from({ length: 250 }, (_, n) =>
      payLate(stage, { created: at(-DAY), charged: at(-DAY + n * MINUTE), succeeded: at(2 * DAY + n * MINUTE) }),
    );
    await stage.begin();
    stage.clock.advance(60 * DAY);
    await stage.syncJob()('schedule');
    stage.sandbox.faults.add({ effect: 'hang', route: 'charges.list', nth: 4 });
    const killed = stage.backfills();
    await expect.poll(() => stage.sandbox.faults.hanging, { timeout: 20_000 }).toBe(1);
    const registry = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'o', pid: 1, version: '0' });
    // A page that is stored behind the request that hangs is a sign of life.
    await expect
      .poll(
        async () => {
          await stage.sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() - interval '2 minutes' where worker_id = ${stage.workerId}`;
          return registry.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: DAY });
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    stage.sandbox.faults.clear();
    await expect(killed).rejects.toMatchObject({ code: 'run_lost' });
    expect((await stage.postings()).size).toBeLessThan(ids.length);
    expect((await stage.completeness()).holes).toHaveLength(1);
    await stage.worker().backfills();
    expect([...(await stage.postings()).keys()].sort()).toEqual(ids.sort());
    await stage.assertHonest();
    expect((await stage.completeness()).holes).toEqual([]);
  });

  it('is read by two workers at once without loss, and its rows become one', async () => {
    const stage = await open({ startsAt: at(-200 * DAY) });
    const ids = Array.from({ length: 300 }, (_, n) => stage.pay({ created: at(n * HOUR) }));
    await stage.begin();
    stage.clock.advance(60 * DAY);
    await stage.syncJob()('schedule');
    await Promise.all([stage.backfills(), stage.worker().backfills()]);
    expect([...(await stage.postings()).keys()].sort()).toEqual(ids.sort());
    await stage.assertHonest();
    expect(await stage.store.openBackfills()).toEqual([]);
    expect((await stage.coverage()).filter((row) => row.feed === 'charges')).toHaveLength(1);
  });

  it('waits until what was never listed is listed: a sweep would read it one by one', async () => {
    const stage = await open();
    stage.pay({ created: at(-DAY) });
    await stage.syncJob()('startup');
    stage.clock.advance(40 * DAY);
    await stage.syncJob()('schedule');
    expect(await sweepsOf(stage)).toEqual([]);
    await stage.backfills();
    await stage.syncJob()('schedule');
    expect(await sweepsOf(stage)).toHaveLength(2);
  });

  itInFull(
    'proves nothing any more once the start was moved back over what it left out; it is then read again',
    async () => {
      const stage = await open({ startsAt: at(-100 * DAY) });
      // Created and charged before the start, paid in the hole: left out at first, wanted later.
      const left = payLate(stage, { created: at(-101 * DAY), charged: at(-60 * DAY), succeeded: at(3 * DAY) });
      await stage.begin();
      stage.clock.advance(40 * DAY);
      await syncAll(stage);
      expect((await stage.postings()).has(left)).toBe(false);
      expect((await stage.completeness()).holes).toEqual([]);
      await stage.store.requestBackfill({ from: at(-110 * DAY), to: at(-100 * DAY) }, 'manual');
      expect((await stage.completeness()).complete).toBeNull();
      await stage.backfills();
      await syncAll(stage);
      expect((await stage.postings()).has(left)).toBe(true);
      await stage.assertHonest();
      expect(await stage.completeness()).toMatchObject({ complete: { from: at(-110 * DAY) }, holes: [] });
    },
  );

  it('refuses a page that was judged by a start that has moved', async () => {
    const stage = await open();
    const run = await stage.store.openRun({
      ...{ feed: 'charges', trigger: 'schedule', parentId: null },
      window: { from: at(-DAY), to: NOW },
    });
    const page = { postings: [], beforeStart: 0, requests: 1, covers: null };
    await stage.store.storePage(run, { ...page, judgedByStart: at(-30 * DAY) });
    await stage.store.requestBackfill({ from: at(-40 * DAY), to: NOW }, 'manual');
    await expect(stage.store.storePage(run, { ...page, judgedByStart: at(-30 * DAY) })).rejects.toMatchObject({
      code: 'start_moved',
      kind: 'transient',
    });
  });
});

describe('a page of charges', () => {
  const open = stages();

  it('gives each unknown payment once, counts known ones, and leaves out what is none', async () => {
    const stage = await open({ startsAt: at(-10 * DAY) });
    const known = stage.pay({ created: at(-5 * DAY) });
    await stage.begin();
    const charged = at(HOUR);
    const create = stage.sandbox.createIntent;
    const unknown = [
      stage.pay({ created: charged }),
      // A second card: two charges of one intent, the first failed.
      create({
        created: charged,
        moves: [
          { move: 'fail', at: charged },
          { move: 'succeed', at: at(HOUR + MINUTE) },
        ],
      }),
      create({ kind: 'partial_capture', created: charged }),
      create({ kind: 'multicapture', created: charged }),
      // Created long before the start, but charged after the hand-over: nobody else books it.
      create({ created: at(-50 * DAY), moves: [{ move: 'succeed', at: charged }] }),
    ];
    create({ kind: 'card_declined', created: charged });
    create({ kind: 'hold_open', created: charged });
    create({ kind: 'hold_with_part_open', created: charged });
    create({ kind: 'processing_for_ever', created: charged });
    create({ kind: 'canceled', created: charged });
    const before = create({ created: at(-20 * DAY), moves: [{ move: 'succeed', at: at(-9 * DAY) }] });
    stage.clock.advance(40 * DAY);
    await stage.syncJob()('schedule');
    stage.requests();
    await stage.backfills();
    expect([...(await stage.postings()).keys()].sort()).toEqual([known, ...unknown].sort());
    // Five unknown ones, and the one before the start; what failed, is held or pending is told by its charge.
    expect(stage.requests()['payment_intents.retrieve']).toBe(6);
    const parts = (await stage.runs()).filter((run) => run.feed === 'charges' && run.parentId !== null);
    const sum = (count: 'found' | 'knownBefore' | 'stored' | 'beforeStart' | 'stripeRequests') =>
      parts.reduce((total, run) => total + run[count], 0);
    expect([sum('found'), sum('knownBefore'), sum('stored'), sum('beforeStart')]).toEqual([6, 1, 5, 1]);
    await stage.assertHonest();
    const listed = await stage.sql`select payment_id, created, charged_at from stripe_blnk_sync.payments_before_start`;
    expect(listed).toEqual([{ payment_id: before, created: expect.anything(), charged_at: expect.anything() }]);
    expect(listed.map((row) => [new Date(row.created), new Date(row.charged_at)])).toEqual([
      [at(-20 * DAY), at(-9 * DAY)],
    ]);

    // The next sweep knows them all, also the one that is none of ours.
    await stage.store.requestSweeps(async () => [{ from: at(-10 * DAY), to: at(39 * DAY) }]);
    stage.requests();
    await stage.backfills();
    expect(stage.requests()).not.toHaveProperty(['payment_intents.retrieve']);
    await stage.store.requestBackfill({ from: at(-30 * DAY), to: NOW }, 'manual');
    await stage.backfills();
    expect((await stage.postings()).has(before)).toBe(true);
    await stage.assertHonest();
  });

  it('reads again a payment that was parked as unreadable, and not one that was dismissed', async () => {
    const stage = await open();
    await stage.begin();
    const ids = [stage.pay(), stage.pay()];
    await stage.sql`insert into stripe_blnk_sync.postings (reference, object_id, kind, effective_at, state, reason, first_run, dismissed_at)
      select id, id, 'payment', now(), 'parked', 'unreadable_payment', gen_random_uuid(),
        case when id = ${ids[1] ?? ''} then now() end from unnest(${ids}::text[]) id`;
    stage.clock.advance(DAY);
    await stage.store.requestSweeps(async () => [{ from: at(-DAY), to: at(DAY) }]);
    stage.requests();
    await stage.backfills();
    expect(stage.requests()).toMatchObject({ 'payment_intents.retrieve': 1 });
    const stored = await stage.postings();
    expect(ids.map((id) => stored.get(id)?.state)).toEqual(['pending', 'parked']);
  });

  it('is read again while a fresh charge has no intent, and parks the payment after an hour', async () => {
    const page = { hasMore: false, lastId: 'ch_1', newest: NOW, oldest: NOW, requests: 1 };
    const charges = [{ chargeId: 'ch_1', intentId: 'pi_1', seenAt: NOW }];
    const read = (vendorNow: Date, kind: 'missing' | 'not_succeeded') =>
      readSweepPage(
        {
          store: { knownIntents: async () => ({ stored: new Set(), beforeStart: new Set() }) },
          feeds: {
            charges: async () => ({ ...page, charges, vendorNow }),
            payment: async () => ({ reading: { kind }, requests: 1 }),
          },
        },
        { from: NOW, to: null, after: null },
      );
    await expect(read(at(HOUR - 1), 'missing')).rejects.toMatchObject({
      code: 'stripe_answer_unreadable',
      kind: 'transient',
    });
    const { payments, requests } = await read(at(HOUR), 'missing');
    const problem = 'its charge ch_1 says that it was paid, but Stripe does not have the intent';
    expect(payments).toEqual([{ payment: { kind: 'unreadable', id: 'pi_1', created: null, problem }, seenAt: NOW }]);
    expect(requests).toBe(2);
    expect((await read(at(MINUTE), 'not_succeeded')).payments).toEqual([]);
  });
});

describe('the daily sweep', () => {
  const open = stages();

  it('reads the last three days once a day by the vendor time, costs a request a day of it, and proves nothing', async () => {
    const stage = await open();
    stage.pay({ created: at(-DAY) });
    await stage.begin();
    await syncAll(stage);
    expect((await sweepsOf(stage)).map((run) => [run.windowFrom, run.windowTo])).toEqual([[at(-3 * DAY), NOW]]);
    for (let hour = 0; hour < 24; hour += 6) {
      stage.clock.advance(6 * HOUR);
      stage.requests();
      await syncAll(stage);
    }
    expect((await sweepsOf(stage)).map((run) => run.windowTo)).toEqual([NOW, at(DAY)]);
    expect(stage.requests()).toEqual({ 'events.list': 1, 'charges.list': 3 });
    expect((await stage.coverage()).filter((row) => row.feed === 'charges')).toEqual([]);
  });

  it('is dropped with its parts once it is old and found nothing; what found something, or proves something, stays', async () => {
    const stage = await open({ startsAt: at(-100 * DAY) });
    await stage.begin();
    const registry = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'h', pid: 1, version: '0' });
    const sweep = async (from: Date, to: Date) => {
      await stage.store.requestSweeps(async () => [{ from, to }]);
      await stage.backfills();
      return (await sweepsOf(stage)).at(-1)?.id;
    };
    await sweep(at(-3 * DAY), at(-1));
    stage.pay({ created: at(HOUR) });
    stage.clock.advance(DAY);
    const found = await sweep(at(-3 * DAY), at(HOUR + MINUTE));
    const proves = await sweep(at(-90 * DAY), at(2 * HOUR));
    const newest = await sweep(at(-DAY), at(3 * HOUR));
    await stage.sql`update stripe_blnk_sync.sync_runs set finished_at = now() - interval '8 days'`;
    await registry.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: 7 * DAY });
    expect((await sweepsOf(stage)).map((run) => run.id)).toEqual([found, proves, newest]);
    const parts =
      await stage.sql`select 1 from stripe_blnk_sync.sync_runs where feed = 'charges' and parent_id is not null`;
    expect(parts.length).toBe(4 + 8 + 2);
    expect((await stage.coverage()).filter((row) => row.feed === 'charges')).toHaveLength(1);
  });

  it('has parts of a day at least, and eight at most', async () => {
    const stage = await open({ startsAt: at(-100 * DAY) });
    const windows = [
      { from: at(-3 * DAY), to: NOW },
      { from: at(-100 * DAY), to: NOW },
    ];
    await stage.store.requestSweeps(async () => windows);
    const parts = await Promise.all((await stage.store.openBackfills()).map((sweep) => openParts(stage.store, sweep)));
    expect(parts.map((of) => of.length).sort()).toEqual([3, 8]);
  });
});
