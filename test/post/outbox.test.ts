/** The outbox on a real PostgreSQL: claims exclude each other, marks need the claim, and marking never meets renewing badly. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createOutbox } from '../../src/db/postings/outbox.js';
import type { Claim, Outbox } from '../../src/post/ports.js';
import { type LedgerStage, ledgerStages, makePayments } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };

describe('the outbox', () => {
  const startStage = ledgerStages();
  let stage: LedgerStage;
  let outbox: Outbox;

  beforeEach(async () => {
    stage = await startStage();
    outbox = createOutbox(stage.sql, { epoch: 0, accountsMode: 'indicators' });
  });

  const claimNew = (limit = 100, leaseMs = 30_000) => outbox.claimNew(LANE, { limit, leaseMs, first: 'waiting' });
  const referencesOf = (claim: Claim) => claim.postings.map(({ reference }) => reference);
  const settlementsOf = (claim: Claim) =>
    referencesOf(claim).map((reference) => ({
      reference,
      transactionId: 'txn_1',
      how: 'posted' as const,
      exception: null,
    }));

  it('gives each posting to one of many claims made at the same time', async () => {
    await stage.store(makePayments(500));
    const claims = await Promise.all(Array.from({ length: 12 }, () => claimNew(60)));
    const claimed = claims.flatMap(referencesOf);
    expect(new Set(claimed).size).toBe(claimed.length);
    while ((await claimNew(60)).postings.length > 0);
    const postings = await stage.postings();
    expect(postings.every(({ attempts, claim }) => attempts === 1 && claim !== null)).toBe(true);
  });

  it('gives an attempted posting to the next only when its claim has run out, and then the old token marks nothing', async () => {
    await stage.store(makePayments(5));
    const old = await claimNew();
    expect((await outbox.claimAttempted(LANE, { limit: 10, leaseMs: 1_000 })).postings).toEqual([]);
    await stage.makeAllDue();
    const taken = await outbox.claimAttempted(LANE, { limit: 10, leaseMs: 30_000 });
    expect(new Set(referencesOf(taken))).toEqual(new Set(referencesOf(old)));

    const references = referencesOf(old);
    expect(await outbox.settle(old.token, settlementsOf(old))).toBe(0);
    expect(await outbox.markAttempt(old.token, references, 1_000)).toEqual(new Set());
    expect(await outbox.renew(old.token, references, 1_000)).toBe(false);
    const put = references.map((reference) => ({ reference, dueInMs: 5, error: 'late', inDoubt: true }));
    expect(await outbox.postpone(old.token, put)).toBe(0);
    const parkings = references.map((reference) => ({ reference, reason: 'conflict' as const, detail: 'late' }));
    expect(await outbox.park(old.token, parkings)).toBe(0);
    expect(await stage.states()).toEqual({ pending: 5 });
    expect(await outbox.settle(taken.token, settlementsOf(taken))).toBe(5);
  });

  it('renews a claim while it is marked, many times at once, without a deadlock', async () => {
    await stage.store(makePayments(1_000));
    for (let turn = 0; turn < 10; turn += 1) {
      const claim = await claimNew();
      const references = referencesOf(claim);
      const marks = settlementsOf(claim).sort(() => Math.random() - 0.5);
      const renewals = Array.from({ length: 4 }, () => outbox.renew(claim.token, references, 30_000));
      const [settled] = await Promise.all([outbox.settle(claim.token, marks), ...renewals]);
      expect(settled).toBe(100);
    }
    expect(await stage.states()).toEqual({ posted: 1_000 });
  });

  it('renews what the claim still holds, and no more', async () => {
    await stage.store(makePayments(3));
    const claim = await claimNew(100, 50);
    await outbox.settle(claim.token, settlementsOf(claim).slice(0, 1));
    expect(await outbox.renew(claim.token, referencesOf(claim), 60_000)).toBe(true);
    const [row] = await stage.sql<{ n: number }[]>`
      select count(*)::int as n from stripe_blnk_sync.postings where claimed_until > now() + interval '50 seconds'`;
    expect(row?.n).toBe(2);
  });

  it('keeps of what is put off who is in doubt and who is not, the error, the reason, and when each is due', async () => {
    await stage.store(makePayments(2));
    const claim = await claimNew(10);
    const [first = '', second = ''] = claim.postings.map(({ reference }) => reference);
    const marked = await outbox.postpone(claim.token, [
      { reference: first, dueInMs: 60_000, error: 'no answer', inDoubt: true },
      {
        reference: second,
        dueInMs: 3_600_000,
        error: 'refused',
        inDoubt: false,
        reason: 'refused_by_blnk',
        reasonDetail: 'said so',
      },
    ]);
    expect(marked).toBe(2);
    const rows = await stage.sql`
      select reference, doubt_since is not null as in_doubt, due_at > now() + interval '30 minutes' as later,
        last_error, reason, reason_detail, claim
      from stripe_blnk_sync.postings`;
    const byReference = new Map(rows.map(({ reference, ...rest }) => [reference, rest]));
    expect(byReference.get(first)).toEqual({
      in_doubt: true,
      later: false,
      last_error: 'no answer',
      reason: null,
      reason_detail: null,
      claim: null,
    });
    expect(byReference.get(second)).toEqual({
      in_doubt: false,
      later: true,
      last_error: 'refused',
      reason: 'refused_by_blnk',
      reason_detail: 'said so',
      claim: null,
    });
  });
});
