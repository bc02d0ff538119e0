/**
 * The database's clock is not the world's: ahead for a while and set right, it must not leave anything waiting for the
 * time that it said; and ahead or behind Stripe's for good, it must not move what is read and what is called complete.
 */
import { hostname } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDismissedPostings } from '../../src/db/postings/outbox.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { readStandings } from '../../src/db/reads/certificates.js';
import { createTimesCorrector } from '../../src/db/workers/future-times.js';
import { createRequestLimiter } from '../../src/db/workers/request-limiter.js';
import { createWorkerRegistry, sinceLastTailMs } from '../../src/db/workers/worker-registry.js';
import { isDue } from '../../src/worker/sync-job.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { BEGINNING, DAY, LAG, MINUTE, SECOND } from '../support/history/time.js';
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

async function open(workers = 1): Promise<History> {
  history = await History.open(database, { style: 'cloud', workers, eventsLateByMs: 0, seed: 7 });
  return history;
}

async function setDatabaseOff(ms: number): Promise<void> {
  history.databaseOffMs = ms;
  await history.alignDatabase();
}

async function minute(index = 0): Promise<void> {
  await history.advance(MINUTE);
  await history.worker(index).sync();
  // Within each step the database's clock goes on, and it begins anew with the next: what was stored is due a moment later.
  await history.advance(SECOND);
  await history.worker(index).askForDue();
  await history.worker(index).takeJobs();
}

function pay(count: number): void {
  for (let n = 0; n < count; n += 1) {
    history.stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
  }
}

