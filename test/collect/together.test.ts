/** Several workers at the same pages: nothing lost, nothing counted twice, no deadlock, and no write of one that lost its run. */
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CollectStore, NewPosting, OpenRun, StoreOutcome } from '../../src/collect/ports.js';
import { createWorkerRegistry } from '../../src/db/workers/worker-registry.js';
import { DAY, HOUR, NOW, type Stage, stages } from '../support/stages/collect.js';
import { untilSomebodyWaits } from '../support/waits-for-lock.js';

const SECOND = 1_000;
const at = (ms: number) => new Date(NOW.getTime() + ms);

describe('workers side by side', () => {
  const open = stages();

  it('read one part twice when one is taken for dead, without loss, and their counts add up', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    for (let n = 0; n < 450; n += 1) stage.pay({ created: at(-HOUR + n * 5 * SECOND) });
    await stage.syncJob()('startup');
    stage.sandbox.faults.add({ effect: 'hang', route: 'payment_intents.list', nth: 2 });
    const late = stage.backfills();
    await expect.poll(() => stage.sandbox.faults.hanging, { timeout: 20_000 }).toBe(1);
    // A page that is stored behind the request that hangs is a sign of life.
    await expect
      .poll(
        async () => {
          await stage.sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() - interval '16 seconds' where parent_id is not null`;
          await stage.worker().backfills();
          return (await stage.postings()).size;
        },
        { timeout: 10_000 },
      )
      .toBe(450);
    stage.sandbox.faults.clear();
    await late;
    const parts = (await stage.runs()).filter((run) => run.parentId !== null);
    expect(parts.reduce((sum, run) => sum + run.found, 0)).toBeGreaterThan(450);
    expect(parts.reduce((sum, run) => sum + run.stored, 0)).toBe(450);
    expect((await stage.postings()).size).toBe(450);
    await stage.assertHonest();
    expect(await stage.store.openBackfills()).toEqual([]);
  });

  it('run the tail at once without loss, and cover no more than one of them would', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    await stage.begin();
    for (let n = 0; n < 250; n += 1) stage.pay({ created: at(n * 20 * SECOND) });
    stage.clock.advance(DAY);
    const others = [stage.worker(), stage.worker(), stage.worker()];
    await Promise.all([stage.tail(), ...others.map((other) => other.tail())]);
    expect((await stage.postings()).size).toBe(250);
    await stage.assertHonest();
    expect((await stage.completeness()).holes).toEqual([]);
  });

  it('share the parts of a backfill, each read by whoever comes', async () => {
    const population = { size: 600, from: at(-20 * DAY), to: NOW };
    const stage = await open({ startsAt: at(-20 * DAY), sandbox: { population } });
    await stage.syncJob()('startup');
    await Promise.all([stage.backfills(), stage.worker().backfills()]);
    expect([...(await stage.postings()).keys()].sort()).toEqual([...(await stage.owed()).keys()].sort());
    await stage.assertHonest();
  });

  it('never deadlock when they store the same payments in opposite order', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    const stores = [stage.store, stage.worker().store, stage.worker().store, stage.worker().store];
    const runs = await Promise.all(stores.map((store) => openRun(store)));
    const names = Array.from({ length: 60 }, (_, n) => `pi_${n}`);
    for (let round = 0; round < 40; round += 1) {
      const page = names.map((name) => posting(`${name}r${round}`));
      const orders = [page, [...page].reverse(), page.slice(20), [...page.slice(0, 40)].reverse()];
      const outcomes = await Promise.all(
        stores.map((store, n) => store.storePage(runOf(runs, n), { ...EMPTY_PAGE, postings: orders[n] ?? [] })),
      );
      expect(outcomes.reduce((sum, { stored }) => sum + stored, 0)).toBe(names.length);
    }
    const rows = await stage.runs();
    expect(rows.map((run) => run.found - run.knownBefore - run.stored)).toEqual([0, 0, 0, 0]);
    expect(rows.reduce((sum, run) => sum + run.stored, 0)).toBe(40 * names.length);
  });
});

describe('a page whose run changes while it waits for it', () => {
  const open = stages();

  /** Stores a page that waits for the run's row until `change` of it is committed. */
  async function storeBehind(stage: Stage, run: OpenRun, change: string) {
    let storing: Promise<StoreOutcome> | undefined;
    await stage.db.transaction(async (transaction) => {
      await transaction.execute(sql`update stripe_blnk_sync.sync_runs set ${sql.raw(change)} where id = ${run.id}`);
      const covers = { from: at(0), to: at(HOUR), readAt: NOW };
      storing = stage.store.storePage(run, { ...EMPTY_PAGE, postings: [posting('pi_1'), posting('pi_2')], covers });
      storing.catch(() => {});
      await untilSomebodyWaits(stage.sql);
    });
    return storing;
  }

  it('is stored with its counts when that was a sign of life', async () => {
    const stage = await open();
    const run = await openRun(stage.store);
    await stage.store.storePage(run, { ...EMPTY_PAGE, postings: [posting('pi_1')] });
    expect(await storeBehind(stage, run, 'heartbeat_at = now()')).toMatchObject({ stored: 1, knownBefore: 1 });
    expect(await stage.store.finishRun(run, null)).toEqual({ found: 3, knownBefore: 1, stored: 2 });
    expect(await stage.coverage()).toHaveLength(1);
  });

  it('returns from where the run reads when its older half was taken', async () => {
    const stage = await open();
    const run = await openRun(stage.store);
    const cutAt = at(-HOUR);
    const outcome = await storeBehind(stage, run, `window_from = '${cutAt.toISOString()}'`);
    expect(outcome).toMatchObject({ stored: 2, runsFrom: cutAt });
  });

  it('is not stored when the run was closed', async () => {
    const stage = await open();
    const run = await openRun(stage.store);
    await expect(storeBehind(stage, run, "state = 'failed'")).rejects.toMatchObject({ code: 'run_lost' });
    expect([...(await stage.postings()).keys()]).toEqual([]);
    expect(await stage.coverage()).toEqual([]);
  });
});

describe('a worker that lost its run', () => {
  const open = stages();

  /** Another worker finds that this run was silent for too long. */
  async function lose(stage: Stage, run: OpenRun): Promise<void> {
    await stage.sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() - interval '2 minutes' where id = ${run.id}`;
    const other = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'other', pid: 1, version: '0' });
    expect(await other.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: DAY })).toBe(1);
  }

  it('stores and covers nothing more, and its run stays failed', async () => {
    const stage = await open();
    const run = await openRun(stage.store);
    await stage.store.storePage(run, { ...EMPTY_PAGE, postings: [posting('pi_before')] });
    await lose(stage, run);
    const covers = { from: at(0), to: at(HOUR), readAt: NOW };
    await expect(
      stage.store.storePage(run, { ...EMPTY_PAGE, postings: [posting('pi_after')], covers }),
    ).rejects.toMatchObject({ code: 'run_lost', kind: 'transient' });
    await expect(stage.store.finishRun(run, null)).rejects.toMatchObject({ code: 'run_lost' });
    await stage.store.failRun(run, { code: 'unexpected', message: 'too late' });
    expect([...(await stage.postings()).keys()]).toEqual(['pi_before']);
    expect(await stage.coverage()).toEqual([]);
    expect((await stage.runs())[0]).toMatchObject({ state: 'failed', errorCode: 'worker_lost', found: 1, stored: 1 });
  });

  it('gives up in the middle of its walk; the next run reads the rest', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    for (let n = 0; n < 250; n += 1) stage.pay({ created: at(n * SECOND) });
    stage.clock.advance(HOUR);
    stage.sandbox.faults.add({ effect: 'hang', route: 'events.list', nth: 2 });
    const walk = stage.tail();
    await expect.poll(() => stage.sandbox.faults.hanging, { timeout: 10_000 }).toBe(1);
    const [run] = (await stage.runs()).filter(({ state }) => state === 'collecting');
    // The first page is stored while the second one is asked for, and is a sign of life.
    await expect.poll(async () => (await stage.postings()).size, { timeout: 10_000 }).toBe(100);
    if (run !== undefined) await lose(stage, run);
    stage.sandbox.faults.clear();
    await expect(walk).rejects.toMatchObject({ code: 'run_lost' });
    expect((await stage.postings()).size).toBe(100);
    await stage.worker().tail();
    expect((await stage.postings()).size).toBe(250);
    await stage.assertHonest();
    expect((await stage.runs()).map(({ state }) => state)).toEqual(['collected', 'failed', 'collected']);
  });

  it('is not one whose worker renews its heartbeat', async () => {
    const stage = await open();
    const run = await openRun(stage.store);
    await stage.sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() - interval '2 minutes'`;
    const own = createWorkerRegistry(stage.sql, { id: stage.workerId, host: 'own', pid: 1, version: '0' });
    await own.renew();
    expect(await own.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: DAY })).toBe(0);
    await stage.store.finishRun(run, NOW);
  });

  it('is alone until another worker renews its heartbeat, and again when that one leaves', async () => {
    const stage = await open();
    const registryOf = () =>
      createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'here', pid: 1, version: '0' });
    const [one, other] = [registryOf(), registryOf()];
    await one.renew();
    expect(await one.isAlone()).toBe(true);
    await other.renew();
    expect([await one.isAlone(), await other.isAlone()]).toEqual([false, false]);
    await stage.sql`update stripe_blnk_sync.workers set seen_at = now() - interval '61 seconds'`;
    expect(await one.isAlone()).toBe(true);
    await other.renew();
    await other.leave();
    expect(await one.isAlone()).toBe(true);
  });

  it('cannot write with the run of another worker', async () => {
    const stage = await open();
    const run = await openRun(stage.worker().store);
    await expect(stage.store.storePage(run, EMPTY_PAGE)).rejects.toMatchObject({ code: 'run_lost' });
  });

  it('leaves requested backfills alone: they belong to nobody', async () => {
    const stage = await open();
    await stage.store.requestBackfill({ from: at(-HOUR), to: NOW }, 'manual');
    await stage.sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() - interval '2 days'`;
    const other = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'other', pid: 1, version: '0' });
    expect(await other.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: DAY })).toBe(0);
    expect(await stage.store.openBackfills()).toHaveLength(1);
  });
});

