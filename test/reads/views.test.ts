/** The views that people read with SQL, on a real PostgreSQL, with literal expectations. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CollectingState, runStatus } from '../../src/core/coverage/sync-run.js';
import { PARKING_REASONS, type ParkingReason } from '../../src/core/posting/posting.js';
import { type PlanNode, readings } from '../support/plans.js';
import { at, createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';

let database: ReadsDatabase;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(() => database.empty());
afterAll(() => database.drop());

const PARENT = '0193a000-0000-7000-8000-000000000001';
const PART_ONE = '0193a000-0000-7000-8000-000000000002';
const PART_TWO = '0193a000-0000-7000-8000-000000000003';

describe('sync_history', () => {
  it('counts the batch of a run by how each posting stands, and sums per currency', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db, { found: 9, knownBefore: 2, stored: 7, stripeRequests: 3, beforeStart: 4 });
    const posted = { firstRun, state: 'posted', settledHow: 'posted', prepared: null } as const;
    await insertPosting(db, { ...posted, reference: 'pi_1', amount: 12_345n });
    await insertPosting(db, { ...posted, reference: 'pi_2', amount: 55n, settledHow: 'already_there' });
    await insertPosting(db, { ...posted, reference: 'pi_3', amount: 700n, currency: 'JPY', precision: 1 });
    await insertPosting(db, { firstRun, reference: 'pi_4', amount: 9_007_199_254_740_993n, currency: 'IDR' });
    await insertPosting(db, { firstRun, reference: 'pi_5', state: 'parked', reason: 'conflict', amount: 5n });
    const dismissedAt = at('2026-11-02T00:00:00Z');
    await insertPosting(db, { firstRun, reference: 'pi_6', state: 'parked', reason: 'conflict', dismissedAt });
    const unreadable = { currency: null, amount: null, precision: null, reason: 'unreadable_payment' } as const;
    await insertPosting(db, { firstRun, reference: 'pi_7', state: 'parked', ...unreadable });
    await insertPosting(db, { firstRun: await insertRun(db), reference: 'pi_8' });
    const [row] = await sql`select * from stripe_blnk_sync.sync_history where id = ${firstRun}`;
    expect(row).toMatchObject({
      parent_id: null,
      parts: 0,
      feed: 'events',
      trigger: 'schedule',
      status: 'posting',
      found: 9,
      known_before: 2,
      stored: 7,
      posted: 2,
      already_there: 1,
      parked: 3,
      dismissed: 1,
      pending: 1,
      before_start: 4,
      stripe_requests: 3,
      totals: { IDR: '9007199254740993', JPY: '700', USD: '13405' },
      ledger_totals_minor: { JPY: '700', USD: '12400' },
      duration: '00:00:02.5',
    });
  });

  it('shows an empty run with zeros', async () => {
    const id = await insertRun(database.db, { state: 'collecting', finishedAt: null });
    const [row] = await database.sql`select * from stripe_blnk_sync.sync_history where id = ${id}`;
    expect(row).toMatchObject({ status: 'collecting', posted: 0, pending: 0, totals: {}, ledger_totals_minor: {} });
    expect(row?.duration).toBeNull();
  });

  it('sums the counts of a backfill over its parts', async () => {
    const { db, sql } = database;
    await insertRun(db, { id: PARENT, feed: 'payment_intents', stripeRequests: 1 });
    const part = { parentId: PARENT, feed: 'payment_intents' } as const;
    await insertRun(db, { ...part, id: PART_ONE, found: 2, stored: 2, stripeRequests: 4, beforeStart: 1 });
    await insertRun(db, { ...part, id: PART_TWO, state: 'failed', found: 3, knownBefore: 2, stored: 1 });
    await insertPosting(db, { firstRun: PART_ONE, reference: 'pi_1', state: 'posted', settledHow: 'posted' });
    await insertPosting(db, { firstRun: PART_ONE, reference: 'pi_2', state: 'posted', settledHow: 'posted' });
    await insertPosting(db, { firstRun: PART_TWO, reference: 'pi_3', state: 'parked', reason: 'conflict' });
    const rows = await sql`select * from stripe_blnk_sync.sync_history order by id`;
    expect(rows[0]).toMatchObject({
      parts: 2,
      status: 'attention',
      found: 5,
      known_before: 2,
      stored: 3,
      posted: 2,
      parked: 1,
      stripe_requests: 5,
      before_start: 1,
      totals: { USD: '3000' },
      ledger_totals_minor: { USD: '2000' },
    });
    expect(rows[1]).toMatchObject({ parts: 0, status: 'succeeded', posted: 2, parked: 0 });
    expect(rows[2]).toMatchObject({ parts: 0, status: 'failed', posted: 0, parked: 1 });
  });

  it('derives the status exactly as the core rule does', async () => {
    const { db, sql } = database;
    const expected = new Map<string, string>();
    const states: ReadonlyArray<[CollectingState, string | null]> = [
      ...(['collecting', 'collected'] as const).map((state) => [state, null] as [CollectingState, null]),
      ['failed', 'worker_lost'],
      ['failed', 'stopped'],
    ];
    for (const [state, errorCode] of states) {
      for (let combination = 0; combination < 16; combination += 1) {
        const counts = {
          posted: combination & 1,
          pending: (combination >> 1) & 1,
          waiting: (combination >> 2) & 1,
          dismissed: (combination >> 3) & 1,
        };
        const firstRun = await insertRun(db, { state, errorCode });
        const reference = (kind: string) => `pi_${state}_${errorCode}_${combination}_${kind}`;
        if (counts.posted > 0) await insertPosting(db, { firstRun, reference: reference('a'), state: 'posted' });
        if (counts.pending > 0) await insertPosting(db, { firstRun, reference: reference('b') });
        if (counts.waiting > 0) await insertPosting(db, { firstRun, reference: reference('c'), state: 'parked' });
        const dismissed = { firstRun, reference: reference('d'), state: 'parked', dismissedAt: new Date() } as const;
        if (counts.dismissed > 0) await insertPosting(db, dismissed);
        const { pending, waiting, dismissed: out } = counts;
        expected.set(firstRun, runStatus({ state, errorCode }, { pending, parked: waiting + out, dismissed: out }));
      }
    }
    const rows = await sql<{ id: string; status: string }[]>`select id, status from stripe_blnk_sync.sync_history`;
    expect(new Map(rows.map(({ id, status }) => [id, status]))).toEqual(expected);
    const all = ['collecting', 'stopped', 'failed', 'posting', 'attention', 'succeeded'];
    expect(new Set(expected.values())).toEqual(new Set(all));
  });

  it('agrees with the core rule however many postings of each kind a run has', async () => {
    const { sql } = database;
    await sql`insert into stripe_blnk_sync.sync_runs (id, feed, trigger, window_from, state, version)
      select gen_random_uuid(), 'events', 'schedule', now(), (array['collecting', 'collected', 'failed'])[1 + n % 3], '0'
      from generate_series(1, 150) n`;
    await sql`insert into stripe_blnk_sync.postings (reference, object_id, kind, currency, amount, effective_at, state, dismissed_at, first_run)
      select 'pi_' || n, 'pi_' || n, 'payment', 'USD', n, now(), (array['posted', 'pending', 'parked'])[1 + (random() * 2.4)::int % 3],
        case when random() < 0.6 then now() end, run.id
      from (select id, row_number() over () as position from stripe_blnk_sync.sync_runs) run
      join generate_series(1, 300) n on n % 150 = run.position - 1 and random() < 0.7`;
    const rows = await sql`
      select run.state, history.status, count(*) filter (where p.state = 'pending')::int as pending,
        count(*) filter (where p.state = 'parked')::int as parked,
        count(*) filter (where p.state = 'parked' and p.dismissed_at is not null)::int as dismissed
      from stripe_blnk_sync.sync_runs run join stripe_blnk_sync.sync_history history using (id) left join stripe_blnk_sync.postings p on p.first_run = run.id
      group by 1, 2, run.id`;
    expect(rows).toHaveLength(150);
    for (const { state, status, pending, parked, dismissed } of rows) {
      expect(status).toBe(runStatus({ state, errorCode: null }, { pending, parked, dismissed }));
    }
  });
});

describe('the plan of sync_history', () => {
  it('reads only the postings of the runs that are shown, not all of them for each', async () => {
    const { sql } = database;
    const [RUNS, SHOWN, EACH] = [1_000, 20, 20];
    await sql`insert into stripe_blnk_sync.sync_runs (id, parent_id, feed, trigger, window_from, state, version)
      select ('0193a000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
        case when n % 4 = 0 then ('0193a000-0000-7000-8000-' || lpad((n - 1)::text, 12, '0'))::uuid end,
        'events', 'schedule', now(), 'collected', '0'
      from generate_series(1, ${RUNS}) n`;
    await sql`insert into stripe_blnk_sync.postings (reference, object_id, kind, currency, amount, effective_at, state, first_run)
      select 'pi_' || n, 'pi_' || n, case when n % 100 = 0 then 'correction' else 'payment' end, 'USD', n, now(), 'posted',
        ('0193a000-0000-7000-8000-' || lpad((1 + n % ${RUNS}::int)::text, 12, '0'))::uuid
      from generate_series(1, ${RUNS * EACH}) n`;
    await sql`analyze stripe_blnk_sync.postings, stripe_blnk_sync.sync_runs`;
    const [row] = await sql<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>`
      explain (analyze, format json) select * from stripe_blnk_sync.sync_history
      where id in (select id from stripe_blnk_sync.sync_runs order by id limit ${SHOWN})`;
    const scans =
      row === undefined ? [] : readings(row['QUERY PLAN'][0].Plan).filter(({ relation }) => relation === 'postings');
    expect(scans.length).toBeGreaterThan(1);
    // Each run's, and those of its part.
    expect(scans.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(SHOWN * EACH * 2);
    expect(scans.filter(({ node }) => node === 'Seq Scan')).toEqual([]);
  });
});

describe('payment_status', () => {
  it('shows a payment with its amount in major units, by the precision that was sent', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db);
    await insertPosting(db, { firstRun, reference: 'pi_usd', amount: 12_345n });
    await insertPosting(db, { firstRun, reference: 'pi_jpy', amount: 12_345n, currency: 'JPY', precision: 1 });
    await insertPosting(db, { firstRun, reference: 'pi_kwd', amount: 12_340n, currency: 'KWD', precision: 1000 });
    const none = { amount: 12_345n, currency: 'XXX', precision: null, reason: 'unknown_currency' } as const;
    await insertPosting(db, { firstRun, reference: 'pi_xxx', state: 'parked', ...none });
    const rows =
      await sql`select reference, amount_minor, amount from stripe_blnk_sync.payment_status order by reference`;
    expect([...rows]).toEqual([
      { reference: 'pi_jpy', amount_minor: '12345', amount: '12345' },
      { reference: 'pi_kwd', amount_minor: '12340', amount: '12.340' },
      { reference: 'pi_usd', amount_minor: '12345', amount: '123.45' },
      { reference: 'pi_xxx', amount_minor: '12345', amount: null },
    ]);
  });

  it('states what a person has to do for every reason, and nothing for what is dismissed', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db);
    for (const reason of Object.keys(PARKING_REASONS) as ParkingReason[]) {
      await insertPosting(db, { firstRun, reference: `pi_${reason}`, state: 'parked', reason });
    }
    const dismissal = { dismissedAt: new Date(), dismissedBy: 'ada', dismissedWhy: 'a test payment' };
    await insertPosting(db, { firstRun, reference: 'pi_out', state: 'parked', reason: 'conflict', ...dismissal });
    const rows =
      await sql`select reference, state, what_to_do from stripe_blnk_sync.payment_status where reference <> 'pi_out'`;
    expect(rows).toHaveLength(Object.keys(PARKING_REASONS).length);
    for (const row of rows) {
      expect(row.state).toBe('parked');
      expect(row.what_to_do).toMatch(/^[A-Z].*\.$/);
    }
    const [out] = await sql`select * from stripe_blnk_sync.payment_status where reference = 'pi_out'`;
    expect(out).toMatchObject({ state: 'dismissed', what_to_do: null, dismissed_by: 'ada', run: firstRun });
  });

  it('calls a doubt unresolved after 15 minutes, and only while it is pending', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db);
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await insertPosting(db, { firstRun, reference: 'pi_a' });
    await insertPosting(db, { firstRun, reference: 'pi_b', doubtSince: minutesAgo(14) });
    await insertPosting(db, { firstRun, reference: 'pi_c', doubtSince: minutesAgo(16) });
    await insertPosting(db, { firstRun, reference: 'pi_d', doubtSince: minutesAgo(16), state: 'posted' });
    const rows = await sql`
      select reference, in_doubt_since is not null as doubt, unresolved from stripe_blnk_sync.payment_status order by reference`;
    expect([...rows]).toEqual([
      { reference: 'pi_a', doubt: false, unresolved: false },
      { reference: 'pi_b', doubt: true, unresolved: false },
      { reference: 'pi_c', doubt: true, unresolved: true },
      { reference: 'pi_d', doubt: false, unresolved: false },
    ]);
  });
});

describe('daily_totals', () => {
  it('holds the decimals of each currency as Stripe counts them, and none of a currency that Stripe does not list', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db);
    for (const currency of ['USD', 'JPY', 'KWD', 'ISK', 'XTS']) {
      await insertPosting(db, { firstRun, reference: `pi_${currency}`, currency, state: 'posted', amount: 1_230n });
    }
    const rows = await sql`
      select currency, round(posted_minor / 10.0 ^ currency_decimals, currency_decimals)::text as posted
      from stripe_blnk_sync.daily_totals order by currency`;
    expect([...rows]).toEqual([
      { currency: 'ISK', posted: '12.30' },
      { currency: 'JPY', posted: '1230' },
      { currency: 'KWD', posted: '1.230' },
      { currency: 'USD', posted: '12.30' },
      { currency: 'XTS', posted: null },
    ]);
  });

  it('puts a payment into the UTC day of its creation, whatever time zone the reader has', async () => {
    const { db, sql } = database;
    const firstRun = await insertRun(db);
    const lastSecond = at('2026-11-01T23:59:59Z');
    const nextDay = at('2026-11-02T00:00:00Z');
    await insertPosting(db, { firstRun, reference: 'pi_1', effectiveAt: lastSecond, state: 'posted', amount: 1n });
    await insertPosting(db, { firstRun, reference: 'pi_2', effectiveAt: lastSecond, state: 'posted', amount: 2n });
    await insertPosting(db, { firstRun, reference: 'pi_3', effectiveAt: nextDay, amount: 4n });
    await insertPosting(db, { firstRun, reference: 'pi_4', effectiveAt: nextDay, state: 'parked', amount: 8n });
    const dismissed = { state: 'parked', amount: 16n, dismissedAt: nextDay } as const;
    await insertPosting(db, { firstRun, reference: 'pi_5', effectiveAt: nextDay, ...dismissed });
    const rows = await sql.begin(async (transaction) => {
      await transaction`set local time zone 'Pacific/Auckland'`;
      return transaction`select day::text, currency, posted_count::int, posted_minor, pending_count::int, pending_minor,
        parked_count::int, parked_minor, dismissed_count::int, dismissed_minor from stripe_blnk_sync.daily_totals order by day`;
    });
    const nothing = {
      posted_count: 0,
      posted_minor: '0',
      pending_count: 0,
      pending_minor: '0',
      parked_count: 0,
      parked_minor: '0',
      dismissed_count: 0,
      dismissed_minor: '0',
    };
    expect([...rows]).toEqual([
      { ...nothing, day: '2026-11-01', currency: 'USD', posted_count: 2, posted_minor: '3' },
      {
        ...nothing,
        day: '2026-11-02',
        currency: 'USD',
        pending_count: 1,
        pending_minor: '4',
        parked_count: 2,
        parked_minor: '24',
        dismissed_count: 1,
        dismissed_minor: '16',
      },
    ]);
  });
});
