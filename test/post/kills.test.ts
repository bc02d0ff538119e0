/** A worker that dies between any two steps loses nothing and posts nothing twice: the next one looks first. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';
import { Killed, killAt, STEPS } from '../support/stages/ledger-kills.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

/** Drains until it is killed; what it still had in flight in this process has ended by then. */
async function drainUntilKilled(
  drainer: Awaited<ReturnType<LedgerStage['drainer']>>,
  killed: () => boolean,
): Promise<void> {
  await until(async () => {
    await drainer.drain(LANE, NEVER).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    return killed();
  });
}

async function expectRightEnd(posted: number, parked = 0): Promise<void> {
  expect(await stage.states()).toEqual({ posted, ...(parked > 0 ? { parked } : {}) });
  const rows = [...stage.sandbox.transactions()];
  expect(rows.length).toBe(posted);
  expect(new Set(rows.map(({ reference }) => reference)).size).toBe(posted);
  for (const { reference, state, transaction_id } of await stage.postings()) {
    if (state === 'posted') expect(transaction_id).toBe(stage.sandbox.byReference(reference)?.transaction_id);
  }
}

describe('a worker killed once', () => {
  // Few payments are posted one by one and never reach a bulk.
  const scenarios = [
    ...STEPS.filter((step) => !step.endsWith('postBulk')).map((step) => [step, 2] as const),
    ...STEPS.map((step) => [step, 130] as const),
  ];

  it.each(scenarios)('%s, with %i payments, one more refused, a request and an answer lost', async (step, count) => {
    await stage.store(makePayments(count + 1, { customerId: 'cus_1' }));
    // One that Blnk refuses for good, so that parking is reached; losses, so that looking and posting again are.
    await stage.sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"description":', '"none":') where reference = 'pi_0001'`;
    stage.sandbox.faults.add({ effect: 'reset', route: 'posts', nth: 1 });
    stage.sandbox.faults.add({ effect: 'answer_lost', route: 'posts', nth: 2 });
    const killer = killAt(step);
    const options = { finalAfterMs: 30 };
    await drainUntilKilled(await stage.drainer({ ...killer, ...options }), killer.killed);
    if (step === 'after claimNew') expect((await stage.postings()).some(({ attempts }) => attempts === 1)).toBe(true);

    await stage.makeAllDue();
    await stage.drainAll(await stage.drainer(options));
    await expectRightEnd(count, 1);
  });
});

describe('a worker killed while its request is in flight', () => {
  it('leaves its claim to run out by itself; nobody takes it before', async () => {
    await stage.store(makePayments(50));
    const killer = killAt('after postBulk');
    const dying = await stage.drainer({ ...killer, leaseMs: 700, chunksInFlight: 1 });
    await drainUntilKilled(dying, killer.killed);
    const killedAt = performance.now();
    const heir = await stage.drainer();
    const nextMs = await heir.drain(LANE, NEVER);
    if (performance.now() - killedAt < 300) {
      expect(await stage.states()).toEqual({ pending: 50 });
      expect(nextMs).toBeGreaterThan(0);
    }
    await stage.drainAll(heir);
    await expectRightEnd(50);
    expect(stage.sandbox.requestCount('POST /transactions/bulk')).toBe(1);
  });

  it('again and again, at every step in turn, and still everything ends right', async () => {
    await stage.store(makePayments(400));
    for (const step of STEPS) {
      const killer = killAt(step, 2);
      const drainer = await stage.drainer({ ...killer, chunkSize: 20 });
      await drainer.drain(LANE, NEVER).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      await stage.makeAllDue();
    }
    await stage.drainAll(await stage.drainer());
    await expectRightEnd(400);
  });
});