describe('housekeeping', () => {
  const open = stages();

  it('drops old runs that found nothing, but never one that counted something, nor the newest', async () => {
    const stage = await open();
    const registry = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'h', pid: 1, version: '0' });
    const pages = { empty: {}, found: { postings: [posting('pi_1')] }, beforeStart: { beforeStart: 1 }, newest: {} };
    const ids: Record<string, string> = {};
    for (const [name, page] of Object.entries(pages)) {
      const run = await openRun(stage.store, 'events');
      await stage.store.storePage(run, { ...EMPTY_PAGE, ...page });
      await stage.store.finishRun(run, NOW);
      ids[name] = run.id;
    }
    await stage.sql`update stripe_blnk_sync.sync_runs set finished_at = now() - interval '8 days'`;
    await registry.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: 7 * DAY });
    expect((await stage.runs()).map((run) => run.id)).toEqual([ids.found, ids.beforeStart, ids.newest]);
  });
});

describe('housekeeping in place of the tail', () => {
  const open = stages();

  it('drops old lists that found nothing, but not the newest, nor parts, nor backfills, nor what is covered by one', async () => {
    const stage = await open({ startsAt: new Date(NOW.getTime() - HOUR) });
    await stage.begin();
    const registry = createWorkerRegistry(stage.sql, { id: crypto.randomUUID(), host: 'h', pid: 1, version: '0' });
    const before = (await stage.runs()).length;
    const covering = { covers: { from: NOW, to: new Date(NOW.getTime() + HOUR), readAt: NOW } };
    const pages = { empty: {}, found: { postings: [posting('pi_1')] }, covering, newest: {} };
    const ids: Record<string, string> = {};
    for (const [name, page] of Object.entries(pages)) {
      const run = await openRun(stage.store);
      await stage.store.storePage(run, { ...EMPTY_PAGE, ...page });
      await stage.store.finishRun(run, NOW);
      ids[name] = run.id;
    }
    await stage.sql`update stripe_blnk_sync.sync_runs set finished_at = now() - interval '8 days'`;
    await registry.tidy({ silentAfterMs: 60_000, keepEmptyRunsMs: 7 * DAY });
    const left = (await stage.runs()).map((run) => run.id);
    expect(left).toHaveLength(before + 3);
    expect(left.slice(-3)).toEqual([ids.found, ids.covering, ids.newest]);
  });
});

