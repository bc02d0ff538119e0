/** A payment that could not be read is parked; a later reading that can read it takes its place, once. */
import { describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { FoundPayment, Payment } from '../../src/core/posting/payment.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import { stages } from '../support/stages/collect.js';

const open = stages();
const CREATED = new Date('2026-11-01T00:00:00Z');
const READABLE: Payment = {
  kind: 'payment',
  id: 'pi_1',
  amountReceived: 1_000n,
  currency: 'usd',
  created: CREATED,
  livemode: false,
  customerId: null,
  chargeId: null,
  description: null,
  metadata: [],
};
const UNREADABLE: FoundPayment = {
  kind: 'unreadable',
  id: 'pi_1',
  created: CREATED,
  problem: 'amount_received is null',
};

describe('a payment that could not be read', () => {
  it('is pending once it can be read, is not counted again, and keeps its run', async () => {
    const stage = await open();
    const mirror = await stage.store.mirror().catch(() => null);
    const store = createCollectStore(stage.db, { workerId: crypto.randomUUID(), version: 'test', mirrorId: null });
    const read = async (payment: FoundPayment) => {
      const window = { from: CREATED, to: new Date(CREATED.getTime() + 1_000) };
      const run = await store.openRun({ feed: 'payment_intents', trigger: 'manual', window, parentId: null });
      const rules = {
        mappingVersion: 1,
        sourceShards: 1,
        mirrorId: mirror?.mirrorId ?? 'm',
        livemode: false,
        source: '@stripe',
        guestDestination: '@g',
      };
      const preparation =
        payment.kind === 'payment'
          ? preparePayment(payment, rules)
          : ({ kind: 'rejected', reason: 'unreadable_payment', detail: payment.problem } as const);
      const found = { payment, seenAt: CREATED, object: 'payment', preparation } as const;
      const page = { postings: [found], beforeStart: 0, requests: 1, covers: null };
      const outcome = await store.storePage(run, page);
      return { run, outcome, counts: await store.finishRun(run, null) };
    };
    const first = await read(UNREADABLE);
    expect(first.counts).toEqual({ found: 1, knownBefore: 0, stored: 1 });
    expect((await stage.postings()).get('pi_1')).toMatchObject({
      state: 'parked',
      reason: 'unreadable_payment',
      amount: null,
    });

    const second = await read(READABLE);
    expect(second.counts).toEqual({ found: 1, knownBefore: 1, stored: 0 });
    expect(second.outcome.lanes).toEqual([{ source: '@stripe', currency: 'USD' }]);
    const posting = (await stage.postings()).get('pi_1');
    expect(posting).toMatchObject({
      state: 'pending',
      reason: null,
      amount: 1_000n,
      payment: null,
      firstRun: first.run.id,
    });
    expect(posting?.prepared).toContain('"precise_amount":1000');

    const third = await read(UNREADABLE);
    expect(third.counts).toEqual({ found: 1, knownBefore: 1, stored: 0 });
    expect((await stage.postings()).get('pi_1')?.state).toBe('pending');
  });
});
