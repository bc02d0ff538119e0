/** The read model and what a person does with parked postings, on a real PostgreSQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Preparation, PreparedTransaction } from '../../src/core/posting/posting.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { createReadModel, type ReadModel } from '../../src/db/reads/read-model.js';
import { mirror, workers } from '../../src/db/schema/mirror.js';
import { coverage } from '../../src/db/schema/sync-runs.js';
import { at, createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { until } from '../support/stages/ledger.js';

const MINUTE = 60_000;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const NIL = '00000000-0000-0000-0000-000000000000';

let database: ReadsDatabase;
let reads: ReadModel;
beforeAll(async () => {
  database = await createReadsDatabase();
  reads = createReadModel(database.db, {
    lagMs: 10 * MINUTE,
    intervalMs: MINUTE,
    stripeReads: { used: 0, allowed: null, forecast: 0 },
  });
});
beforeEach(() => database.empty());
afterAll(() => database.drop());

function run(number: number): string {
  return `0193a00${number}-0000-7000-8000-00000000000${number}`;
}

async function ids(query: Parameters<ReadModel['runs']>[0]): Promise<string[]> {
  return (await reads.runs(query)).runs.map(({ id }) => id);
}

describe('runs', () => {
  it('lists the newest first, parents for their parts, and leaves out what found nothing new', async () => {
    const { db } = database;
    const startedAt = (minute: number) => new Date(Date.UTC(2026, 10, 1, 1, minute));
    await insertRun(db, { id: run(1), startedAt: startedAt(1), found: 3, stored: 1 });
    await insertRun(db, { id: run(2), startedAt: startedAt(2), found: 3, knownBefore: 3 });
    await insertRun(db, { id: run(3), startedAt: startedAt(3), feed: 'payment_intents' });
    await insertRun(db, { id: run(4), startedAt: startedAt(4), parentId: run(3), feed: 'payment_intents', stored: 2 });
    await insertRun(db, { id: run(5), startedAt: startedAt(5), state: 'failed', errorCode: 'stripe_down', error: 'x' });
    await insertRun(db, { id: run(6), startedAt: startedAt(6), state: 'collecting', finishedAt: null });
    expect(await ids({ limit: 10 })).toEqual([run(6), run(5), run(3), run(1)]);
    expect(await ids({ limit: 2 })).toEqual([run(6), run(5)]);
    expect(await ids({ limit: 10, includeEmpty: true })).toEqual([run(6), run(5), run(3), run(2), run(1)]);
    expect(await ids({ limit: 10, feed: 'payment_intents' })).toEqual([run(3)]);
    expect(await ids({ limit: 10, status: 'failed' })).toEqual([run(5)]);
    expect(await ids({ limit: 10, status: 'collecting' })).toEqual([run(6)]);
  });

  it('finds runs by a status that derives from their postings, also those of parts', async () => {
    const { db } = database;
    for (const number of [1, 2, 3, 4]) await insertRun(db, { id: run(number), stored: 1 });
    await insertRun(db, { id: run(5), feed: 'payment_intents' });
    await insertRun(db, { id: run(6), parentId: run(5), feed: 'payment_intents', stored: 1 });
    await insertPosting(db, { reference: 'pi_1', firstRun: run(1) });
    await insertPosting(db, { reference: 'pi_2', firstRun: run(2), state: 'parked', reason: 'conflict' });
    const dismissed = { state: 'parked', reason: 'conflict', dismissedAt: new Date() } as const;
    await insertPosting(db, { reference: 'pi_3', firstRun: run(3), ...dismissed });
    await insertPosting(db, { reference: 'pi_4', firstRun: run(4), state: 'posted' });
    await insertPosting(db, { reference: 'pi_5', firstRun: run(4), state: 'parked', reason: 'conflict' });
    await insertPosting(db, { reference: 'pi_6', firstRun: run(4) });
    await insertPosting(db, { reference: 'pi_7', firstRun: run(6) });
    for (const status of ['posting', 'attention', 'succeeded'] as const) {
      const found = await reads.runs({ limit: 10, status });
      expect(found.runs.every((one) => one.status === status)).toBe(true);
    }
    expect((await ids({ limit: 10, status: 'posting' })).sort()).toEqual([run(1), run(4), run(5)]);
    expect(await ids({ limit: 10, status: 'attention' })).toEqual([run(2)]);
    expect(await ids({ limit: 10, status: 'succeeded' })).toEqual([run(3)]);
  });

  it('finds one run by its id or the beginning of it, with its parts', async () => {
    const { db } = database;
    await insertRun(db, { id: run(1), found: 1, stored: 1 });
    await insertRun(db, { id: run(2), parentId: run(1) });
    await insertPosting(db, { reference: 'pi_1', firstRun: run(1), state: 'posted', amount: 250n });
    const answer = await reads.run('0193A001');
    expect(answer).toMatchObject({
      kind: 'found',
      run: { id: run(1), durationMs: 2_500, totals: [{ amount: 250n, currency: 'USD' }], parts: 1 },
      parts: [{ id: run(2), parentId: run(1) }],
    });
    expect(await reads.run(run(1))).toMatchObject({ kind: 'found', run: { id: run(1) } });
    expect(await reads.run('0193a00')).toEqual({ kind: 'ambiguous', ids: [run(1), run(2)] });
    expect(await reads.run('0193a009')).toEqual({ kind: 'unknown' });
    expect(await reads.run("0193a'; drop")).toEqual({ kind: 'unknown' });
  });

  it('pages through the batch of a run and of its parts', async () => {
    const { db } = database;
    await insertRun(db, { id: run(1) });
    await insertRun(db, { id: run(2), parentId: run(1) });
    await insertRun(db, { id: run(3) });
    for (const [reference, firstRun] of [
      ['pi_a', 1],
      ['pi_b', 2],
      ['pi_c', 2],
      ['pi_d', 3],
    ] as const) {
      await insertPosting(db, {
        reference,
        firstRun: run(firstRun),
        state: reference === 'pi_c' ? 'posted' : 'pending',
      });
    }
    const first = await reads.runBatch(run(1), { limit: 2 });
    expect(first.payments.map(({ reference }) => reference)).toEqual(['pi_a', 'pi_b']);
    expect(first.next).toBe('pi_b');
    const second = await reads.runBatch(run(1), { limit: 2, after: 'pi_b' });
    expect(second.payments.map(({ reference }) => reference)).toEqual(['pi_c']);
    expect(second.next).toBeNull();
    const posted = await reads.runBatch(run(1), { limit: 2, state: 'posted' });
    expect(posted.payments.map(({ reference }) => reference)).toEqual(['pi_c']);
  });

  it('finds the run that serves a request, and how far it is', async () => {
    const { db, sql } = database;
    await sql`insert into stripe_blnk_sync.sync_runs (id, feed, trigger, window_from, state, version)
      values (${run(1)}, 'events', 'schedule', now(), 'collecting', '0')`;
    const startedAfter = await reads.databaseNow();
    expect(await reads.firstRunAfter({ feed: 'events', startedAfter })).toBeNull();
    await insertRun(db, { id: run(2), feed: 'payment_intents', startedAt: new Date(startedAfter.getTime() + 1) });
    await insertRun(db, { id: run(4), startedAt: new Date(startedAfter.getTime() + 3), stored: 9 });
    await insertRun(db, { id: run(3), startedAt: new Date(startedAfter.getTime() + 2), found: 3, stored: 3 });
    expect(await reads.firstRunAfter({ feed: 'events', startedAfter })).toBe(run(3));
    await insertPosting(db, { reference: 'pi_1', firstRun: run(3) });
    await insertPosting(db, { reference: 'pi_2', firstRun: run(3), state: 'parked', reason: 'conflict' });
    const parked = { state: 'parked', reason: 'conflict', dismissedAt: new Date() } as const;
    await insertPosting(db, { reference: 'pi_3', firstRun: run(3), ...parked });
    const counts = { found: 3, stored: 3, pending: 1, parked: 2, dismissed: 1 };
    expect(await reads.progress(run(3))).toEqual({ status: 'posting', ...counts });
    await sql`update stripe_blnk_sync.postings set state = 'posted' where reference = 'pi_1'`;
    expect(await reads.progress(run(3))).toEqual({ status: 'attention', ...counts, pending: 0 });
    expect(await reads.progress(NIL)).toBeNull();
  });
});

describe('status', () => {
  it('of an empty database reports that nothing is there', async () => {
    expect(await reads.status()).toMatchObject({
      mirror: null,
      workers: [],
      complete: null,
      behindMs: null,
      lanes: [],
      parked: [],
      totals: [],
      lastRun: null,
      lastFailure: null,
      proofs: { from: null, to: null, days: 0, unproven: 0, exceptions: [], unsealed: [] },
    });
  });

  it('brings together mirror, workers, completeness, lanes, parked and totals', async () => {
    const { db } = database;
    const now = Date.now();
    const ago = (minutes: number) => new Date(now - minutes * MINUTE);
    const [startsAt, cutoverAt] = [ago(600), ago(60)];
    await db.insert(mirror).values({
      mirrorId: NIL,
      stripeAccount: 'acct_1',
      livemode: false,
      blnkInstance: 'inst_1',
      sourceBalances: { USD: 'bln_1' },
      source: '@stripe',
      sourceShards: 1,
      guestDestination: '@stripe_guests',
      accountsMode: 'indicators',
      mappingVersion: 1,
      startsAt,
      cutoverAt,
    });
    const worker = { host: 'one', pid: 7, version: '0.1.0' };
    await db.insert(workers).values([
      { ...worker, id: run(1), seenAt: new Date(now - 5_000) },
      { ...worker, id: run(2), seenAt: new Date(now - 40_000) },
    ]);
    await db.insert(coverage).values([
      { feed: 'payment_intents', from: startsAt, to: cutoverAt, readAt: ago(59), runId: run(1) },
      { feed: 'events', from: ago(70), to: ago(20), readAt: ago(10), runId: run(1) },
      { feed: 'events', from: ago(20), to: ago(12), readAt: ago(2), runId: run(1) },
    ]);
    await insertRun(db, {
      id: run(1),
      startedAt: ago(30),
      state: 'failed',
      finishedAt: ago(29),
      errorCode: 'a',
      error: 'b',
    });
    const posting = { firstRun: run(1), effectiveAt: ago(100) };
    await insertPosting(db, { ...posting, reference: 'pi_1', dueAt: ago(5), attempts: 1, doubtSince: ago(20) });
    await insertPosting(db, {
      ...posting,
      reference: 'pi_2',
      dueAt: ago(9),
      attempts: 1,
      doubtSince: ago(3),
      effectiveAt: ago(1),
    });
    await insertPosting(db, { ...posting, reference: 'pi_3', currency: 'EUR', dueAt: ago(-5) });
    await insertPosting(db, { ...posting, reference: 'pi_4', state: 'posted', amount: 9_007_199_254_740_993n });
    await insertPosting(db, { ...posting, reference: 'pi_5', state: 'parked', reason: 'conflict' });
    const dismissed = { state: 'parked', reason: 'conflict', dismissedAt: ago(1) } as const;
    await insertPosting(db, { ...posting, reference: 'pi_6', ...dismissed });
    const status = await reads.status();
    expect(status.complete).toEqual({ from: startsAt, to: ago(12) });
    expect(status.holes).toEqual([]);
    expect(status.behindMs).toBeGreaterThanOrEqual(12 * MINUTE);
    expect(status.behindMs).toBeLessThan(13 * MINUTE);
    expect(status.outstanding).toEqual({ pending: 2, parked: 1, dismissed: 1 });
    expect(status.mirror).not.toHaveProperty('sourceBalances');
    expect(status.mirror).toMatchObject({ stripeAccount: 'acct_1', livemode: false, startsAt, cutoverAt });
    expect(status.workers.map(({ id }) => id)).toEqual([run(1)]);
    expect(status.coverage.events).toEqual([{ from: ago(70), to: ago(12) }]);
    expect(status.lanes).toEqual([
      {
        source: '@stripe',
        currency: 'USD',
        pending: 2,
        inDoubt: 2,
        unresolved: 1,
        oldestDue: ago(9),
        error: null,
        pausedSince: null,
      },
      {
        source: '@stripe',
        currency: 'EUR',
        pending: 1,
        inDoubt: 0,
        unresolved: 0,
        oldestDue: ago(-5),
        error: null,
        pausedSince: null,
      },
    ]);
    expect(status.oldestUnresolved).toMatchObject({
      reference: expect.any(String),
      since: expect.any(Date),
      error: null,
    });
    expect(status.parked).toEqual([{ reason: 'conflict', waiting: 1, dismissed: 1 }]);
    const usd = { currency: 'USD', postedCount: 1, posted: 9_007_199_254_740_993n, pendingCount: 2, pending: 2_000n };
    expect(status.totals[1]).toEqual({ ...usd, parkedCount: 2, parked: 2_000n });
    expect(status.lastFailure).toMatchObject({ runId: run(1), code: 'a', message: 'b', recovered: false });
    await insertRun(db, { id: run(2), startedAt: ago(28), finishedAt: ago(27) });
    await insertRun(db, { id: run(3), startedAt: ago(26), state: 'failed', errorCode: 'stopped', error: 'stopped' });
    const after = await reads.status();
    expect(after.lastFailure).toMatchObject({ runId: run(1), recovered: true });
    expect(after.lastRun?.id).toBe(run(3));
  });
});

it('a failure that lasts began with the first failed run after the last good one of its feed', async () => {
  const { db } = database;
  const now = Date.now();
  const ago = (minutes: number) => new Date(now - minutes * MINUTE);
  const failed = { state: 'failed', errorCode: 'stripe_unavailable', error: 'no answer' } as const;
  await insertRun(db, { id: run(1), ...failed, startedAt: ago(90), finishedAt: ago(89) });
  const never = await reads.status();
  expect(never.lastFailure).toMatchObject({ runId: run(1), at: ago(89), since: ago(89), recovered: false });
  await insertRun(db, { id: run(2), startedAt: ago(80), finishedAt: ago(79) });
  // Another feed's, and one that was stopped.
  await insertRun(db, { id: run(3), ...failed, feed: 'charges', startedAt: ago(78), finishedAt: ago(77) });
  await insertRun(db, { id: run(4), ...failed, errorCode: 'stopped', startedAt: ago(76), finishedAt: ago(75) });
  await insertRun(db, { id: run(6), ...failed, startedAt: ago(60), finishedAt: ago(59) });
  await insertRun(db, { id: run(7), ...failed, startedAt: ago(2), finishedAt: ago(1) });
  const lasting = await reads.status();
  expect(lasting.lastFailure).toMatchObject({ runId: run(7), at: ago(1), since: ago(59), recovered: false });
});

describe('parked', () => {
  const stored = (minute: number) => new Date(Date.UTC(2026, 10, 1, 0, minute));

  it('pages newest first, also through rows of the same time, and hides the dismissed', async () => {
    const { db } = database;
    const parked = { firstRun: run(1), state: 'parked', reason: 'conflict' } as const;
    await insertPosting(db, { ...parked, reference: 'pi_1', storedAt: stored(1) });
    await insertPosting(db, { ...parked, reference: 'pi_2', storedAt: stored(3) });
    await insertPosting(db, { ...parked, reference: 'pi_3', storedAt: stored(3), reason: 'unknown_currency' });
    await insertPosting(db, { ...parked, reference: 'pi_4', storedAt: stored(2), dismissedAt: new Date() });
    await insertPosting(db, { firstRun: run(1), reference: 'pi_5', storedAt: stored(9) });
    const references = async (query: Parameters<ReadModel['parked']>[0]) => {
      const page = await reads.parked(query);
      return { references: page.payments.map(({ reference }) => reference), next: page.next };
    };
    expect(await references({ limit: 1 })).toEqual({ references: ['pi_3'], next: 'pi_3' });
    expect(await references({ limit: 1, after: 'pi_3' })).toEqual({ references: ['pi_2'], next: 'pi_2' });
    expect(await references({ limit: 1, after: 'pi_2' })).toEqual({ references: ['pi_1'], next: null });
    expect(await references({ limit: 9, includeDismissed: true })).toMatchObject({
      references: ['pi_3', 'pi_2', 'pi_4', 'pi_1'],
    });
    expect(await references({ limit: 9, reason: 'conflict' })).toMatchObject({ references: ['pi_2', 'pi_1'] });
  });

  it('shows both sides of one payment', async () => {
    const sides = { payment: '{"id":"pi_1"}', prepared: '{"precise_amount":9007199254740993}', attempts: 2 };
    await insertPosting(database.db, { firstRun: run(1), reference: 'pi_1', ...sides });
    expect(await reads.show('pi_1')).toMatchObject({
      reference: 'pi_1',
      sourceBalance: '@stripe',
      attempts: 2,
      stripeSide: sides.payment,
      ledgerSide: sides.prepared,
    });
    expect(await reads.show('pi_2')).toBeNull();
  });

  it('retries the named ones, and names what is not parked', async () => {
    const { db, sql } = database;
    const claim = { claim: NIL, claimedUntil: new Date(), dueAt: at('2030-01-01T00:00:00Z'), attempts: 3 };
    const parked = { firstRun: run(1), state: 'parked', reason: 'conflict', reasonDetail: 'x', ...claim } as const;
    await insertPosting(db, {
      ...parked,
      reference: 'pi_1',
      dismissedAt: new Date(),
      dismissedBy: 'ada',
      dismissedWhy: 'y',
    });
    await insertPosting(db, { ...parked, reference: 'pi_2', currency: 'EUR' });
    await insertPosting(db, { ...parked, reference: 'pi_3' });
    await insertPosting(db, { firstRun: run(1), reference: 'pi_4', state: 'posted', transactionId: 'txn_4' });
    const store = createParkedStore(db, neverAsked);
    const outcome = await store.retry({ references: ['pi_1', 'pi_2', 'pi_4', 'pi_9'] });
    expect(outcome).toMatchObject({ retried: 2, stillParked: [], notParked: ['pi_4', 'pi_9'] });
    expect(new Set(outcome.lanes)).toEqual(
      new Set([
        { source: '@stripe', currency: 'USD' },
        { source: '@stripe', currency: 'EUR' },
      ]),
    );
    const rows = await sql`
      select reference, state, reason, reason_detail, claim, claimed_until, dismissed_at, dismissed_by, dismissed_why,
        attempts, due_at <= now() as due from stripe_blnk_sync.postings order by reference`;
    const cleared = { reason: null, reason_detail: null, claim: null, claimed_until: null };
    const notDismissed = { dismissed_at: null, dismissed_by: null, dismissed_why: null };
    expect(rows[0]).toEqual({
      reference: 'pi_1',
      state: 'pending',
      attempts: 3,
      due: true,
      ...cleared,
      ...notDismissed,
    });
    const decision = {
      by: 'ada',
      why: 'y',
      reason: 'conflict',
      at: expect.stringMatching(ISO),
      endedAt: expect.stringMatching(ISO),
    };
    expect((await reads.show('pi_1'))?.pastDismissals, 'who decided what is kept').toEqual([decision]);
    expect((await reads.show('pi_2'))?.pastDismissals).toEqual([]);
    await sql`update stripe_blnk_sync.postings set state = 'parked', reason = 'refused_by_blnk' where reference = 'pi_1'`;
    expect(await store.dismiss({ reference: 'pi_1', by: 'bob', why: 'z' })).toBe('dismissed');
    await store.retry({ references: ['pi_1'] });
    const again = { ...decision, by: 'bob', why: 'z', reason: 'refused_by_blnk' };
    expect((await reads.show('pi_1'))?.pastDismissals).toEqual([decision, again]);
    expect(rows[2]).toMatchObject({ reference: 'pi_3', state: 'parked', reason: 'conflict', due: false });
    expect(rows[3]).toMatchObject({ reference: 'pi_4', state: 'posted' });
  });

  it('maps what was never prepared again, and keeps it parked when that is refused again', async () => {
    const { db, sql } = database;
    const parked = { firstRun: run(1), state: 'parked', reason: 'unknown_currency', reasonDetail: 'old' } as const;
    const unprepared = { ...parked, prepared: null, precision: null, source: null, destination: null };
    await insertPosting(db, { ...unprepared, reference: 'pi_1', payment: 'known now' });
    await insertPosting(db, { ...unprepared, reference: 'pi_2', payment: 'still unknown' });
    await insertPosting(db, { ...unprepared, reference: 'pi_3', payment: null });
    await insertPosting(db, { ...unprepared, reference: 'pi_4', payment: 'known now', dismissedAt: new Date() });
    const transaction: PreparedTransaction = {
      reference: 'pi_1',
      amount: 77n,
      precision: 1000,
      object: 'payment',
      role: 'original',
      lane: { source: '@stripe', currency: 'KWD' },
      currency: 'KWD',
      source: '@stripe',
      destination: '@cus_9',
      effectiveDate: at('2026-11-01T00:00:00Z'),
      body: '{"precise_amount":77}',
    };
    const prepare = (text: string): Preparation =>
      text === 'known now'
        ? { kind: 'prepared', transaction }
        : { kind: 'rejected', reason: 'three_decimal_amount', detail: 'new' };
    const outcome = await createParkedStore(db, prepare).retry({ reason: 'unknown_currency' });
    expect(outcome).toEqual({
      retried: 1,
      lanes: [{ source: '@stripe', currency: 'KWD' }],
      stillParked: [
        { reference: 'pi_2', reason: 'three_decimal_amount', detail: 'new' },
        {
          reference: 'pi_3',
          reason: 'unknown_currency',
          detail: 'nothing is kept from which its transaction could be prepared',
        },
      ],
      notParked: [],
    });
    const rows = await sql`
      select state, reason, reason_detail, prepared, payment, amount, precision, source, destination
      from stripe_blnk_sync.postings order by reference`;
    expect(rows[0]).toEqual({
      state: 'pending',
      reason: null,
      reason_detail: null,
      prepared: '{"precise_amount":77}',
      payment: null,
      amount: '77',
      precision: 1000,
      source: '@stripe',
      destination: '@cus_9',
    });
    expect(rows[1]).toMatchObject({ state: 'parked', reason: 'three_decimal_amount', reason_detail: 'new' });
    expect(rows[3]).toMatchObject({ state: 'parked', reason: 'unknown_currency', payment: 'known now' });
  });

  it('shows of a retried one nothing of what it was parked for', async () => {
    const { db } = database;
    const parked = { firstRun: run(1), state: 'parked', reason: 'refused_by_blnk', reasonDetail: 'no' } as const;
    const tried = { attempts: 1, lookUps: 3, firstAttemptAt: new Date(), lastAttemptAt: new Date(), lastError: 'no' };
    await insertPosting(db, { ...parked, ...tried, reference: 'pi_1' });
    expect((await reads.show('pi_1'))?.lastError).toBe('no');
    expect(await createParkedStore(db, neverAsked).retry({ references: ['pi_1'] })).toMatchObject({ retried: 1 });
    expect(await reads.show('pi_1')).toMatchObject({ state: 'pending', attempts: 1, lastError: null });
    expect((await reads.status()).lanes).toMatchObject([{ pending: 1, error: null }]);
  });

  it('leaves alone what somebody dismisses while it is mapped again', async () => {
    const { db, sql } = database;
    const parked = { firstRun: run(1), state: 'parked', reason: 'unknown_currency', reasonDetail: 'old' } as const;
    const unprepared = { ...parked, prepared: null, precision: null, source: null, destination: null };
    await insertPosting(db, { ...unprepared, reference: 'pi_1', payment: 'known now' });
    await insertPosting(db, { ...unprepared, reference: 'pi_2', payment: 'still unknown' });
    const prepare = (text: string): Preparation =>
      text === 'known now'
        ? {
            kind: 'prepared',
            transaction: {
              ...{ object: 'payment', role: 'original', lane: { source: '@stripe', currency: 'KWD' } },
              ...{ reference: 'pi_1', amount: 77n, precision: 1000, currency: 'KWD', source: '@stripe' },
              ...{ destination: '@cus_9', effectiveDate: at('2026-11-01T00:00:00Z'), body: '{}' },
            },
          }
        : { kind: 'rejected', reason: 'three_decimal_amount', detail: 'new' };
    const isBlocked = async () =>
      (
        await sql`select from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database()`
      ).count > 0;
    const retried = await sql.begin(async (person) => {
      await person`update stripe_blnk_sync.postings
        set dismissed_at = now(), dismissed_by = 'ada', dismissed_why = 'stays out'`;
      const retry = createParkedStore(db, prepare).retry({ reason: 'unknown_currency' });
      await until(isBlocked);
      return { retry };
    });
    expect(await retried.retry).toMatchObject({ retried: 0, lanes: [] });
    const rows = await sql`select state, reason, dismissed_by, prepared from stripe_blnk_sync.postings`;
    const left = { state: 'parked', reason: 'unknown_currency', dismissed_by: 'ada', prepared: null };
    expect([...rows]).toEqual([left, left]);
  });

  it('walks through more unprepared rows than one statement takes', async () => {
    await database.sql`
      insert into stripe_blnk_sync.postings (reference, object_id, kind, effective_at, state, reason, payment, first_run)
      select 'pi_' || n, 'pi_' || n, 'payment', now(), 'parked', 'unreadable_payment', n::text, ${run(1)}
      from generate_series(1, 450) n`;
    const prepare = (): Preparation => ({ kind: 'rejected', reason: 'unreadable_payment', detail: 'still' });
    const outcome = await createParkedStore(database.db, prepare).retry({ reason: 'unreadable_payment' });
    expect(outcome.retried).toBe(0);
    expect(new Set(outcome.stillParked.map(({ reference }) => reference)).size).toBe(450);
  });

  it('dismisses only what is parked, once, and keeps who and why', async () => {
    const { db, sql } = database;
    const parked = { firstRun: run(1), state: 'parked', reason: 'conflict' } as const;
    const dueAt = at('2026-11-01T00:00:00Z');
    await insertPosting(db, { ...parked, reference: 'pi_1', dueAt });
    await insertPosting(db, { ...parked, reference: 'pi_2', dueAt, attempts: 1 });
    await insertPosting(db, { firstRun: run(1), reference: 'pi_3' });
    const store = createParkedStore(db, neverAsked);
    const dismissal = { by: 'ada', why: 'a test payment' };
    expect(await store.dismiss({ ...dismissal, reference: 'pi_1' })).toBe('dismissed');
    expect(await store.dismiss({ by: 'bob', why: 'again', reference: 'pi_1' })).toBe('already_dismissed');
    expect(await store.dismiss({ ...dismissal, reference: 'pi_2' })).toBe('dismissed');
    expect(await store.dismiss({ ...dismissal, reference: 'pi_3' })).toBe('not_parked');
    expect(await store.dismiss({ ...dismissal, reference: 'pi_4' })).toBe('unknown');
    const rows = await sql`
      select state, dismissed_by, dismissed_why, dismissed_looks as looks
      from stripe_blnk_sync.postings order by reference`;
    const out = { state: 'parked', dismissed_by: 'ada', dismissed_why: 'a test payment' };
    expect(rows[0]).toEqual({ ...out, looks: 0 });
    expect(rows[1]).toEqual({ ...out, looks: 0 });
    expect(rows[2]).toMatchObject({ state: 'pending', dismissed_by: null });
  });
});

function neverAsked(text: string): Preparation {
  throw new Error(`${text} is prepared already and must not be mapped again`);
}
