/** What stands in the ledger under our reference, but not from us: other content, equal content, queued by somebody. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { TransactionChange } from '../../sandbox/blnk/inspection.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { type LedgerStage, ledgerStages, makePayments, RULES, until } from '../support/stages/ledger.js';

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

/** Somebody else's request with our body, changed. */
async function postBySomebody(payment: Payment, changes: Record<string, unknown> = {}): Promise<void> {
  const preparation = preparePayment(payment, RULES);
  if (preparation.kind !== 'prepared') throw new Error('the payment cannot be posted');
  const body = { ...JSON.parse(preparation.transaction.body), ...changes };
  const { status } = await fetch(`${stage.sandbox.url}/transactions`, {
    method: 'POST',
    headers: { 'x-blnk-key': stage.sandbox.coreKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(status).toBe(201);
}

describe('a reference that the ledger holds with other content', () => {
  const differences: ReadonlyArray<readonly [string, TransactionChange, readonly RegExp[]]> = [
    ['amount', { preciseAmount: 999n }, [/amount is 9\.99 USD in the ledger/, /10\.10 USD is expected/]],
    ['currency', { currency: 'EUR' }, [/amount is 10\.10 EUR in the ledger/, /10\.10 USD is expected/]],
    ['destination', { destination: '@cus_other' }, [/destination is bln_/, /is expected/]],
    ['source', { source: '@paypal' }, [/source is bln_/, /is expected/]],
    ['status', { status: 'REJECTED' }, [/status is REJECTED in the ledger/, /APPLIED is expected/]],
  ];

  it.each(differences)('is parked with both values, but only after the late look-up: %s', async (_, change, texts) => {
    const payments = makePayments(20);
    for (const payment of payments) await postBySomebody(payment);
    stage.sandbox.alterTransaction('pi_0002', change);
    await stage.store(payments);
    const drainer = await stage.drainer({ finalAfterMs: 700 });
    await stage.drainUntil(drainer, async () => (await stage.posting('pi_0002')).reason === 'conflict');
    expect((await stage.posting('pi_0002')).state).toBe('pending');

    await stage.drainAll(drainer);
    const parked = await stage.posting('pi_0002');
    expect(parked).toMatchObject({ state: 'parked', reason: 'conflict', in_doubt: false, claim: null });
    for (const text of texts) expect(parked.reason_detail).toMatch(text);
    expect(parked.reason_detail).toContain(stage.sandbox.byReference('pi_0002')?.transaction_id);
    const [age] = await stage.sql<{ ms: number }[]>`
      select extract(epoch from now() - last_attempt_at)::float8 * 1000 as ms from stripe_blnk_sync.postings where reference = 'pi_0002'`;
    expect(age?.ms).toBeGreaterThanOrEqual(700);
    expect(await stage.states()).toEqual({ parked: 1, posted: 19 });
  });

  it('is posted when it is gone before the late look-up', async () => {
    const [payment] = makePayments(1);
    if (payment === undefined) throw new Error('no payment');
    await postBySomebody(payment, { precise_amount: 5 });
    await stage.store([payment]);
    const drainer = await stage.drainer({ finalAfterMs: 500 });
    await stage.drainUntil(drainer, async () => (await stage.posting(payment.id)).reason === 'conflict');
    stage.sandbox.deleteTransaction(payment.id);
    await stage.drainAll(drainer);
    expect(await stage.posting(payment.id)).toMatchObject({ state: 'posted', settled_how: 'posted', reason: null });
    expect(stage.sandbox.byReference(payment.id)?.precise_amount).toBe(1_000n);
  });

  it('goes back with retry, and is posted once the ledger was corrected', async () => {
    const payments = makePayments(2);
    for (const payment of payments) await postBySomebody(payment, { precise_amount: 5 });
    await stage.store(payments);
    const drainer = await stage.drainer({ finalAfterMs: 0 });
    await stage.drainUntil(drainer, async () => (await stage.states()).parked === 2);

    const parked = createParkedStore(stage.db, () => {
      throw new Error('nothing is to be mapped again');
    });
    stage.sandbox.deleteTransaction('pi_0001');
    const { retried, lanes } = await parked.retry({ reason: 'conflict' });
    expect([retried, lanes]).toEqual([2, [{ source: '@stripe', currency: 'USD' }]]);
    await stage.drainAll(drainer);
    expect(await stage.posting('pi_0001')).toMatchObject({ state: 'posted', settled_how: 'posted' });
    expect(await stage.posting('pi_0002')).toMatchObject({ state: 'parked', reason: 'conflict' });
  });
});

describe('a reference that somebody else posted with equal content', () => {
  it.each([
    ['without our metadata', { meta_data: {} }],
    ['by another mirror', { meta_data: { stripe_mirror: '11111111-1111-4111-8111-111111111111' } }],
  ])('is already there: %s', async (_, changes) => {
    const payments = makePayments(30);
    for (const payment of payments.slice(0, 10)) await postBySomebody(payment, changes);
    await stage.store(payments);
    await stage.drainAll(await stage.drainer());
    const settled = (await stage.postings()).map(({ settled_how }) => settled_how);
    expect(settled).toEqual([...Array(10).fill('already_there'), ...Array(20).fill('posted')]);
    expect(stage.sandbox.stats().rows).toBe(30);
  });

  it('is posted with an exception when the effective date differs', async () => {
    const payments = makePayments(3);
    for (const payment of payments) await postBySomebody(payment);
    stage.sandbox.alterTransaction('pi_0001', { effectiveDate: new Date('2026-10-31T23:59:59Z') });
    await stage.store(payments);
    await stage.drainAll(await stage.drainer());
    const { exception, ...posting } = await stage.posting('pi_0001');
    expect(posting).toMatchObject({ state: 'posted', settled_how: 'posted' });
    expect(exception).toBe(
      'effective date is 2026-10-31T23:59:59.000Z in the ledger, 2026-11-01T00:00:00.000Z is expected',
    );
    expect((await stage.posting('pi_0002')).exception).toBeNull();
  });
});

describe('a reference that somebody queued', () => {
  const rowsOf = (reference: string) => [...stage.sandbox.transactions()].filter((row) => row.reference === reference);

  it.each([2, 60])('is adopted when its queued child is applied and equal (%i payments)', async (count) => {
    const payments = makePayments(count);
    for (const payment of payments) await postBySomebody(payment, { skip_queue: false, meta_data: {} });
    await until(() => payments.every(({ id }) => stage.sandbox.byReference(`${id}_q`)?.status === 'APPLIED'));
    await stage.store(payments);
    await stage.drainAll(await stage.drainer());
    for (const posting of await stage.postings()) {
      expect(posting).toMatchObject({
        settled_how: 'already_there',
        transaction_id: stage.sandbox.byReference(`${posting.reference}_q`)?.transaction_id,
      });
    }
    expect(stage.sandbox.stats().rows).toBe(2 * count);
  });

  it('that lost its effective date in a burst is posted with an exception', async () => {
    const payments = makePayments(10);
    await Promise.all(payments.map((payment) => postBySomebody(payment, { skip_queue: false })));
    await until(() => payments.every(({ id }) => stage.sandbox.byReference(`${id}_q`)?.status === 'APPLIED'));
    await stage.store(payments);
    await stage.drainAll(await stage.drainer());
    const exceptions = (await stage.postings()).map(({ exception }) => exception);
    expect(exceptions).toContain('effective date is missing in the ledger');
    expect(await stage.states()).toEqual({ posted: 10 });
  });

  it('and that Blnk rejected is burnt: parked, and never posted again', async () => {
    const payments = makePayments(5);
    const [first] = payments;
    if (first === undefined) throw new Error('no payment');
    await postBySomebody(first, { skip_queue: false, allow_overdraft: false });
    await until(() => stage.sandbox.byReference('pi_0001_q')?.status === 'REJECTED');
    await stage.store(payments);
    const drainer = await stage.drainer({ finalAfterMs: 500 });
    await stage.drainUntil(drainer, async () => (await stage.posting('pi_0001')).reason === 'burnt_reference');
    expect((await stage.posting('pi_0001')).state).toBe('pending');
    await stage.drainAll(drainer);
    const parked = await stage.posting('pi_0001');
    expect(parked).toMatchObject({ state: 'parked', reason: 'burnt_reference' });
    expect(parked.reason_detail).toContain('insufficient funds');
    expect(await stage.states()).toEqual({ parked: 1, posted: 4 });
  });

  it('and that is not decided stays pending, is never posted again, and settles when its child comes', async () => {
    stage.sandbox.setQueuedChildren('held');
    const payments = makePayments(2);
    for (const payment of payments) await postBySomebody(payment, { skip_queue: false, meta_data: {} });
    await until(() => payments.every(({ id }) => stage.sandbox.byReference(id)?.status === 'QUEUED'));
    await stage.store(payments);
    const drainer = await stage.drainer({ finalAfterMs: 0 });
    await stage.drainUntil(drainer, async () => (await stage.postings()).every(({ look_ups }) => look_ups >= 5));
    for (const posting of await stage.postings()) {
      expect(posting).toMatchObject({ state: 'pending', attempts: 1, in_doubt: true, reason: null });
      expect(posting.last_error).toContain('queued');
    }
    // Somebody's own two: ours were never sent.
    expect(stage.sandbox.requestCount('POST /transactions')).toBe(2);

    await stage.sandbox.recoverQueued();
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ posted: 2 });
    expect(rowsOf('pi_0001')).toHaveLength(1);
    expect(rowsOf('pi_0001_q')).toHaveLength(1);
  });
});
