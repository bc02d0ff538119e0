/**
 * Three things stuck at once among some hundred payments: one that Core refuses for ever, one that times out for an hour, and
 * a lane that answers 423 for five minutes. With production's waits on a simulated clock: the others do not notice, each
 * goes on by itself as soon as it can, and what a person has to know is said.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verdictOf } from '../../src/core/verdict/verdict.js';
import { verdictLines } from '../../src/views/status-text.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { HOUR, MINUTE, SECOND } from '../support/history/time.js';
import { History } from '../support/history/world.js';
import { homes } from '../support/homes.js';

const all = homes();
const home = all.find(({ name }) => name === 'postgres') ?? all[0];
const COUNTS = { card_usd: 120, currency_eur: 60, currency_jpy: 20, currency_kwd: 10 } as const;
/** Nobody notices: two looks of a lane. */
const AT_ONCE = 10 * SECOND;
/** The neighbours in the first request that timed out are tried anew alone or together, with back-off between. */
const NEIGHBOURS_MAX = 4 * MINUTE;

let database: HistoryDatabase;
let history: History;
beforeAll(async () => {
  if (home === undefined) throw new Error('there is no home to test on');
  database = await openHistoryDatabase(home);
});
afterAll(() => database.remove());
afterEach(() => history.close());

interface Row {
  readonly reference: string;
  readonly state: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly reason_detail: string | null;
  readonly currency: string;
  readonly due_in_ms: number;
}

async function postings(): Promise<Row[]> {
  return database.sql<Row[]>`
    select reference, state, attempts, reason, reason_detail, currency,
      (extract(epoch from due_at - now()) * 1000)::float8 as due_in_ms
    from stripe_blnk_sync.postings order by reference`;
}

async function posting(reference: string): Promise<Row> {
  const found = (await postings()).find((row) => row.reference === reference);
  if (found === undefined) throw new Error(`no posting ${reference}`);
  return found;
}

function pay(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, () => history.stripe.createIntent({ kind, moves: [{ move: 'succeed' }] })),
  );
}

/** What a worker does by itself: its schedule and timer every minute, and the alarms of lanes between. */
async function live(forMs: number, stepMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += stepMs) {
    await history.advance(stepMs);
    if (stepMs >= MINUTE) await history.worker(0).sync();
    await history.worker(0).askForDue();
    // An alarm comes when a pause is over, whether anything is due or not.
    for (const currency of ['USD', 'EUR', 'JPY', 'KWD']) await history.queue.wakeLane({ source: '@stripe', currency });
    await history.worker(0).takeJobs();
  }
}

/** In simulated time. */
async function untilPosted(references: readonly string[], atMostMs: number): Promise<void> {
  const startedAt = history.clock.nowMs();
  for (;;) {
    const posted = new Set((await postings()).filter(({ state }) => state === 'posted').map((row) => row.reference));
    const tookMs = history.clock.nowMs() - startedAt;
    const missing = references.filter((reference) => !posted.has(reference));
    if (missing.length === 0) return;
    if (tookMs >= atMostMs) throw new Error(`not posted after ${tookMs / SECOND} s: ${missing.length}, ${missing[0]}`);
    await live(5 * SECOND, 5 * SECOND);
  }
}

async function said(): Promise<string> {
  const status = await history.reads().status();
  const lines = verdictLines(verdictOf(status))
    .map(({ text }) => text)
    .filter((line) => !line.startsWith('! No worker'));
  return lines.map((line) => line.replace(/^! /, '')).join('\n');
}

