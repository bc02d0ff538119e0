/**
 * Workers from before postings had a lane, an object and a role (generation 1) go on beside new ones: here are the statements
 * that such a worker sends, against tables of today. Nothing pending stays without a lane, whoever stored it, and either
 * worker finds what the other one stored.
 */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { prepareVariant } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { laneName, type PreparedTransaction } from '../../src/core/posting/posting.js';
import { lanesDue } from '../../src/db/postings/due.js';
import { type LedgerStage, ledgerStages, makePayments, RULES } from '../support/stages/ledger.js';
import { claimAsBefore, storeAsBefore } from '../support/upgrade/generation-1.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();

function prepare(payment: Payment, correctedBy?: bigint): PreparedTransaction {
  const variant = correctedBy === undefined ? {} : { correctedBy };
  const reference = correctedBy === undefined ? payment.id : `${payment.id}:adj:1`;
  const preparation = prepareVariant(payment, RULES, { reference, ...variant });
  if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
  return preparation.transaction;
}

function identities({ sql }: LedgerStage) {
  return sql`select reference, kind, object, role, lane from stripe_blnk_sync.postings order by reference`;
}

it('what an older worker stores has a lane, an object and a role, and a new worker posts it', async () => {
  const stage = await startStage();
  const [payment, other] = makePayments(2);
  if (payment === undefined || other === undefined) throw new Error('there are no payments');
  await storeAsBefore(stage.sql, prepare(payment), payment.id);
  // From the customer's balance to the mirror's own.
  await storeAsBefore(stage.sql, prepare(payment, -9n), payment.id);
  await stage.store([other]);
  const lane = laneName(LANE);
  expect([...(await identities(stage))]).toEqual([
    { reference: payment.id, kind: 'payment', object: 'payment', role: 'original', lane },
    { reference: `${payment.id}:adj:1`, kind: 'correction', object: 'payment', role: 'correction', lane },
    { reference: other.id, kind: 'payment', object: 'payment', role: 'original', lane },
  ]);
  expect(await lanesDue(stage.sql)).toEqual([LANE]);
  await stage.drainAll(await stage.drainer());
  expect(await stage.states()).toEqual({ posted: 3 });
  expect(stage.sandbox.stats().rows).toBe(3);
});

it('what an older worker could not read before and can now gets a lane', async () => {
  const stage = await startStage();
  const [payment] = makePayments(1);
  if (payment === undefined) throw new Error('there is no payment');
  const { source, destination, currency, amount, precision, body } = prepare(payment);
  const { sql } = stage;
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, effective_at, state, reason, reason_detail, payment, first_run)
    values (${payment.id}, ${payment.id}, 'payment', now(), 'parked', 'unreadable_payment', 'no amount', '{}', ${randomUUID()})`;
  expect([...(await identities(stage))]).toEqual([
    { reference: payment.id, kind: 'payment', object: 'payment', role: 'original', lane: null },
  ]);
  await sql`
    update stripe_blnk_sync.postings set state = 'pending', reason = null, reason_detail = null, payment = null, source = ${source},
      destination = ${destination}, currency = ${currency}, amount = ${String(amount)}, precision = ${precision},
      effective_at = ${payment.created.toISOString()}, prepared = ${body}`;
  expect(await identities(stage)).toMatchObject([{ lane: laneName(LANE) }]);
  await stage.drainAll(await stage.drainer());
  expect(await stage.states()).toEqual({ posted: 1 });
});

it('an older worker finds what a new one stored, and what it claims a new one leaves alone', async () => {
  const stage = await startStage();
  const payments = makePayments(3);
  await stage.store(payments);
  const { references } = await claimAsBefore(stage.sql, LANE);
  expect(references.sort()).toEqual(payments.map(({ id }) => id));
  const drainer = await stage.drainer();
  expect(await drainer.drain(LANE, new AbortController().signal)).toBeGreaterThan(0);
  expect(stage.sandbox.stats().rows).toBe(0);
  // Its claim runs out, as when it is killed: what it began is looked up, and posted once.
  await stage.drainAll(drainer);
  expect(stage.sandbox.stats().rows).toBe(3);
});

it('rows from before the columns are posted in the lane of their source', async () => {
  const stage = await startStage();
  const [payment] = makePayments(1);
  if (payment === undefined) throw new Error('there is no payment');
  await stage.store([payment]);
  await storeAsBefore(stage.sql, prepare(payment, -9n), payment.id);
  // The trigger looks at what names the transaction only, so this leaves rows as they were before the migration.
  await stage.sql`update stripe_blnk_sync.postings set object = null, role = null, lane = null`;
  expect(await identities(stage)).toMatchObject([{ lane: null }, { lane: null }]);
  const lanes = (await lanesDue(stage.sql)).map(laneName).sort();
  expect(lanes).toEqual([laneName(LANE), `USD:${prepare(payment).destination}`].sort());
  await stage.drainAll(await stage.drainer());
  expect(await stage.states()).toEqual({ posted: 2 });
  const [shown] = await stage.sql`
    select object, role from stripe_blnk_sync.payment_status where reference = ${`${payment.id}:adj:1`}`;
  expect(shown).toEqual({ object: 'payment', role: 'correction' });
});
