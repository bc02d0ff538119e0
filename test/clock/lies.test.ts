/**
 * No single clock is trusted. One, some or all of Stripe's answers state a wrong time, or the machine's clock or the database's
 * is off, from the first start on or later: no payment is left out, nothing is called complete beyond the truth, work
 * goes on as long as two clocks agree, and who is off is said.
 */
import { describe, expect, it } from 'vitest';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { verdictOf } from '../../src/core/verdict/verdict.js';
import { clockHistories } from '../support/clock/histories.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { BEGINNING, DAY, HOUR, LAG, MINUTE, SECOND } from '../support/history/time.js';
import { halfInTier, inTier, itInFull } from '../support/tier.js';

const clocks = clockHistories(11);
const { open, setDatabaseOff, pay, minute } = clocks;

/** A minute in which three payments succeed, and a worker works; nothing is claimed that is not so. */
async function minutes(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await minute({ payments: 3 });
    await clocks.history.worker(0).takeJobs();
    await assertHonest(clocks.history);
  }
}

async function needs(): Promise<string[]> {
  return needsIn(await clocks.history.reads().status());
}

function needsIn(facts: VerdictFacts): string[] {
  return verdictOf(facts).needs.map(({ code, text }) => `${code}: ${text}`);
}

async function stored(): Promise<number> {
  return (await clocks.database.sql`select from stripe_blnk_sync.postings`).count;
}

const OFFS = [-MINUTE, 5 * MINUTE, -HOUR];
const UNDER_WAY = [HOUR, -HOUR];
const ANSWERS = [
  ['one answer', { times: 1 }, inTier({ quick: [-HOUR], full: OFFS }), inTier({ quick: [], full: UNDER_WAY })],
  // Between the other two.
  [
    'some answers',
    { probability: 0.4 },
    inTier({ quick: [], full: [5 * MINUTE] }),
    inTier({ quick: [-HOUR], full: UNDER_WAY }),
  ],
  ['all answers', {}, inTier({ quick: [5 * MINUTE], full: OFFS }), inTier({ quick: [], full: UNDER_WAY })],
] as const;

describe.each(ANSWERS)('%s of Stripe', (_, rule, fromTheStart, underWay) => {
  it.each(fromTheStart)('off by %i ms, from the first start on', async (aheadMs) => {
    await open();
    clocks.history.stripe.faults.add({ effect: 'wrong_date', aheadMs, ...rule });
    await minutes(4);
    // Two clocks agree, so payments come in and completeness moves, however late.
    expect(await stored()).toBe(12);
    clocks.history.stripe.faults.clear();
    await clocks.history.advance(LAG);
    await minutes(2);
    expect(await stored()).toBe(18);
    await clocks.history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
  });

  it.each(underWay)('off by %i ms, under way', async (aheadMs) => {
    await open();
    await minutes(2);
    clocks.history.stripe.faults.add({ effect: 'wrong_date', aheadMs, ...rule });
    await minutes(4);
    expect(await stored()).toBe(18);
    clocks.history.stripe.faults.clear();
    await minutes(2);
    await clocks.history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
  });
});

describe.each([
  ["the database's clock", setDatabaseOff, 'database_clock_off'],
  [
    "the machine's clock",
    async (ms: number) => {
      clocks.history.machineOffMs = ms;
    },
    'machine_clock_off',
  ],
] as const)('%s', (_, setOff, code) => {
  it.each(inTier({ quick: [HOUR], full: [MINUTE, HOUR, -400 * DAY] }))(
    'off by %i ms: all goes on, and it is said',
    async (ms) => {
      await open();
      await setOff(ms);
      await minutes(1);
      await clocks.history.advance(LAG);
      await minutes(2);
      expect(await stored()).toBe(9);
      const { complete } = await clocks.history.reads().status();
      expect(clocks.history.clock.nowMs() - (complete?.to.getTime() ?? 0)).toBeLessThanOrEqual(LAG + 2 * MINUTE);
      expect((await needs()).some((line) => line.startsWith(`${code}: `))).toBe(Math.abs(ms) > MINUTE);
      await setOff(0);
      await clocks.history.advance(LAG);
      await minutes(1);
      expect(await differencesInTheEnd(clocks.history)).toBeNull();
      expect((await needs()).filter((line) => line.includes('clock'))).toEqual([]);
    },
  );
});

