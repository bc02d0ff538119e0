/**
 * Replacements and corrections are posted like payments: claimed, looked up, adopted, tried again, and in the same lane, also
 * when they take back and so come from the customer's balance.
 */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/blnk/faults.js';
import { prepareVariant, type Variant } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';
import { storeOwed } from '../../src/db/postings/store-owed.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, RULES } from '../support/stages/ledger.js';
import { Killed, killAt, STEPS } from '../support/stages/ledger-kills.js';

const startStage = ledgerStages();
let stage: LedgerStage;

function prepare(payment: Payment, variant: Variant): PreparedTransaction {
  const preparation = prepareVariant(payment, RULES, variant);
  if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
  return preparation.transaction;
}

/** For each payment a replacement, a correction that adds and one that takes back, of the amounts 1,000, 7 and 9. */
async function owe(payments: readonly Payment[], runId: string): Promise<PreparedTransaction[]> {
  const owed: PreparedTransaction[] = [];
  for (const payment of payments) {
    const opened = { paymentId: payment.id, runId, by: 'tester', known: new Set<string>() };
    const replacement = prepare(payment, { reference: `${payment.id}:r1` });
    const adds = prepare(payment, { reference: `${payment.id}:adj:1`, correctedBy: 7n });
    const takesBack = prepare(payment, { reference: `${payment.id}:adj:2`, correctedBy: -9n });
    for (const transaction of [replacement, adds, takesBack]) await storeOwed(stage.db, transaction, opened);
    owed.push(replacement, adds, takesBack);
  }
  return owed;
}

function expectInLedger(owed: readonly PreparedTransaction[]): void {
  const rows = [...stage.sandbox.transactions()];
  const line = (row: { reference: string; source: string; destination: string }, amount: bigint) =>
    `${row.reference} ${amount} ${row.source} > ${row.destination}`;
  expect(rows.map((row) => line(row, row.precise_amount)).sort()).toEqual(
    owed.map((one) => line(one, one.amount)).sort(),
  );
  expect(rows.every(({ status }) => status === 'APPLIED')).toBe(true);
}

describe('replacements and corrections', () => {
  const faults: ReadonlyArray<readonly [string, Fault]> = [
    ['an answer is lost', { effect: 'answer_lost', route: 'posts', times: 4 }],
    ['a connection breaks', { effect: 'reset', route: 'posts', times: 4 }],
    ['a proxy repeats the request', { effect: 'repeated', route: 'posts', times: 3 }],
    ['Blnk is away', { effect: 'status', status: 503, route: 'posts', times: 5 }],
    ['readers lag', { effect: 'stale_reads', route: 'lookups', times: 6 }],
  ];

  it.each(faults)('are in the ledger once each although %s', async (_, fault) => {
    stage = await startStage({ style: 'core' });
    const payments = makePayments(8);
    const owed = await owe(payments, await stage.store([]));
    stage.sandbox.faults.add(fault);
    await stage.drainAll(await stage.drainer());
    expectInLedger(owed);
    const settled = await stage.postings();
    expect(settled.every(({ state, settled_how }) => state === 'posted' && settled_how === 'posted')).toBe(true);
    // Corrections count nothing beside what they correct.
    const [totals] = await stage.sql`select totals_minor, ledger_totals_minor from stripe_blnk_sync.sync_history`;
    const sum = String(payments.reduce((total, { amountReceived }) => total + amountReceived, 0n));
    expect(totals).toEqual({ totals_minor: { USD: sum }, ledger_totals_minor: { USD: sum } });
  });

  it.each(STEPS.filter((step) => !/postBulk|park/.test(step)))(
    'are in the ledger once each though the worker is killed %s',
    async (step) => {
      stage = await startStage();
      const owed = await owe(makePayments(3), await stage.store([]));
      stage.sandbox.faults.add({ effect: 'answer_lost', route: 'posts', nth: 2 });
      const dying = await stage.drainer(killAt(step));
      for (const lane of await stage.pendingLanes()) {
        await dying.drain(lane, NEVER).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
      }
      await stage.makeAllDue();
      await stage.drainAll(await stage.drainer());
      expectInLedger(owed);
    },
  );

  it('are adopted when somebody posted them, and parked when the content is another', async () => {
    stage = await startStage();
    const owed = await owe(makePayments(1), await stage.store([]));
    const [, adds, takesBack] = owed;
    for (const body of [adds?.body, takesBack?.body.replace('"precise_amount":9', '"precise_amount":8')]) {
      const headers = { 'x-blnk-key': stage.sandbox.coreKey, 'content-type': 'application/json' };
      const { status } = await fetch(`${stage.sandbox.url}/transactions`, {
        method: 'POST',
        headers,
        body: body ?? '',
      });
      expect(status).toBe(201);
    }
    await stage.drainAll(await stage.drainer({ finalAfterMs: 0 }));
    expect(await stage.posting('pi_0001:r1')).toMatchObject({ state: 'posted' });
    expect(await stage.posting('pi_0001:adj:1')).toMatchObject({ state: 'posted' });
    expect(await stage.posting('pi_0001:adj:2')).toMatchObject({ state: 'parked', reason: 'conflict' });
    expect(stage.sandbox.stats().rows).toBe(3);
  });
});

describe('a correction that takes back', () => {
  it('is posted in the lane of the payments, whoever the customer is', async () => {
    stage = await startStage({ style: 'core' });
    const payments = makePayments(3);
    await stage.store(payments);
    const drainer = await stage.drainer();
    await stage.drainAll(drainer);
    const owed = await owe(payments, await stage.store([]));
    expect(await stage.pendingLanes()).toEqual([{ source: '@stripe', currency: 'USD' }]);
    await stage.drainAll(drainer);
    expect(stage.sandbox.stats().rows).toBe(payments.length + owed.length);
    const [mirror] = await stage.sql`select source_balances from stripe_blnk_sync.mirror`;
    expect(mirror?.source_balances).toEqual({ USD: stage.sandbox.balance('@stripe', 'USD')?.balance_id });
  });

  it('is not posted to another ledger', async () => {
    stage = await startStage({ style: 'core' });
    await stage.store(makePayments(1, { name: 'first' }));
    await stage.drainAll(await stage.drainer());
    await stage.sql`update stripe_blnk_sync.mirror set source_balances = '{"USD": "bln_of_the_first_ledger"}'`;
    await owe(makePayments(1, { customerId: 'cus_back' }), await stage.store([]));
    const lane = { source: '@stripe', currency: 'USD' };
    expect(await stage.pendingLanes()).toContainEqual(lane);
    await expect((await stage.drainer()).drain(lane, NEVER)).rejects.toMatchObject({ code: 'other_ledger' });
    expect(stage.sandbox.stats().rows).toBe(1);
  });
});
