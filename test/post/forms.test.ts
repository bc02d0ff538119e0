/**
 * Somebody else's code booked the payment first, in a form under which Blnk does not refuse our posting: a split leaves no
 * row under its own reference. Nothing is posted beside it.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { type LedgerStage, ledgerStages, makePayments, RULES, until } from '../support/stages/ledger.js';

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

async function postAs(payment: Payment, changes: Record<string, unknown>): Promise<void> {
  const preparation = preparePayment(payment, RULES);
  if (preparation.kind !== 'prepared') throw new Error('the payment cannot be posted');
  const body = { ...JSON.parse(preparation.transaction.body), meta_data: {}, ...changes };
  const { status } = await fetch(`${stage.sandbox.url}/transactions`, {
    method: 'POST',
    headers: { 'x-blnk-key': stage.sandbox.coreKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(status).toBe(201);
}

/** The rows that a Core stores of a split, whichever of the two parts it happens to number first. */
async function splitBySomebody(payment: Payment, mark: '-' | '_', skipQueue = true): Promise<void> {
  const fee = 59n;
  const legs = [
    { number: 2, precise_amount: Number(payment.amountReceived - fee) },
    { number: 1, precise_amount: Number(fee), destination: '@fees' },
  ];
  for (const { number, ...changes } of legs) {
    const reference = `${payment.id}${mark}${number}`;
    await postAs(payment, { ...changes, reference, skip_queue: skipQueue });
    if (!skipQueue) await until(() => stage.sandbox.byReference(`${reference}_q`)?.status === 'APPLIED');
  }
}

describe.each([2, 150])('payments that somebody booked in parts, among %i', (count) => {
  it('are not posted beside the parts, but parked as a conflict that names them and their sum', async () => {
    const payments = makePayments(count);
    const [first, second] = payments as [Payment, Payment];
    await splitBySomebody(first, '-');
    await splitBySomebody(second, '_', false);
    const rowsBefore = stage.sandbox.stats().rows;
    await stage.store(payments);
    await stage.drainAll(await stage.drainer());

    expect(await stage.states()).toEqual(count > 2 ? { parked: 2, posted: count - 2 } : { parked: 2 });
    expect(stage.sandbox.stats().rows).toBe(rowsBefore + count - 2);
    for (const { id } of [first, second]) {
      expect(stage.sandbox.byReference(id)).toBeUndefined();
      const parked = await stage.posting(id);
      expect(parked).toMatchObject({ state: 'parked', reason: 'conflict' });
      expect(parked.reason_detail).toMatch(/booked it in parts/);
      expect(parked.reason_detail).toMatch(/0\.59 USD from bln_\S+ to bln_\S+/);
      expect(parked.reason_detail).toMatch(/together 10\.\d\d USD/);
    }
    expect((await stage.posting(first.id)).reason_detail).toContain(`${first.id}-1 (`);
    expect((await stage.posting(second.id)).reason_detail).toContain(`${second.id}_2_q (`);
  });
});

it('parts of which none moved money leave the payment to be posted', async () => {
  const [payment] = makePayments(1) as [Payment];
  await splitBySomebody(payment, '_', false);
  for (const leg of [`${payment.id}_1_q`, `${payment.id}_2_q`])
    stage.sandbox.alterTransaction(leg, { status: 'REJECTED' });
  await stage.store([payment]);
  await stage.drainAll(await stage.drainer());
  expect(await stage.posting(payment.id)).toMatchObject({ state: 'posted', settled_how: 'posted' });
});

it('a payment whose id ends like a part of another one is its own', async () => {
  const payments = makePayments(2).map((payment, index) => ({ ...payment, id: index === 0 ? 'pi_0001' : 'pi_0001_1' }));
  await stage.store(payments);
  await stage.drainAll(await stage.drainer());
  expect(await stage.states()).toEqual({ posted: 2 });
  expect(stage.sandbox.stats().rows).toBe(2);
});

it('looks again before a first posting that came from doubt', async () => {
  const [payment] = makePayments(1) as [Payment];
  await stage.store([payment]);
  // Its first attempt never reached Blnk, and meanwhile somebody books it in parts.
  stage.sandbox.faults.add({ effect: 'status', status: 503, route: 'POST /transactions' });
  const drainer = await stage.drainer();
  await stage.drainUntil(drainer, async () => (await stage.posting(payment.id)).attempts > 0);
  if ((await stage.posting(payment.id)).state !== 'pending') throw new Error('the first attempt was to fail');
  stage.sandbox.faults.clear();
  await splitBySomebody(payment, '-');
  await stage.makeAllDue();
  await stage.drainAll(drainer);
  expect(await stage.posting(payment.id)).toMatchObject({ state: 'parked', reason: 'conflict' });
  expect(stage.sandbox.byReference(payment.id)).toBeUndefined();
});
