/** Readers of one backfill: each window in one hand, the densest shared, and nothing lost when a reader dies. */
import { describe, expect, it } from 'vitest';
import { backfillsToRead } from '../../src/collect/backfill.js';
import type { ClaimedPart } from '../../src/collect/ports.js';
import { merged } from '../../src/core/base/window.js';
import { DAY, HOUR, NOW, type Stage, stages } from '../support/stages/collect.js';

const at = (ms: number) => new Date(NOW.getTime() + ms);

describe('parts of a backfill', () => {
  const open = stages();

  const beginOnly = async (stage: Stage) => {
    await stage.syncJob()('startup');
    const [backfill] = await backfillsToRead(stage.store);
    if (backfill === undefined) throw new Error('no backfill was asked for');
    return backfill;
  };

  it('are each taken once by readers that look at the same moment, and cover all of it', async () => {
    const stage = await open({ startsAt: at(-20 * DAY) });
    const { id: backfillId, window } = await beginOnly(stage);
    const stores = [stage.store, stage.worker().store, stage.worker().store];
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, n) => stores[n % 3]?.claimPart({ backfillId, window }, 'unread', [])),
    );
    const taken = claims.filter((claim): claim is ClaimedPart => claim != null).map((claim) => claim.window);
    expect(taken).toHaveLength(8);
    expect(merged(taken)).toEqual([window]);
    const lengths = taken.reduce((sum, { from, to }) => sum + to.getTime() - from.getTime(), 0);
    expect(lengths).toBe(window.to.getTime() - window.from.getTime());
  });

  it('are cut where the most is left: a second reader takes the older half, and both together read each page once', async () => {
    const stage = await open({ startsAt: at(-20 * DAY) });
    const dense = Array.from({ length: 2_000 }, (_, n) => stage.pay({ created: at(-2 * DAY + n * 60_000) }));
    await beginOnly(stage);
    // Far away, so that whoever has little is done long before whoever has much.
    stage.sandbox.setLatency(200);
    const [one, other] = [stage.worker(), stage.worker()];
    stage.requests();
    await Promise.all([stage.backfills(), one.backfills(), other.backfills()]);
    expect((await stage.postings()).size).toBe(dense.length);
    await stage.assertHonest();
    expect(await stage.store.openBackfills()).toEqual([]);
    const parts = (await stage.runs()).filter((run) => run.parentId !== null);
    expect(parts.length).toBeGreaterThan(8);
    // 20 pages of payments and one for each part; a page more for each cut, which was on its way.
    const cuts = parts.length - 8;
    expect(stage.requests()['payment_intents.list']).toBeLessThanOrEqual(20 + parts.length + 3 * cuts);
  });

  it('of a reader that is silent for a quarter of a minute are read by another one', async () => {
    const stage = await open({ startsAt: at(-20 * DAY) });
    stage.pay({ created: at(-HOUR) });
    const { id: backfillId, window } = await beginOnly(stage);
    const dead = stage.worker();
    const claimed = await dead.store.claimPart({ backfillId, window }, 'unread', []);
    const heardOf = (sinceSeconds: number) => stage.sql`
      update stripe_blnk_sync.sync_runs set heartbeat_at = now() - ${sinceSeconds} * interval '1 second'
      where id = ${claimed?.run.id ?? ''}`;
    // However long this machine takes for what follows.
    await heardOf(-3_600);
    await stage.backfills();
    expect(await stage.store.openBackfills()).toHaveLength(1);
    await heardOf(16);
    await stage.backfills();
    expect(await stage.store.openBackfills()).toEqual([]);
    await stage.assertHonest();
  });

  it('whose pages cannot be covered are read once by a reader, and again when they are asked for again', async () => {
    const stage = await open({ startsAt: at(-20 * DAY) });
    stage.pay({ created: at(-HOUR) });
    await beginOnly(stage);
    stage.sandbox.faults.add({ effect: 'no_date', route: 'payment_intents.list' });
    stage.requests();
    const [part] = await stage.store.openBackfills();
    if (part === undefined) throw new Error('there is no backfill');
    await stage.readPart({ backfillId: part.id, window: part.window });
    expect(stage.requests()['payment_intents.list']).toBe(8);
    stage.sandbox.faults.clear();
    await stage.backfills();
    expect(await stage.store.openBackfills()).toEqual([]);
    await stage.assertHonest();
  });
});
