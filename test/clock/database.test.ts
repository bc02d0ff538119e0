/**
 * The database's clock was ahead for a while and is set right: it must not leave anything waiting for the time that it
 * stated. Clocks that stay wrong are in lies.test.ts.
 */
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createDismissedPostings } from '../../src/db/postings/outbox.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { readStandings } from '../../src/db/reads/standings.js';
import { createTimesCorrector } from '../../src/db/workers/future-times.js';
import { createRequestLimiter } from '../../src/db/workers/request-limiter.js';
import { createWorkerRegistry, sinceLastTailMs } from '../../src/db/workers/worker-registry.js';
import { isDue } from '../../src/worker/sync-job.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { clockHistories } from '../support/clock/histories.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { BEGINNING, DAY, MINUTE, SECOND } from '../support/history/time.js';

const clocks = clockHistories(7);
const { open, setDatabaseOff, pay, minute } = clocks;

describe("the database's clock was a day ahead and is set right", () => {
  it('the schedule goes on at once', async () => {
    await open();
    await setDatabaseOff(DAY);
    await minute();
    await setDatabaseOff(0);
    const ports = { sinceLastTailMs: () => sinceLastTailMs(clocks.database.sql), intervalMs: async () => MINUTE };
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
    clocks.history.blnk.faults.add({ effect: 'reset', route: 'posts', times: 2 });
    await minute();
    pay(118);
    const dying = clocks.history.worker(0);
    await dying.sync();
    await clocks.history.advance(SECOND);
    dying.fate.dieAfter(8);
    await dying.takeJobs();
    expect(dying.fate.isDead).toBe(true);
    pay(20);
    await clocks.history.worker(0).sync();
    const [ahead] = await clocks.database.sql`
      select count(*) filter (where claimed_until > now())::int as claimed, count(*) filter (where look_ups > 0)::int as tried,
        count(*) filter (where attempts = 0)::int as stored
      from stripe_blnk_sync.postings where state = 'pending'`;
    // The dying one had one chunk or both in its hands.
    expect(ahead?.claimed).toBeGreaterThan(0);
    expect(ahead?.tried).toBe(2);
    expect(ahead?.stored).toBeGreaterThanOrEqual(20);
    await setDatabaseOff(0);
    for (let n = 0; n < 10; n += 1) await minute({ worker: 1 });
    expect(await differencesInTheEnd(clocks.history)).toBeNull();
    expect([...clocks.history.blnk.transactions()]).toHaveLength(140);
  });

  it('no run and no worker lives on in the time that it said', async () => {
    await open(2);
    await minute();
    await setDatabaseOff(DAY);
    const { sql } = clocks.database;
    const gone = clocks.history.worker(0);
    const window = { from: clocks.history.clock.now(), to: null };
    await gone.store.openRun({ feed: 'events', trigger: 'schedule', window, parentId: null });
    await createWorkerRegistry(sql, { id: gone.id, host: 'gone', pid: 2, version: 'test' }).renew();
    await setDatabaseOff(0);
    for (let n = 0; n < 3; n += 1) await minute({ worker: 1 });
    expect(
      (await sql`select from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is not null`).count,
    ).toBe(0);
    const { workers } = await clocks.history.reads().status();
    expect(workers.map(({ host }) => host)).toEqual([hostname()]);
    await clocks.history.wakeAll();
    await assertHonest(clocks.history);
  });

  it('the next request to Stripe waits no longer than a minute', async () => {
    await open();
    const waits: number[] = [];
    const limiter = createRequestLimiter(clocks.database.sql, {
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
      await clocks.history.worker(0).sync();
      await setDatabaseOff(0);
      await createTimesCorrector(clocks.database.sql, { queueSchema: null })();
      const tries = await clocks.database.sql`
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
    await clocks.database.sql`
      update stripe_blnk_sync.postings set state = 'parked', reason = 'refused_by_blnk', dismissed_at = now(), dismissed_by = 'ada'`;
    await setDatabaseOff(0);
    await createTimesCorrector(clocks.database.sql, { queueSchema: null })();
    await clocks.history.advance(2 * MINUTE);
    const dismissed = createDismissedPostings(clocks.database.sql, { epoch: 0 });
    const claim = await dismissed.claimDismissed({ limit: 10, leaseMs: SECOND, looksAfterMs: [MINUTE] });
    expect(claim.postings).toHaveLength(1);
  });

  it('a proof of that time does not stand before later ones, and what was stored then reopens its day once', async () => {
    await open();
    await setDatabaseOff(DAY);
    pay(3);
    await minute();
    const { db, sql } = clocks.database;
    const day = BEGINNING.toISOString().slice(0, 10);
    const certificates = createCertificateStore(db, 'test');
    const prove = (state: 'sealed' | 'broken', provedAtMs: number) =>
      certificates.keepProof(
        proofOf([aCertificate({ day, state })], {
          provedAt: new Date(provedAtMs),
          stripeAsOf: clocks.history.clock.now(),
        }),
      );
    await prove('sealed', clocks.history.clock.nowMs() + DAY);
    await setDatabaseOff(0);
    await createTimesCorrector(sql, { queueSchema: null })();
    expect(await readStandings(db)).toMatchObject([{ day, provedAt: clocks.history.clock.now(), storedSince: true }]);
    await clocks.history.advance(MINUTE);
    await prove('broken', clocks.history.clock.nowMs());
    expect(await readStandings(db)).toMatchObject([{ day, states: ['broken'], storedSince: false }]);
  });

  it('nothing is brought back that a right clock wrote', async () => {
    await open();
    await minute();
    pay(3);
    await clocks.history.worker(0).sync();
    await clocks.database.sql`
      update stripe_blnk_sync.postings set attempts = 1, due_at = now() + interval '1 hour', claimed_until = now() + interval '30 seconds',
        claim = gen_random_uuid(), last_attempt_at = now(), doubt_since = now()`;
    const times = () =>
      clocks.database
        .sql`select reference, due_at, claimed_until, last_attempt_at from stripe_blnk_sync.postings order by 1`;
    const before = await times();
    const correct = createTimesCorrector(clocks.database.sql, { queueSchema: null });
    expect(await correct()).toEqual({ ours: 0, ofQueue: 0 });
    await clocks.history.advance(-MINUTE);
    expect(await correct()).toEqual({ ours: 0, ofQueue: 0 });
    expect([...(await times())]).toEqual([...before]);
  });
});
