/**
 * References that somebody queued in Blnk: `X` stays `QUEUED` for ever, and what became of it stands in `X_q`. Each end of
 * such a post, and each moment at which ours can meet it, through the Cloud and on a Core.
 */
import { describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import type { LaneDrainer } from '../../src/post/drain-lane.js';
import type { Ledger } from '../../src/post/ports.js';
import { type LedgerStage, ledgerStages, makePayments, RULES, until } from '../support/stages/ledger.js';
import { inTier } from '../support/tier.js';

const startStage = ledgerStages();
let stage: LedgerStage;

/** What Core does with queued rows that have no child: it looks for them every 30 minutes, once they are 2 hours old. */
const TWO_HOURS_MS = 2 * 3_600_000;

async function queueBySomebody(body: object): Promise<void> {
  const { status } = await fetch(`${stage.sandbox.url}/transactions`, {
    method: 'POST',
    headers: { 'x-blnk-key': stage.sandbox.coreKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(status).toBe(201);
}

/** The body of Blnk's documented example for Stripe: minor units as `amount`, no `skip_queue`, no `allow_overdraft`. */
function exampleBody(payment: Payment): object {
  return {
    amount: Number(payment.amountReceived),
    precision: 100,
    currency: 'USD',
    reference: payment.id,
    source: '@stripe',
    destination: `@${payment.customerId ?? 'stripe_guests'}`,
    description: `Stripe payment ${payment.id}`,
    effective_date: payment.created.toISOString(),
    meta_data: { stripe_event: 'payment_intent.succeeded' },
  };
}

/** Equal to ours in all that counts, but queued and without our metadata. */
function equalBody(payment: Payment, changes: object = {}): object {
  const preparation = preparePayment(payment, RULES);
  if (preparation.kind !== 'prepared') throw new Error('the payment cannot be posted');
  return { ...JSON.parse(preparation.transaction.body), skip_queue: false, meta_data: {}, ...changes };
}

const statusOf = (reference: string) => stage.sandbox.byReference(reference)?.status;
const moneyOf = (reference: string) => stage.sandbox.byReference(reference)?.precise_amount;

async function untilLookedAt(drainer: LaneDrainer, looks: number): Promise<void> {
  await stage.drainUntil(drainer, async () =>
    (await stage.postings()).every(({ state, look_ups }) => state !== 'pending' || look_ups >= looks),
  );
}

describe.each(inTier({ quick: ['cloud'] as const, full: ['cloud', 'core'] as const }))(
  'a queued reference, asked as %s',
  (style) => {
    it("rejected, as by Blnk's documented example on an empty source: burnt, parked and explained, never posted", async () => {
      stage = await startStage({ style });
      const payments = makePayments(20);
      for (const payment of payments) await queueBySomebody(exampleBody(payment));
      await until(() => payments.every(({ id }) => statusOf(`${id}_q`) === 'REJECTED'));
      await stage.store(payments);
      await stage.drainAll(await stage.drainer({ finalAfterMs: 200 }));
      for (const posting of await stage.postings()) {
        expect(posting).toMatchObject({ state: 'parked', reason: 'burnt_reference', in_doubt: false });
        expect(posting.reason_detail).toContain('insufficient funds');
        expect(posting.reason_detail).toContain(stage.sandbox.byReference(`${posting.reference}_q`)?.transaction_id);
      }
      expect(stage.sandbox.stats().rows).toBe(40);
    });

    it('applied with other content: a conflict that shows both sides, and nothing is overwritten', async () => {
      stage = await startStage({ style });
      const [amount, destination, equal] = makePayments(3, { customerId: 'cus_mine' }) as [Payment, Payment, Payment];
      await queueBySomebody(equalBody(amount, { precise_amount: 777 }));
      await queueBySomebody(equalBody(destination, { destination: '@cus_other' }));
      await queueBySomebody(equalBody(equal));
      await until(() => [amount, destination, equal].every(({ id }) => statusOf(`${id}_q`) === 'APPLIED'));
      await stage.store([amount, destination, equal]);
      await stage.drainAll(await stage.drainer({ finalAfterMs: 0 }));
      expect(await stage.posting(amount.id)).toMatchObject({
        state: 'parked',
        reason: 'conflict',
        reason_detail: expect.stringContaining('amount is 7.77 USD in the ledger, 10.00 USD is expected'),
      });
      expect(await stage.posting(destination.id)).toMatchObject({
        state: 'parked',
        reason: 'conflict',
        reason_detail: expect.stringMatching(/destination is bln_\S+ in the ledger, @cus_mine/),
      });
      expect(await stage.posting(equal.id)).toMatchObject({ state: 'posted', settled_how: 'already_there' });
      expect(moneyOf(`${amount.id}_q`)).toBe(777n);
      expect(stage.sandbox.stats().rows).toBe(6);
    });

    it.each([1, 25])(
      'without a child waits and is never replaced; each end of the replay is followed (%i of each)',
      async (count) => {
        stage = await startStage({ style });
        stage.sandbox.setQueuedChildren('held');
        const applied = makePayments(count, { name: 'a' });
        const rejected = makePayments(count, { name: 'r', customerId: 'cus_poor' });
        const different = makePayments(count, { name: 'd' });
        for (const payment of applied) await queueBySomebody(equalBody(payment));
        for (const payment of rejected) await queueBySomebody(equalBody(payment, { allow_overdraft: false }));
        for (const payment of different) await queueBySomebody(equalBody(payment, { precise_amount: 5 }));
        const payments = [...applied, ...rejected, ...different];
        await until(() => payments.every(({ id }) => statusOf(id) === 'QUEUED'));
        await stage.store(payments);
        const drainer = await stage.drainer({ finalAfterMs: 0 });
        await untilLookedAt(drainer, 4);
        for (const posting of await stage.postings()) {
          expect(posting).toMatchObject({ state: 'pending', attempts: 1, in_doubt: true, reason: null });
          expect(posting.last_error).toContain('replays such rows after two hours');
        }
        expect(stage.sandbox.stats().rows).toBe(3 * count);

        // What Core cannot apply it tries at three replays, and rejects at the fourth: until then it is not decided.
        await stage.sandbox.recoverQueued();
        await stage.drainUntil(drainer, async () => (await stage.states()).pending === count);
        expect(
          (await stage.postings()).filter(({ state }) => state === 'pending').map(({ reference }) => reference[3]),
        ).toEqual(Array(count).fill('r'));
        for (let replay = 2; replay <= 4; replay += 1) await stage.sandbox.recoverQueued();
        await stage.drainAll(drainer);
        const ends = (reference: string) =>
          ({ a: 'already_there', r: 'burnt_reference', d: 'conflict' })[reference[3] ?? ''];
        for (const { reference, settled_how, reason } of await stage.postings()) {
          expect([reference, settled_how ?? reason]).toEqual([reference, ends(reference)]);
        }
        // Every reference has its queued row and its decided child, and the payment itself was never added to them.
        expect(stage.sandbox.stats().rows).toBe(6 * count);
        expect(applied.map(({ id }) => moneyOf(`${id}_q`))).toEqual(
          applied.map(({ amountReceived }) => amountReceived),
        );
      },
    );

    it('replayed by Core in its own time, hours later: adopted once, and a replay after that changes nothing', async () => {
      stage = await startStage({ style, recoverQueuedAfterMs: TWO_HOURS_MS });
      stage.sandbox.setQueuedChildren('held');
      const payments = makePayments(3);
      for (const payment of payments) await queueBySomebody(equalBody(payment));
      await until(() => payments.every(({ id }) => statusOf(id) === 'QUEUED'));
      await stage.store(payments);
      const drainer = await stage.drainer({ finalAfterMs: 0 });
      await untilLookedAt(drainer, 3);
      await stage.sandbox.recoverQueued();
      await stage.drainAll(drainer);
      for (const posting of await stage.postings()) {
        expect(posting).toMatchObject({
          state: 'posted',
          settled_how: 'already_there',
          exception: 'effective date is missing in the ledger',
        });
      }
      await stage.sandbox.recoverQueued();
      expect(stage.sandbox.stats().rows).toBe(6);
    });

    it('waited for, then applied while its balances are not visible: looks from before do not make it a conflict', async () => {
      stage = await startStage({ style });
      stage.sandbox.setQueuedChildren('held');
      const [payment] = makePayments(1) as [Payment];
      await queueBySomebody(equalBody(payment));
      await until(() => statusOf(payment.id) === 'QUEUED');
      await stage.store([payment]);
      let hidden = true;
      const wrapLedger = (ledger: Ledger): Ledger => ({
        ...ledger,
        findBalances: async (query) => (hidden ? new Map() : ledger.findBalances(query)),
      });
      const drainer = await stage.drainer({ wrapLedger, finalAfterMs: 0, backoff: { baseMs: 5, maxMs: 10 } });
      await untilLookedAt(drainer, 12);
      await stage.sandbox.recoverQueued();
      await stage.drainUntil(drainer, async () => {
        const { state, last_error: error } = await stage.posting(payment.id);
        return state !== 'pending' || (error ?? '').includes('shows no balance');
      });
      expect(await stage.posting(payment.id)).toMatchObject({ state: 'pending', reason: null });
      expect((await stage.posting(payment.id)).look_ups).toBeLessThan(8);
      hidden = false;
      await stage.drainAll(drainer);
      expect(await stage.posting(payment.id)).toMatchObject({ state: 'posted', settled_how: 'already_there' });
    });

    it('queued by somebody between our attempt and our look: one of the two, never both', async () => {
      stage = await startStage({ style });
      const [payment] = makePayments(1) as [Payment];
      let queued = false;
      const wrapLedger = (ledger: Ledger): Ledger => ({
        ...ledger,
        async post(body) {
          if (!queued) {
            queued = true;
            // Our own request never arrived, somebody's did.
            await queueBySomebody(equalBody(payment));
            return { kind: 'unclear', message: 'the connection was reset' };
          }
          return ledger.post(body);
        },
      });
      await stage.store([payment]);
      await stage.drainAll(await stage.drainer({ wrapLedger }));
      await until(
        () => stage.sandbox.byReference(`${payment.id}_q`) !== undefined || statusOf(payment.id) === 'APPLIED',
      );
      expect((await stage.posting(payment.id)).state).toBe('posted');
      const moved = [...stage.sandbox.transactions()].filter(({ status }) => status === 'APPLIED');
      expect(moved).toHaveLength(1);
    });
  },
);
