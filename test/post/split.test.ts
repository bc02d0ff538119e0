/** A posting that makes every bulk fail in which it is: its neighbours are in the ledger after few requests. */
import { expect, it } from 'vitest';
import { ledgerStages, makePayments, NEVER } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };
const PAYMENTS = 100;
/** Halves of halves of a hundred, for two streams, and what is posted one by one in the end. */
const FAILED_BULKS_MAX = 20;

const startStage = ledgerStages();

it.each([
  ['a bulk fail', { status: 504 }],
  ['a gateway ask to wait', { status: 502, retryAfter: 0 }],
])('finds by halves what makes %s, and posts the others in bulk', async (_, answer) => {
  const stage = await startStage();
  await stage.store(makePayments(PAYMENTS));
  const slow = 'pi_0061';
  const fault = stage.sandbox.faults.add({
    ...{ effect: 'status', body: 'html', route: 'posts', contains: `"reference":"${slow}"` },
    ...answer,
  });
  const drainer = await stage.drainer({ leaseMs: 30_000 });
  const others = async () => (await stage.postings()).filter(({ state }) => state === 'posted').length;
  for (let drains = 0; drains < 200 && (await others()) < PAYMENTS - 1; drains += 1) {
    const dueInMs = (await drainer.drain(LANE, NEVER)) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, dueInMs));
  }
  expect(await others()).toBe(PAYMENTS - 1);
  expect(fault.hits).toBeLessThanOrEqual(FAILED_BULKS_MAX);
  fault.remove();
  await stage.drainAll([drainer]);
  expect(await stage.states()).toEqual({ posted: PAYMENTS });
  expect(stage.sandbox.stats().rows).toBe(PAYMENTS);
});
