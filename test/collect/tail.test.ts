/** The tail: which events it reads, what it may cover, and how it copes with a feed that shows things late. */
import { describe, expect, it } from 'vitest';
import { DAY, HOUR, LAG, MINUTE, NOW, stages } from '../support/stages/collect.js';

const SECOND = 1_000;

describe('the tail', () => {
  const open = stages();
  const at = (ms: number) => new Date(NOW.getTime() + ms);

  async function begun(options: Parameters<typeof open>[0] = {}) {
    const stage = await open({ startsAt: at(-2 * HOUR), ...options });
    await stage.begin();
    return stage;
  }

  it('stores at once what it sees, and covers up to now minus the lag', async () => {
    const stage = await begun();
    stage.clock.advance(HOUR);
    const id = stage.pay();
    await stage.tail();
    expect([...(await stage.postings()).keys()]).toEqual([id]);
    const covered = (await stage.coverage()).filter((row) => row.feed === 'events');
    expect(covered.map(({ from, to }) => ({ from, to }))).toEqual([{ from: at(-11 * MINUTE), to: at(HOUR - LAG) }]);
    await stage.assertHonest();
  });

  it('finds an event that becomes visible late, as long as it is not later than the lag', async () => {
    const stage = await begun({ sandbox: { eventVisibilityDelayMs: LAG } });
    stage.clock.advance(HOUR);
    const id = stage.pay();
    await stage.tail();
    expect(await stage.postings()).toEqual(new Map());
    for (let minute = 0; minute < 10; minute += 1) {
      stage.clock.advance(MINUTE);
      await stage.tail();
      await stage.assertHonest();
    }
    expect([...(await stage.postings()).keys()]).toEqual([id]);
  });

  it('knows a success in the list already, and waits for nothing, when the intent was created before', async () => {
    const stage = await open({ startsAt: at(-20 * DAY) });
    const id = stage.sandbox.createIntent({ created: at(-15 * DAY) });
    await stage.begin();
    expect((await stage.postings()).size).toBe(0);
    stage.clock.advance(5 * DAY);
    stage.sandbox.succeed(id);
    await stage.tail();
    expect((await stage.postings()).get(id)).toMatchObject({ state: 'pending', effectiveAt: at(-15 * DAY) });
  });

  it('covers nothing when Stripe does not tell the time, and still stores', async () => {
    const stage = await begun();
    const before = await stage.coverage();
    stage.clock.advance(HOUR);
    const id = stage.pay();
    stage.sandbox.faults.add({ effect: 'no_date', route: 'events.list' });
    await stage.tail();
    expect((await stage.postings()).has(id)).toBe(true);
    expect(await stage.coverage()).toEqual(before);
    expect((await stage.runs()).at(-1)).toMatchObject({ state: 'collected', windowTo: null });
    stage.sandbox.faults.clear();
    await stage.tail();
    expect((await stage.completeness()).complete?.to).toEqual(at(HOUR - LAG));
  });

  it('covers nothing of a page in the middle that came without the time', async () => {
    const stage = await begun();
    stage.clock.advance(DAY);
    for (let second = 0; second < 250; second += 1) stage.pay({ created: at(HOUR + second * SECOND) });
    stage.sandbox.faults.add({ effect: 'no_date', route: 'events.list', nth: 2 });
    await stage.tail();
    const { complete } = await stage.completeness();
    // The second page of 100 held the seconds 50 to 149; its neighbours share none of them.
    expect(complete?.to).toEqual(at(HOUR + 50 * SECOND));
    const covered = (await stage.coverage()).filter((row) => row.feed === 'events');
    expect(covered.some((row) => row.from < at(HOUR + 149 * SECOND) && row.to > at(HOUR + 51 * SECOND))).toBe(false);
    await stage.tail();
    expect((await stage.completeness()).complete?.to).toEqual(at(DAY - LAG));
  });

  it('reads an intent again whose event is frozen in an older version of the API', async () => {
    const stage = await begun();
    stage.requests();
    const old = { kind: 'old_event_snapshot', created: NOW };
    const ids = [stage.sandbox.createIntent(old), stage.sandbox.createIntent(old), stage.pay()];
    stage.clock.advance(HOUR);
    await stage.tail();
    expect(stage.requests()).toMatchObject({ 'events.list': 1, 'payment_intents.retrieve': 2 });
    expect([...(await stage.postings()).keys()].sort()).toEqual(ids.sort());
    expect((await stage.runs()).at(-1)).toMatchObject({ found: 3, stored: 3, stripeRequests: 3 });
  });

  it('stores a payment as its event froze it, whatever became of its words since', async () => {
    const stage = await begun();
    const id = stage.sandbox.createIntent({ moves: [{ move: 'succeed' }], description: 'first', metadata: { a: '1' } });
    stage.clock.advance(MINUTE);
    stage.sandbox.edit(id, { description: 'second', metadata: { a: '2' } });
    await stage.tail();
    stage.clock.advance(HOUR);
    await stage.tail();
    const [row] = [...(await stage.postings()).values()];
    expect(row?.prepared).toContain('"description":"first"');
    expect(row?.prepared).toContain('"stripe_metadata":{"a":"1"}');
  });
});