describe('counts', () => {
  const open = stages();

  it('are found = known before + stored, whatever overlaps', async () => {
    const names = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 });
    const stage = await open();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(names, { minLength: 1, maxLength: 4 }), async (pages) => {
        round += 1;
        const run = await openRun(stage.store);
        for (const page of pages) {
          const distinct = [...new Set(page)];
          const { stored, knownBefore } = await stage.store.storePage(run, {
            ...EMPTY_PAGE,
            postings: distinct.map((name) => posting(`pi_${round % 5}_${name}`)),
          });
          expect(stored + knownBefore).toBe(distinct.length);
        }
      }),
      { seed: 4, numRuns: 40 },
    );
    const rows = await stage.runs();
    expect(rows.every((run) => run.found === run.knownBefore + run.stored)).toBe(true);
    expect(rows.reduce((sum, run) => sum + run.stored, 0)).toBe((await stage.postings()).size);
  });
});

const EMPTY_PAGE = { postings: [], beforeStart: 0, requests: 1, covers: null };

function openRun(store: CollectStore, feed: 'events' | 'payment_intents' = 'payment_intents'): Promise<OpenRun> {
  return store.openRun({ feed, trigger: 'manual', window: { from: NOW, to: null }, parentId: null });
}

function runOf(runs: readonly OpenRun[], n: number): OpenRun {
  const run = runs[n];
  if (run === undefined) throw new RangeError(`there is no run ${n}`);
  return run;
}

function posting(id: string): NewPosting {
  return {
    payment: { kind: 'unreadable', id, created: NOW, problem: 'made for a test' },
    seenAt: NOW,
    object: 'payment',
    preparation: { kind: 'rejected', reason: 'unreadable_payment', detail: 'made for a test' },
  };
}
