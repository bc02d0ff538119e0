/** What a person dismissed after an attempt is looked up again, because the attempt may still be applied late. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/blnk/ledger.js';
import { createBalanceNames } from '../../src/core/ledger/balance-names.js';
import { moveMirror } from '../../src/db/mirror/ledger-identity-store.js';
import { createDismissedPostings } from '../../src/db/postings/outbox.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { lookUpDismissed } from '../../src/post/look-up-dismissed.js';
import { type LedgerStage, ledgerStages, makePayments, RULES } from '../support/stages/ledger.js';

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

/** Two payments that Blnk refuses, parked after an attempt, and dismissed. */
async function dismissTwo(): Promise<void> {
  await stage.store(makePayments(2));
  const drainer = await stage.drainer({
    finalAfterMs: 0,
    wrapLedger: (ledger) => ({ ...ledger, post: async () => ({ kind: 'refused', message: 'no' }) }),
  });
  await stage.drainAll(drainer);
  const parked = createParkedStore(stage.db, () => ({ kind: 'rejected', reason: 'conflict', detail: '' }));
  for (const { reference } of await stage.postings()) {
    expect(await parked.dismiss({ reference, by: 'ada', why: 'booked by hand' })).toBe('dismissed');
  }
}

async function look(looksAfterMs: readonly number[]): Promise<number> {
  const ledger = createLedger({
    style: 'cloud',
    baseUrl: stage.sandbox.url,
    instanceId: stage.sandbox.instanceId,
    readKey: async () => stage.sandbox.cloudToken,
  });
  try {
    const dismissed = createDismissedPostings(stage.sql, { epoch: 0 });
    const judging = {
      ledger,
      balances: createBalanceNames(ledger),
      source: RULES.source,
      confirmSource: async () => {},
    };
    const ports = { ...judging, dismissed };
    return await lookUpDismissed(ports, { mirrorId: RULES.mirrorId, leaseMs: 1_000, looksAfterMs });
  } finally {
    await ledger.close();
  }
}

describe('a payment that was dismissed after an attempt', () => {
  it('counts as posted, and is marked as dismissed, when the ledger holds it after all', async () => {
    await dismissTwo();
    const [first] = await stage.postings();
    await postLate(first?.prepared ?? '');
    expect(await look([0, 3_600_000])).toBe(1);
    expect(await stage.posting(first?.reference ?? '')).toMatchObject({
      state: 'posted',
      settled_how: 'posted',
      exception: 'was dismissed by ada, but the ledger holds it',
      prepared: null,
      reason: null,
    });
    expect(await stage.states()).toEqual({ parked: 1, posted: 1 });
  });

  it('is looked up as often as asked, not before its time, and never posted', async () => {
    await dismissTwo();
    const before = stage.sandbox.requestCount('POST /transactions/filter');
    await look([3_600_000, 7_200_000]);
    expect(stage.sandbox.requestCount('POST /transactions/filter')).toBe(before);
    await look([0, 3_600_000]);
    await look([0, 3_600_000]);
    expect(stage.sandbox.requestCount('POST /transactions/filter')).toBe(before + 1);
    await look([0, 0]);
    await look([0, 0]);
    expect(stage.sandbox.requestCount('POST /transactions/filter')).toBe(before + 2);
    expect(stage.sandbox.requestCount('POST /transactions')).toBe(0);
    expect(await stage.states()).toEqual({ parked: 2 });
  });

  it('is not marked by what a worker saw that slept while the mirror was moved', async () => {
    await dismissTwo();
    const sleeper = createDismissedPostings(stage.sql, { epoch: 0 });
    const claim = await sleeper.claimDismissed({ limit: 50, leaseMs: 60_000, looksAfterMs: [0] });
    expect(claim.postings).toHaveLength(2);
    const from = { instance: stage.sandbox.instanceId, epoch: 0 };
    await moveMirror(stage.sql, { from, to: 'inst_new' });
    const [first] = claim.postings;
    const settled = { transactionId: 'txn_elsewhere', how: 'posted', exception: null } as const;
    await sleeper.markLooked(claim.token, [{ ...settled, reference: first?.reference ?? '' }]);
    expect(await stage.states()).toEqual({ parked: 2 });
    const looks = await stage.sql`select distinct claim, dismissed_looks from stripe_blnk_sync.postings`;
    expect([...looks]).toEqual([{ claim: null, dismissed_looks: 0 }]);
  });
});

async function postLate(body: string): Promise<void> {
  const { url, cloudToken, instanceId } = stage.sandbox;
  const answer = await fetch(`${url}/proxy/transactions?instance_id=${instanceId}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cloudToken}`, 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(201);
}