describe("the database's clock was a day ahead and is set right", () => {
  it('the schedule goes on at once', async () => {
    await open();
    await setDatabaseOff(DAY);
    await minute();
    await setDatabaseOff(0);
    const ports = { sinceLastTailMs: () => sinceLastTailMs(database.sql), intervalMs: async () => MINUTE };
    expect(await isDue(ports)).toBe(true);
    await minute();
    expect(await isDue(ports)).toBe(false);
  });

  it('what was stored, tried and claimed meanwhile is posted within minutes, though its worker died', async () => {
    await open(2);
    await minute();
    await setDatabaseOff(DAY);
    // Tried in vain: back-off. Claimed by one that dies: a claim. Stored: due at a time to come.
    pay(2);
    history.blnk.faults.add({ effect: 'reset', route: 'posts', times: 2 });
    await minute();
    pay(118);
    const dying = history.worker(0);
    await dying.sync();
    await history.advance(SECOND);
    dying.fate.dieAfter(8);
    await dying.takeJobs();
    expect(dying.fate.isDead).toBe(true);
    pay(20);
    await history.worker(0).sync();
    const [ahead] = await database.sql`
      select count(*) filter (where claimed_until > now())::int as claimed, count(*) filter (where look_ups > 0)::int as tried,
        count(*) filter (where attempts = 0)::int as stored
      from stripe_blnk_sync.postings where state = 'pending'`;
    // The dying one had one chunk or both in its hands.
    expect(ahead?.claimed).toBeGreaterThan(0);
    expect(ahead?.tried).toBe(2);
    expect(ahead?.stored).toBeGreaterThanOrEqual(20);
    await setDatabaseOff(0);
    for (let n = 0; n < 10; n += 1) await minute(1);
    expect(await differencesInTheEnd(history)).toBeNull();
    expect([...history.blnk.transactions()]).toHaveLength(140);
  });

  it('no run and no worker lives on in the time that it said', async () => {
    await open(2);
    await minute();
    await setDatabaseOff(DAY);
    const { sql } = database;
    const gone = history.worker(0);
    const window = { from: history.clock.now(), to: null };
    await gone.store.openRun({ feed: 'events', trigger: 'schedule', window, parentId: null });
    await createWorkerRegistry(sql, { id: gone.id, host: 'gone', pid: 2, version: 'test' }).renew();
    await setDatabaseOff(0);
    for (let n = 0; n < 3; n += 1) await minute(1);
    expect(
      (await sql`select from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is not null`).count,
    ).toBe(0);
    const { workers } = await history.reads().status();
    expect(workers.map(({ host }) => host)).toEqual([hostname()]);
    await history.wakeAll();
    await assertHonest(history);
  });

  it('the next request to Stripe waits no longer than a minute', async () => {
    await open();
    const waits: number[] = [];
    const limiter = createRequestLimiter(database.sql, {
      ...{ share: 1, livemode: false, endpointPerSecond: 25 },
      sleep: async (ms) => void waits.push(ms),
      monotonicMs: () => performance.now(),
    });
    await setDatabaseOff(DAY);
    await limiter.acquire('events.list');
    await setDatabaseOff(0);
    for (let n = 0; n < 3; n += 1) await limiter.acquire('events.list');
    expect(Math.max(...waits)).toBeLessThanOrEqual(MINUTE + SECOND);
  });

  it.each([
    ['a day', DAY],
    ['an hour', 60 * MINUTE],
  ])(
    'what was never tried is due at once after %s, and not taken for tried, nor for one in doubt',
    async (_, offMs) => {
      await open();
      await minute();
      await setDatabaseOff(offMs);
      pay(3);
      await history.worker(0).sync();
      await setDatabaseOff(0);
      await createTimesCorrector(database.sql, { queueSchema: null })();
      const tries = await database.sql`
      select due_at <= now() as due, last_attempt_at, doubt_since, claimed_until from stripe_blnk_sync.postings group by 1, 2, 3, 4`;
      expect([...tries]).toEqual([{ due: true, last_attempt_at: null, doubt_since: null, claimed_until: null }]);
    },
  );

  it('what was dismissed then is looked up when a dismissal of now would be', async () => {
    await open();
    await minute();
    await setDatabaseOff(DAY);
    pay(1);
    await minute();
    await database.sql`
      update stripe_blnk_sync.postings set state = 'parked', reason = 'refused_by_blnk', dismissed_at = now(), dismissed_by = 'ada'`;
    await setDatabaseOff(0);
    await createTimesCorrector(database.sql, { queueSchema: null })();
    await history.advance(2 * MINUTE);
    const dismissed = createDismissedPostings(database.sql, { epoch: 0 });
    const claim = await dismissed.claimDismissed({ limit: 10, leaseMs: SECOND, looksAfterMs: [MINUTE] });
    expect(claim.postings).toHaveLength(1);
  });

  it('a proof of that time does not stand before later ones, and what was stored then reopens its day once', async () => {
    await open();
    await setDatabaseOff(DAY);
    pay(3);
    await minute();
    const { db, sql } = database;
    const day = BEGINNING.toISOString().slice(0, 10);
    const certificates = createCertificateStore(db, 'test');
    const prove = (state: 'sealed' | 'broken', provedAtMs: number) =>
      certificates.keepProof(
        proofOf([aCertificate({ day, state })], { provedAt: new Date(provedAtMs), stripeAsOf: history.clock.now() }),
      );
    await prove('sealed', history.clock.nowMs() + DAY);
    await setDatabaseOff(0);
    await createTimesCorrector(sql, { queueSchema: null })();
    expect(await readStandings(db)).toMatchObject([{ day, provedAt: history.clock.now(), storedSince: true }]);
    await history.advance(MINUTE);
    await prove('broken', history.clock.nowMs());
    expect(await readStandings(db)).toMatchObject([{ day, states: ['broken'], storedSince: false }]);
  });

  it('nothing is brought back that a right clock wrote', async () => {
    await open();
    await minute();
    pay(3);
    await history.worker(0).sync();
    await database.sql`
      update stripe_blnk_sync.postings set attempts = 1, due_at = now() + interval '1 hour', claimed_until = now() + interval '30 seconds',
        claim = gen_random_uuid(), last_attempt_at = now(), doubt_since = now()`;
    const times = () =>
      database.sql`select reference, due_at, claimed_until, last_attempt_at from stripe_blnk_sync.postings order by 1`;
    const before = await times();
    const correct = createTimesCorrector(database.sql, { queueSchema: null });
    expect(await correct()).toEqual({ ours: 0, ofQueue: 0 });
    await history.advance(-MINUTE);
    expect(await correct()).toEqual({ ours: 0, ofQueue: 0 });
    expect([...(await times())]).toEqual([...before]);
  });
});

describe.each([
  ['31 days ahead of', 31 * DAY],
  ['a year behind', -365 * DAY],
])("the database's clock stays %s Stripe's", (_, offMs) => {
  it('and what is read, posted and called complete is the same', async () => {
    await open();
    await setDatabaseOff(offMs);
    pay(5);
    await minute();
    pay(130);
    await minute();
    // A person asks for a window that ends at the database's now, and payments come in after it was read.
    const to = new Date(history.clock.nowMs() + Math.max(offMs, 0));
    await history.worker(0).store.requestBackfill({ from: new Date(history.clock.nowMs() - DAY), to }, 'manual');
    await minute();
    pay(4);
    for (let n = 0; n < 3; n += 1) await minute();
    await history.advance(LAG);
    await minute();
    const { status } = await assertHonest(history);
    expect(status.complete?.from).toEqual(new Date(BEGINNING.getTime() - 2 * DAY));
    expect(history.clock.nowMs() - (status.complete?.to.getTime() ?? 0)).toBeLessThanOrEqual(LAG + 2 * SECOND);
    expect(await differencesInTheEnd(history)).toBeNull();
    expect([...history.blnk.transactions()]).toHaveLength(139);
    const days = await database.sql<{ day: string }[]>`select distinct day::text from stripe_blnk_sync.daily_totals`;
    expect(days.map(({ day }) => day)).toEqual([BEGINNING.toISOString().slice(0, 10)]);
  });
});
