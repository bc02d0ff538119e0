/**
 * One clock is no clock. One, some or all of Stripe's answers state a wrong time, or the machine's clock or the database's
 * is off, from the first start on or later: no payment is left out, nothing is called complete beyond the truth, work
 * goes on as long as two clocks agree, and who is off is said.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { verdictOf } from '../../src/core/verdict/verdict.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { DAY, HOUR, LAG, MINUTE, SECOND } from '../support/history/time.js';
import { History } from '../support/history/world.js';
import { homes } from '../support/homes.js';

const all = homes();
const home = all.find(({ name }) => name === 'postgres') ?? all[0];

let database: HistoryDatabase;
let history: History;
beforeAll(async () => {
  if (home === undefined) throw new Error('there is no home to test on');
  database = await openHistoryDatabase(home);
});
afterAll(() => database.remove());
afterEach(() => history.close());

async function open(): Promise<History> {
  history = await History.open(database, { style: 'cloud', workers: 1, eventsLateByMs: 0, seed: 11 });
  return history;
}

function pay(count: number): void {
  for (let n = 0; n < count; n += 1) history.stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
}

/** A minute in which three payments succeed, and a worker works; nothing is claimed that is not so. */
async function minutes(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await history.advance(MINUTE);
    pay(3);
    await history.worker(0).sync();
    await history.advance(SECOND);
    await history.worker(0).askForDue();
    await history.worker(0).takeJobs();
    await history.worker(0).takeJobs();
    await assertHonest(history);
  }
}

async function needs(): Promise<string[]> {
  return needsIn(await history.reads().status());
}

function needsIn(facts: VerdictFacts): string[] {
  return verdictOf(facts).needs.map(({ code, text }) => `${code}: ${text}`);
}

async function stored(): Promise<number> {
  return (await database.sql`select from stripe_blnk_sync.postings`).count;
}

const OFFS = [-MINUTE, 5 * MINUTE, -HOUR];
const ANSWERS = [
  ['one answer', { times: 1 }],
  ['some answers', { probability: 0.4 }],
  ['all answers', {}],
] as const;

describe.each(ANSWERS)('%s of Stripe', (_, rule) => {
  it.each(OFFS)('off by %i ms, from the first start on', async (aheadMs) => {
    await open();
    history.stripe.faults.add({ effect: 'wrong_date', aheadMs, ...rule });
    await minutes(4);
    // Two clocks agree, so payments come in and completeness moves, however late.
    expect(await stored()).toBe(12);
    history.stripe.faults.clear();
    await history.advance(LAG);
    await minutes(2);
    expect(await stored()).toBe(18);
    await history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(history)).toBeNull();
  });

  it.each([HOUR, -HOUR])('off by %i ms, under way', async (aheadMs) => {
    await open();
    await minutes(2);
    history.stripe.faults.add({ effect: 'wrong_date', aheadMs, ...rule });
    await minutes(4);
    expect(await stored()).toBe(18);
    history.stripe.faults.clear();
    await minutes(2);
    await history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(history)).toBeNull();
  });
});

describe.each([
  [
    "the database's clock",
    async (ms: number) => {
      history.databaseOffMs = ms;
      await history.alignDatabase();
    },
    'database_clock_off',
  ],
  [
    "the machine's clock",
    async (ms: number) => {
      history.machineOffMs = ms;
    },
    'machine_clock_off',
  ],
] as const)('%s', (_, setOff, code) => {
  it.each([MINUTE, HOUR, -400 * DAY])('off by %i ms: all goes on, and it is said', async (ms) => {
    await open();
    await setOff(ms);
    await minutes(1);
    await history.advance(LAG);
    await minutes(2);
    expect(await stored()).toBe(9);
    const { complete } = await history.reads().status();
    expect(history.clock.nowMs() - (complete?.to.getTime() ?? 0)).toBeLessThanOrEqual(LAG + 2 * MINUTE);
    expect((await needs()).some((line) => line.startsWith(`${code}: `))).toBe(Math.abs(ms) > MINUTE);
    await setOff(0);
    await history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(history)).toBeNull();
    expect((await needs()).filter((line) => line.includes('clock'))).toEqual([]);
  });
});

