/** The first start: a backfill and the tail over a history of every kind of payment, against what the stand-in states. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { DAY, HOUR, LAG, MINUTE, NOW, openStage, type Stage, stages } from '../support/stages/collect.js';

const HISTORY = { size: 1_500, from: new Date(NOW.getTime() - 20 * DAY), to: new Date(NOW.getTime() + HOUR) };

describe.each(homes().filter(({ name }) => name !== 'postgres+redis'))('the first start on $name', (home) => {
  let place: OwnDatabase;
  let stage: Stage;
  beforeAll(async () => {
    place = await openMigratedDatabase(home);
    stage = await openStage(place, { sandbox: { population: HISTORY } });
    await stage.begin();
  });
  afterAll(async () => {
    await stage.close();
    await place.remove();
  });

  it('stores every succeeded payment once, as pending or parked, and no other', async () => {
    const [postings, owed] = [await stage.postings(), await stage.owed()];
    expect(owed.size).toBeGreaterThan(1_000);
    const wanted = [...owed.values()].map(({ id, created, expected, destination }) => {
      if (expected.outcome === 'posted')
        return [id, `pending ${expected.amount} ${expected.currency} ${destination} ${created.toISOString()}`];
      return [id, expected.outcome === 'parked' ? `parked ${expected.reason}` : expected.outcome];
    });
    const held = [...postings].map(([id, row]) => [
      id,
      row.state === 'pending'
        ? `pending ${row.amount} ${row.currency} ${row.destination} ${row.effectiveAt.toISOString()}`
        : `${row.state} ${row.reason}`,
    ]);
    expect(held.sort()).toEqual(wanted.sort());
  });

  it('is complete from the start up to the lag, and claims nothing that is not stored', async () => {
    await stage.assertHonest();
    expect(await stage.completeness()).toEqual({
      complete: { from: new Date(NOW.getTime() - 30 * DAY), to: new Date(NOW.getTime() - LAG) },
      holes: [],
    });
  });

  it('has closed the backfill, with counts that its parts add up to', async () => {
    const runs = await stage.runs();
    const parent = runs.find((run) => run.feed === 'payment_intents' && run.parentId === null);
    const parts = runs.filter((run) => run.parentId === parent?.id);
    expect(parent).toMatchObject({ state: 'collected', found: 0, stored: 0, windowTo: NOW });
    expect(parts).toHaveLength(8);
    expect(parts.every((part) => part.state === 'collected')).toBe(true);
  });

  it('stores nothing new when the same is read again', async () => {
    await stage.store.requestBackfill({ from: new Date(NOW.getTime() - 30 * DAY), to: NOW }, 'manual');
    const before = new Set((await stage.runs()).map((run) => run.id));
    await stage.backfills();
    await stage.tail();
    const again = (await stage.runs()).filter((run) => !before.has(run.id));
    expect(again.reduce((sum, run) => sum + run.stored, 0)).toBe(0);
    expect(again.reduce((sum, run) => sum + run.knownBefore, 0)).toBeGreaterThan(1_000);
    await stage.assertHonest();
  });
});

describe('the very first run', () => {
  const open = stages();

  it('hands over at the second of Stripe, once, though two workers begin together', async () => {
    const stage = await open();
    stage.clock.advance(700);
    await Promise.all([stage.syncJob()('startup'), stage.syncJob()('startup')]);
    const mirror = await stage.store.mirror();
    expect(mirror.cutoverAt).toEqual(NOW);
    expect(mirror.mappingVersion).toBe(1);
    expect(await stage.store.openBackfills()).toHaveLength(1);
  });

  it('begins the tail before the hand-over by the lag and a minute, at least by ten minutes', async () => {
    for (const [lagMs, before] of [
      [LAG, 11 * MINUTE],
      [MINUTE, 10 * MINUTE],
      [HOUR, 61 * MINUTE],
    ] as const) {
      const stage = await open({ lagMs });
      await stage.syncJob()('startup');
      const [covered] = (await stage.coverage()).filter((row) => row.feed === 'events');
      expect(covered?.from).toEqual(new Date(NOW.getTime() - before));
    }
  });

  it('does not begin while Stripe does not tell the time', async () => {
    const stage = await open();
    stage.sandbox.faults.add({ effect: 'no_date' });
    await expect(stage.syncJob()('startup')).rejects.toMatchObject({ code: 'no_server_time', kind: 'transient' });
    expect((await stage.store.mirror()).cutoverAt).toBeNull();
    expect(await stage.runs()).toEqual([]);
  });

  it('has nothing to read back when the start is now', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    expect(await stage.store.openBackfills()).toEqual([]);
    expect((await stage.completeness()).complete).toBeNull();
    stage.clock.advance(LAG + MINUTE);
    await stage.tail();
    expect((await stage.completeness()).complete).toEqual({ from: NOW, to: new Date(NOW.getTime() + MINUTE) });
  });

  it('refuses a tail before the hand-over', async () => {
    const stage = await open();
    await expect(stage.tail()).rejects.toMatchObject({ code: 'not_handed_over' });
  });
});
