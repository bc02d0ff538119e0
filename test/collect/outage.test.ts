/** After a pause: what the tail catches up on, what it leaves as a hole, and that nobody says "complete" over it. */
import { describe, expect, it, vi } from 'vitest';
import { DAY, LAG, MINUTE, NOW, type Stage, stages } from '../support/stages/collect.js';

const SECOND = 1_000;

describe('after an outage', () => {
  const open = stages();
  const at = (ms: number) => new Date(NOW.getTime() + ms);

  it('of three days one run of the tail catches up', async () => {
    const stage = await open({ sandbox: { population: { size: 800, from: at(-DAY), to: at(3 * DAY) } } });
    await stage.begin();
    stage.clock.advance(3 * DAY + LAG);
    const runs = (await stage.runs()).length;
    await stage.tail();
    expect((await stage.runs()).length).toBe(runs + 1);
    await stage.assertHonest();
    expect((await stage.completeness()).complete?.to).toEqual(at(3 * DAY));
    expect([...(await stage.postings()).keys()].sort()).toEqual([...(await stage.owed()).keys()].sort());
  });

  it('of forty days the hole stays, completeness ends before it, and reading the list again closes it', async () => {
    const stage = await open({ sandbox: { population: { size: 800, from: at(0), to: at(40 * DAY) } } });
    await stage.begin();
    stage.clock.advance(40 * DAY);
    await stage.tail();
    await stage.assertHonest();
    const hole = { from: at(-LAG), to: at(11 * DAY) };
    expect(await stage.completeness()).toEqual({
      complete: { from: at(-30 * DAY), to: hole.from },
      holes: [{ feed: 'events', ...hole, closedBy: 'sweep' }],
    });

    // Minutes later the tail has nothing to find in the hole, and still does not claim it.
    stage.clock.advance(5 * MINUTE);
    await stage.tail();
    await stage.assertHonest();
    expect((await stage.completeness()).complete?.to).toEqual(hole.from);

    await stage.store.requestBackfill({ from: at(-30 * DAY), to: hole.to }, 'manual');
    await stage.backfills();
    await stage.assertHonest();
    expect(await stage.completeness()).toEqual({
      complete: { from: at(-30 * DAY), to: at(40 * DAY + 5 * MINUTE - LAG) },
      holes: [],
    });
    expect([...(await stage.postings()).keys()].sort()).toEqual([...(await stage.owed()).keys()].sort());
  });

  it('covers nothing older than 29 days though Stripe still shows events of the 30th', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    const id = stage.pay({ created: at(DAY / 2) });
    stage.clock.advance(30 * DAY);
    await stage.tail();
    expect((await stage.postings()).has(id)).toBe(true);
    expect((await stage.coverage()).at(-1)?.from).toEqual(at(DAY));
  });

  it('begins anew where it stands when the cursor ages out under it, and covers nothing by that', async () => {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    const ids = Array.from({ length: 150 }, (_, second) => stage.pay({ created: at(second * SECOND) }));
    stage.clock.advance(30 * DAY);
    await duringSecondPage(stage, () => stage.clock.advance(MINUTE));
    // Seconds 50 to 149 were on the first page; when the second was asked for, events up to second 59 were gone.
    expect([...(await stage.postings()).keys()].sort()).toEqual(ids.slice(50).sort());
    await stage.assertHonest();
    expect((await stage.completeness()).complete).toBeNull();
    expect((await stage.coverage()).at(-1)).toMatchObject({ from: at(DAY), to: at(30 * DAY - LAG) });
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'collected', errorCode: null });
  });
});

/** Runs the tail, and does something while Stripe is about to answer for its second page. */
async function duringSecondPage(stage: Stage, act: () => void): Promise<void> {
  stage.sandbox.faults.add({ effect: 'hang', route: 'events.list', nth: 2 });
  const run = stage.tail();
  await vi.waitFor(() => expect(stage.sandbox.faults.hanging).toBe(1), { timeout: 10_000 });
  act();
  stage.sandbox.faults.clear();
  await run;
}
