/** Posting when nothing goes wrong: what stands in the ledger and in the outbox, and how many requests it took. */
import { describe, expect, it } from 'vitest';
import { postings as postingsTable } from '../../src/db/schema/postings.js';
import { homes } from '../support/homes.js';
import { type LedgerStage, ledgerStages, MIRROR_ID, makePayments } from '../support/stages/ledger.js';

const databases = homes().filter(({ name }) => name !== 'postgres+redis');

describe.each(databases)('posting without faults, database $name', (home) => {
  const startStage = ledgerStages(home);
  let stage: LedgerStage;

  it('puts every payment of several currencies into the ledger once, with amount, day and metadata', async () => {
    stage = await startStage();
    const payments = [
      ...makePayments(150, { name: 'usd' }),
      ...makePayments(60, { name: 'jpy', currency: 'jpy' }),
      ...makePayments(40, { name: 'kwd', currency: 'kwd' }),
    ];
    await stage.store(payments);
    // What a machine that stands still does not outlive: each is attempted once.
    await stage.drainAll(await stage.drainer({ leaseMs: 60_000 }));

    const rows = new Map([...stage.sandbox.transactions()].map((row) => [row.reference, row]));
    expect(stage.sandbox.stats().rows).toBe(250);
    for (const payment of payments) {
      const destination = payment.customerId === null ? '@stripe_guests' : `@${payment.customerId}`;
      expect(rows.get(payment.id)).toMatchObject({
        status: 'APPLIED',
        precise_amount: payment.amountReceived,
        precision: { usd: 100, jpy: 1, kwd: 1000 }[payment.currency],
        currency: payment.currency.toUpperCase(),
        source: '@stripe',
        destination,
        effective_date: payment.created,
        meta_data: {
          stripe_payment_intent_id: payment.id,
          stripe_charge_id: payment.chargeId,
          stripe_livemode: 'false',
          stripe_day: '2026-11-01',
          stripe_mirror: MIRROR_ID,
          stripe_metadata: Object.fromEntries(payment.metadata),
        },
      });
    }
    const postings = await stage.postings();
    expect(new Set(postings.map(({ state }) => state))).toEqual(new Set(['posted']));
    for (const posting of postings) {
      expect(posting).toMatchObject({
        transaction_id: rows.get(posting.reference)?.transaction_id,
        settled_how: 'posted',
        exception: null,
        prepared: null,
        attempts: 1,
        in_doubt: false,
        claim: null,
      });
    }
    const first = await stage.db.select({ at: postingsTable.postedAt }).from(postingsTable).limit(1);
    expect(first[0]?.at).toBeInstanceOf(Date);
  });
});

describe('requests that posting takes', () => {
  const startStage = ledgerStages();
  let stage: LedgerStage;

  const requests = () => ({
    single: stage.sandbox.requestCount('POST /transactions'),
    bulk: stage.sandbox.requestCount('POST /transactions/bulk'),
    lookUps: stage.sandbox.requestCount('POST /transactions/filter'),
  });

  it.each([1, 3])('posts %i one by one, after one look for whatever somebody else may have booked', async (count) => {
    stage = await startStage();
    await stage.store(makePayments(count));
    // One chunk at a time, for the reason below; and whoever stands still for half a lease looks again.
    await stage.drainAll(await stage.drainer({ chunksInFlight: 1, leaseMs: 60_000 }));
    expect(requests()).toEqual({ single: count, bulk: 0, lookUps: 1 });
  });

  it('posts many in bulks of 100, each after one look-up and confirmed by one', async () => {
    stage = await startStage();
    await stage.store(makePayments(450));
    // One at a time: two that claim in the same moment share out the rows as they happen to lock them.
    await stage.drainAll(await stage.drainer({ chunksInFlight: 1 }));
    expect(requests()).toEqual({ single: 0, bulk: 5, lookUps: 10 });
    expect(await stage.states()).toEqual({ posted: 450 });
  });

  it('posts to a self-hosted Core as well', async () => {
    stage = await startStage({ style: 'core' });
    await stage.store([...makePayments(120), ...makePayments(2, { name: 'eur', currency: 'eur' })]);
    await stage.drainAll(await stage.drainer());
    expect(stage.sandbox.stats().rows).toBe(122);
    expect(await stage.states()).toEqual({ posted: 122 });
    expect(Object.keys(stage.sandbox.stats().requests).every((route) => route.startsWith('core '))).toBe(true);
  });

  it('reads exact amounts where the Cloud shows only decimals', async () => {
    stage = await startStage({ cloudOmitsPreciseAmount: true });
    await stage.store([
      ...makePayments(20, { amountReceived: 1_099n }),
      ...makePayments(5, { name: 'kwd', currency: 'kwd' }),
    ]);
    await stage.drainAll(await stage.drainer());
    expect(await stage.states()).toEqual({ posted: 25 });
  });

  it('marks when the mirror posted first, and posts nothing when nothing is due', async () => {
    stage = await startStage();
    const drainer = await stage.drainer();
    const lane = { source: '@stripe', currency: 'USD' };
    expect(await drainer.drain(lane, new AbortController().signal)).toBeNull();
    await stage.store(makePayments(1));
    await stage.sql`update stripe_blnk_sync.postings set due_at = now() + interval '1 hour'`;
    const nextMs = await drainer.drain(lane, new AbortController().signal);
    expect(nextMs).toBeGreaterThan(3_590_000);
    expect(stage.sandbox.stats().rows).toBe(0);
    await stage.makeAllDue();
    await stage.drainAll(drainer);
    const [row] = await stage.sql`select first_post_at is not null as marked from stripe_blnk_sync.mirror`;
    expect(row?.marked).toBe(true);
  });
});
