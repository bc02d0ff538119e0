/** Coverage under failures: a failed page moves nothing, the next run reads only what remains, ties are never lost. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Window } from '../../src/core/base/window.js';
import { merged } from '../../src/core/base/window.js';
import { DAY, HOUR, LAG, MINUTE, NOW, type Stage, stages } from '../support/stages/collect.js';

const SECOND = 1_000;

describe('coverage', () => {
  const open = stages();
  const at = (ms: number) => new Date(NOW.getTime() + ms);

  async function eventWindows(stage: Stage): Promise<Window[]> {
    return merged(
      (await stage.coverage()).filter((row) => row.feed === 'events').map(({ from, to }) => ({ from, to })),
    );
  }

  /** A mirror whose tail has three and a half pages to read: a payment a minute. */
  async function withBacklog() {
    const stage = await open({ startsAt: NOW });
    await stage.begin();
    for (let minute = 0; minute < 350; minute += 1) stage.pay({ created: at(minute * MINUTE) });
    stage.clock.advance(DAY);
    stage.requests();
    return stage;
  }

  it('stays where it is when the first page fails, and the run holds why', async () => {
    const stage = await withBacklog();
    const before = await stage.coverage();
    stage.sandbox.faults.add({ effect: 'status', status: 503, route: 'events.list', nth: 1 });
    await expect(stage.tail()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await stage.coverage()).toEqual(before);
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'failed', errorCode: 'stripe_unavailable', found: 0 });
  });

  it('keeps what the pages before a failed one covered; the next run reads only the rest', async () => {
    const stage = await withBacklog();
    stage.sandbox.faults.add({ effect: 'truncated', route: 'events.list', nth: 3 });
    await expect(stage.tail()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await stage.assertHonest();
    expect((await stage.postings()).size).toBe(200);
    // The second page ends with minute 150, whose second it may have read in part.
    const rest = { from: at(-LAG), to: at(150 * MINUTE + SECOND) };
    expect(await eventWindows(stage)).toEqual([
      { from: at(-11 * MINUTE), to: rest.from },
      { from: rest.to, to: at(DAY - LAG) },
    ]);
    stage.requests();
    await stage.tail();
    // One page from where coverage ends up to now, and two for the 151 payments of the hole.
    expect(stage.requests()).toEqual({ 'events.list': 3 });
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'collected', stored: 150, knownBefore: 1 });
    expect(await eventWindows(stage)).toEqual([{ from: at(-11 * MINUTE), to: at(DAY - LAG) }]);
  });

  it('of the tail is one row for each stretch, however many pages were read', async () => {
    const stage = await withBacklog();
    const rows = async () => (await stage.coverage()).filter(({ feed }) => feed === 'events');
    await stage.tail();
    expect(await rows()).toMatchObject([{ from: at(-11 * MINUTE), to: at(DAY - LAG) }]);
    for (let second = 0; second < 250; second += 1) stage.pay({ created: at(DAY + second * SECOND) });
    stage.clock.advance(HOUR);
    stage.sandbox.faults.add({ effect: 'reset', route: 'events.list', nth: 3 });
    await expect(stage.tail()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await rows()).toHaveLength(2);
    stage.clock.advance(MINUTE);
    await stage.tail();
    expect(await rows()).toMatchObject([{ from: at(-11 * MINUTE), to: at(DAY + HOUR + MINUTE - LAG) }]);
    await stage.assertHonest();
  });

  it('of a part of a backfill is taken up again in the middle', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    for (let second = 0; second < 350; second += 1) stage.pay({ created: at(-HOUR + second * 10 * SECOND) });
    await stage.syncJob()('startup');
    stage.requests();
    stage.sandbox.faults.add({ effect: 'reset', route: 'payment_intents.list', nth: 3 });
    await expect(stage.backfills()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    await stage.assertHonest();
    expect(stage.requests()).toEqual({ 'payment_intents.list': 3 });
    await stage.backfills();
    expect(stage.requests()).toEqual({ 'payment_intents.list': 2 });
    expect((await stage.postings()).size).toBe(350);
    expect(await stage.store.openBackfills()).toEqual([]);
  });

  it('ends where the signal stopped the run, between two pages', async () => {
    const stage = await withBacklog();
    const stopping = new AbortController();
    stage.sandbox.faults.add({ effect: 'hang', route: 'events.list', nth: 2 });
    const run = stage.tail({ signal: stopping.signal });
    await vi.waitFor(() => expect(stage.sandbox.faults.hanging).toBe(1), { timeout: 10_000 });
    stopping.abort();
    stage.sandbox.faults.clear();
    expect(await run).toMatchObject({ complete: false });
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'failed', errorCode: 'stopped', stored: 200 });
    await stage.assertHonest();
    await stage.tail();
    expect((await stage.postings()).size).toBe(350);
  });

  it('of a list is dated by the older of two pages that share a second', async () => {
    const stage = await open({ startsAt: at(-HOUR) });
    const late = stage.sandbox.createIntent({ created: at(-30 * MINUTE) });
    for (let count = 0; count < 150; count += 1) stage.pay({ created: at(-30 * MINUTE) });
    await stage.syncJob()('startup');
    stage.sandbox.faults.add({ effect: 'hang', route: 'payment_intents.list', nth: 2 });
    const reading = stage.backfills();
    await vi.waitFor(() => expect(stage.sandbox.faults.hanging).toBe(1), { timeout: 10_000 });
    stage.clock.advance(2 * MINUTE);
    stage.sandbox.succeed(late);
    stage.sandbox.faults.clear();
    await reading;
    const lists = (await stage.coverage()).filter((row) => row.feed === 'payment_intents');
    expect(lists.map((row) => row.readAt)).toEqual([NOW, NOW]);
    await stage.assertHonest();
  });

  it('never loses one of many payments of the same second, wherever pages end and fail', {
    timeout: 60_000,
  }, async () => {
    const crowds = fc.array(fc.record({ second: fc.nat(3), count: fc.integer({ min: 1, max: 130 }) }), {
      minLength: 1,
      maxLength: 4,
    });
    const scenario = fc.record({ crowds, failing: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ crowds, failing }) => {
        const stage = await open({ startsAt: at(-HOUR) });
        for (const { second, count } of crowds) {
          // Half of them are old enough for the list, half come after the hand-over.
          for (let n = 0; n < count; n += 1)
            stage.pay({ created: at((n % 2 === 0 ? -1_000 : 1_000 + second) * SECOND) });
        }
        await stage.syncJob()('startup');
        stage.clock.advance(HOUR);
        for (const nth of failing) {
          stage.sandbox.faults.add({ effect: 'status', status: 500, nth });
          await Promise.allSettled([stage.backfills(), stage.tail()]);
          await stage.assertHonest();
        }
        stage.sandbox.faults.clear();
        await stage.backfills();
        await stage.tail();
        await stage.assertHonest();
        expect((await stage.postings()).size).toBe((await stage.owed()).size);
        expect((await stage.completeness()).complete?.to).toEqual(at(HOUR - LAG));
      }),
      { seed: 20_261_121, numRuns: 8, endOnFailure: true },
    );
  });
});