describe.each(
  halfInTier([
    ['31 days ahead of', 31 * DAY],
    ['a year behind', -365 * DAY],
  ] as const),
)("the database's clock stays %s Stripe's", (_, offMs) => {
  it('and what is read, posted and called complete is the same', async () => {
    await open();
    await setDatabaseOff(offMs);
    pay(5);
    await minute();
    pay(130);
    await minute();
    // A person asks for a window that ends at the database's now, and payments come in after it was read.
    const to = new Date(clocks.history.clock.nowMs() + Math.max(offMs, 0));
    await clocks.history
      .worker(0)
      .store.requestBackfill({ from: new Date(clocks.history.clock.nowMs() - DAY), to }, 'manual');
    await minute();
    pay(4);
    for (let n = 0; n < 3; n += 1) await minute();
    await clocks.history.advance(LAG);
    await minute();
    const { status } = await assertHonest(clocks.history);
    expect(status.complete?.from).toEqual(new Date(BEGINNING.getTime() - 2 * DAY));
    expect(clocks.history.clock.nowMs() - (status.complete?.to.getTime() ?? 0)).toBeLessThanOrEqual(LAG + 2 * SECOND);
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
    expect([...clocks.history.blnk.transactions()]).toHaveLength(139);
    const days = await clocks.database.sql<
      { day: string }[]
    >`select distinct day::text from stripe_blnk_sync.daily_totals`;
    expect(days.map(({ day }) => day)).toEqual([BEGINNING.toISOString().slice(0, 10)]);
  });
});

describe('no two clocks that agree', () => {
  it('hold completeness where it is; payments are posted all the same, and it is said', async () => {
    await open();
    await minutes(1);
    await clocks.history.advance(LAG);
    await minutes(1);
    const before = await clocks.history.reads().status();
    clocks.history.databaseOffMs = -DAY;
    clocks.history.machineOffMs = HOUR;
    await clocks.history.alignDatabase();
    await minutes(4);
    const { complete } = await clocks.history.reads().status();
    expect(complete?.to).toEqual(before.complete?.to);
    expect((await clocks.database.sql`select from stripe_blnk_sync.postings where state = 'posted'`).count).toBe(18);
    expect(await needs()).toContainEqual(expect.stringMatching(/^clocks_disagree: .*seen by the worker on /));
    clocks.history.machineOffMs = 0;
    await minutes(2);
    await clocks.history.advance(LAG);
    await minutes(1);
    clocks.history.databaseOffMs = 0;
    await clocks.history.alignDatabase();
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
  });

  it('let nothing begin: a first start waits for two', async () => {
    await open();
    clocks.history.stripe.faults.add({ effect: 'wrong_date', aheadMs: HOUR });
    clocks.history.machineOffMs = -HOUR;
    await minutes(2);
    expect((await clocks.history.worker(0).store.mirror()).cutoverAt).toBeNull();
    clocks.history.machineOffMs = 0;
    await minutes(1);
    expect((await clocks.history.worker(0).store.mirror()).cutoverAt).not.toBeNull();
    expect(await stored()).toBe(9);
  });

  it('and both clocks here in 1970: a first start waits for one of them', async () => {
    await open();
    clocks.history.machineOffMs = -clocks.history.clock.nowMs();
    clocks.history.databaseOffMs = -clocks.history.clock.nowMs();
    await clocks.history.alignDatabase();
    await minutes(1);
    expect((await clocks.history.worker(0).store.mirror()).cutoverAt).toBeNull();
  });
});

describe('coverage that lies in a time that has not come', () => {
  it('is taken back to the last sound reading, by the next sync', async () => {
    await open();
    await minutes(1);
    await clocks.history.advance(LAG);
    await minutes(2);
    // As code that believed one answer left it: an hour ahead, and the runs after it saw nothing.
    await clocks.database
      .sql`update stripe_blnk_sync.coverage set covered_to = covered_to + interval '1 hour', read_at = read_at + interval '1 hour' where feed = 'events'`;
    pay(5);
    const ahead = await clocks.history.reads().status();
    expect(ahead.complete?.to.getTime()).toBeLessThan(clocks.history.clock.nowMs() + 5 * SECOND);
    expect(verdictOf(ahead).sentence).toMatch(/^Not known: /);
    expect(needsIn(ahead)).toContainEqual(expect.stringMatching(/^coverage_ahead: /));
    await minutes(1);
    await minutes(1);
    expect(await stored()).toBe(5 * 3 + 5);
    expect((await needs()).filter((line) => line.startsWith('coverage_ahead'))).toEqual([]);
    await clocks.history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
  });

  itInFull('is taken back with the hand-over of a first start that believed it', async () => {
    await open();
    pay(4);
    await clocks.history.worker(0).sync();
    await clocks.history.worker(0).takeJobs();
    await clocks.history.worker(0).takeJobs();
    await clocks.database.sql`update stripe_blnk_sync.mirror set hand_over_at = hand_over_at + interval '1 hour'`;
    await clocks.database
      .sql`update stripe_blnk_sync.sync_runs set window_to = window_to + interval '1 hour' where window_to is not null`;
    await clocks.database.sql`delete from stripe_blnk_sync.coverage where feed = 'events'`;
    await minutes(3);
    await clocks.history.advance(LAG);
    await minutes(1);
    expect(await stored()).toBe(4 + 12);
    expect((await clocks.history.worker(0).store.mirror()).cutoverAt?.getTime()).toBeLessThan(
      clocks.history.clock.nowMs(),
    );
    await clocks.history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
  });
});