describe('a refused payment, one that times out, and a hot lane', () => {
  it('hold up nobody, go on by themselves, lose nothing, and are told', { timeout: 120_000 }, async () => {
    history = await History.open(database, { style: 'cloud', workers: 1, eventsLateByMs: 0, seed: 11 });
    const ids = pay(COUNTS);
    const ofKind = (kind: keyof typeof COUNTS) => {
      const before = Object.keys(COUNTS).indexOf(kind);
      const start = Object.values(COUNTS)
        .slice(0, before)
        .reduce((sum, count) => sum + count, 0);
      return ids.slice(start, start + COUNTS[kind]);
    };
    await history.worker(0).sync();
    const refused = ofKind('card_usd')[70] ?? '';
    const slow = ofKind('currency_eur')[50] ?? '';
    const hotLane = ofKind('currency_jpy');
    // Core refuses a transaction without its description, wherever it stands in a bulk.
    await database.sql`
      update stripe_blnk_sync.postings set prepared = replace(prepared, '"description":', '"not_described":') where reference = ${refused}`;
    const timeOut = history.blnk.faults.add({
      ...{ effect: 'status', status: 504, body: 'html', route: 'posts', contains: `"reference":"${slow}"` },
    });
    const lock = history.blnk.faults.add({ effect: 'locked', route: 'posts', contains: '"currency":"JPY"' });
    const others = [...ofKind('card_usd'), ...ofKind('currency_kwd')].filter((id) => id !== refused);
    const neighbours = ofKind('currency_eur').filter((id) => id !== slow);
    const stuckAt = history.clock.nowMs();
    const passedMs = () => history.clock.nowMs() - stuckAt;

    await untilPosted(others, AT_ONCE);
    expect(await posting(refused)).toMatchObject({ state: 'pending', reason: 'refused_by_blnk' });
    expect((await posting(slow)).state).toBe('pending');
    expect((await postings()).filter(({ currency, state }) => currency === 'JPY' && state === 'pending')).toHaveLength(
      20,
    );

    // Payments that come in meanwhile, in the lanes of the stuck ones too.
    const late = pay({ card_usd: 5, currency_eur: 5, currency_kwd: 5 });
    await history.worker(0).sync();
    await untilPosted(late, AT_ONCE);
    await untilPosted(neighbours, NEIGHBOURS_MAX - passedMs());
    const { attempts: attemptsBefore } = await posting(slow);

    await live(5 * MINUTE - passedMs(), 15 * SECOND);
    expect(lock.hits).toBeGreaterThan(4);
    // Not one attempt for each payment of the lane at each of at least five tries: the lane pauses as a whole. Three streams
    // share its payments at random, and one that has three or fewer posts them singly.
    expect(lock.hits).toBeLessThan(5 * hotLane.length);
    lock.remove();
    // A lane pauses for a minute at most.
    await untilPosted(hotLane, 65 * SECOND);

    // Six minutes after its attempt a look-up is final.
    expect((await posting(refused)).state).toBe('pending');
    await live(8 * MINUTE - passedMs(), 30 * SECOND);
    expect(await posting(refused)).toMatchObject({
      state: 'parked',
      reason: 'refused_by_blnk',
      attempts: expect.any(Number),
    });
    expect((await posting(refused)).reason_detail).toMatch(/description/);
    expect(await said()).toMatch(
      /1 parked: Blnk refuses this transaction for good\. Run: .*parked list --reason refused_by_blnk/,
    );
    expect(await said()).not.toMatch(/unresolved|in (USD|JPY|KWD) has made no progress/);
    // Nothing else is pending there.
    expect(await said()).toMatch(/in EUR has made no progress since .*: 504/);

    await live(17 * MINUTE - passedMs(), MINUTE);
    expect(await said()).toMatch(new RegExp(`1 unresolved: .* The oldest since .*: 504.* parked show ${slow}`));
    expect(await said()).toMatch(/^Not complete|1 still to be posted/);
    await live(HOUR - passedMs(), 5 * MINUTE);
    const { attempts, due_in_ms } = await posting(slow);
    expect((await posting(slow)).state).toBe('pending');
    // Alone, its pauses double: a handful of tries in an hour, and at most an hour to the next one.
    expect(attempts - attemptsBefore).toBeGreaterThan(2);
    expect(attempts - attemptsBefore).toBeLessThan(15);
    expect(due_in_ms).toBeGreaterThan(0);
    expect(due_in_ms).toBeLessThanOrEqual(HOUR);
    timeOut.remove();
    await live(Math.ceil(due_in_ms / MINUTE) * MINUTE + MINUTE, 5 * MINUTE);

    const rows = [...history.blnk.transactions()].map(({ reference }) => reference);
    expect(rows.filter((reference) => reference === slow)).toEqual([slow]);
    expect(rows.sort()).toEqual([...ids, ...late].filter((id) => id !== refused).sort());
    const open = (await postings()).filter(({ state }) => state !== 'posted');
    expect(open.map(({ reference, state }) => [reference, state])).toEqual([[refused, 'parked']]);
    expect(await said()).not.toMatch(/unresolved|has made no progress|still to be posted/);
  });
});