describe('no two clocks that agree', () => {
  it('hold completeness where it is; payments are posted all the same, and it is said', async () => {
    await open();
    await minutes(1);
    await history.advance(LAG);
    await minutes(1);
    const before = await history.reads().status();
    history.databaseOffMs = -DAY;
    history.machineOffMs = HOUR;
    await history.alignDatabase();
    await minutes(4);
    const { complete } = await history.reads().status();
    expect(complete?.to).toEqual(before.complete?.to);
    expect((await database.sql`select from stripe_blnk_sync.postings where state = 'posted'`).count).toBe(18);
    expect(await needs()).toContainEqual(expect.stringMatching(/^clocks_disagree: .*seen by the worker on /));
    history.machineOffMs = 0;
    await minutes(2);
    await history.advance(LAG);
    await minutes(1);
    history.databaseOffMs = 0;
    await history.alignDatabase();
    expect(await differencesInTheEnd(history)).toBeNull();
  });

  it('let nothing begin: a first start waits for two', async () => {
    await open();
    history.stripe.faults.add({ effect: 'wrong_date', aheadMs: HOUR });
    history.machineOffMs = -HOUR;
    await minutes(2);
    expect((await history.worker(0).store.mirror()).cutoverAt).toBeNull();
    history.machineOffMs = 0;
    await minutes(1);
    expect((await history.worker(0).store.mirror()).cutoverAt).not.toBeNull();
    expect(await stored()).toBe(9);
  });

  it('and both clocks here in 1970: a first start waits for one of them', async () => {
    await open();
    history.machineOffMs = -history.clock.nowMs();
    history.databaseOffMs = -history.clock.nowMs();
    await history.alignDatabase();
    await minutes(1);
    expect((await history.worker(0).store.mirror()).cutoverAt).toBeNull();
  });
});

describe('coverage that lies in a time that has not come', () => {
  it('is taken back to the last sound reading, by the next sync', async () => {
    await open();
    await minutes(1);
    await history.advance(LAG);
    await minutes(2);
    // As code that believed one answer left it: an hour ahead, and the runs after it saw nothing.
    await database.sql`update stripe_blnk_sync.coverage set covered_to = covered_to + interval '1 hour', read_at = read_at + interval '1 hour' where feed = 'events'`;
    pay(5);
    const ahead = await history.reads().status();
    expect(ahead.complete?.to.getTime()).toBeLessThan(history.clock.nowMs() + 5 * SECOND);
    expect(verdictOf(ahead).sentence).toMatch(/^Not known: /);
    expect(needsIn(ahead)).toContainEqual(expect.stringMatching(/^coverage_ahead: /));
    await minutes(1);
    await minutes(1);
    expect(await stored()).toBe(5 * 3 + 5);
    expect((await needs()).filter((line) => line.startsWith('coverage_ahead'))).toEqual([]);
    await history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(history)).toBeNull();
  });

  it('is taken back with the hand-over of a first start that believed it', async () => {
    await open();
    pay(4);
    await history.worker(0).sync();
    await history.worker(0).takeJobs();
    await history.worker(0).takeJobs();
    await database.sql`update stripe_blnk_sync.mirror set hand_over_at = hand_over_at + interval '1 hour'`;
    await database.sql`update stripe_blnk_sync.sync_runs set window_to = window_to + interval '1 hour' where window_to is not null`;
    await database.sql`delete from stripe_blnk_sync.coverage where feed = 'events'`;
    await minutes(3);
    await history.advance(LAG);
    await minutes(1);
    expect(await stored()).toBe(4 + 12);
    expect((await history.worker(0).store.mirror()).cutoverAt?.getTime()).toBeLessThan(history.clock.nowMs());
    await history.advance(LAG);
    await minutes(1);
    expect(await differencesInTheEnd(history)).toBeNull();
  });
});
