/** Putting off on a real PostgreSQL: what is written down of a posting that could not be settled yet. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutbox } from '../src/db/outbox.js';
import { type LedgerStage, makePayments, openStages, type Stages } from './support/stages/ledger.js';

describe('putting postings off', () => {
  let stages: Stages;
  let stage: LedgerStage;

  beforeAll(async () => {
    stages = await openStages();
    stage = await stages.start();
  });
  afterAll(async () => {
    await stage.close();
    await stages.close();
  });

  it('keeps who is in doubt and who is not, the error, the reason, and when each is due', async () => {
    await stage.store(makePayments(2));
    const outbox = createOutbox(stage.sql);
    const claim = await outbox.claimNew(
      { source: '@stripe', currency: 'USD' },
      { limit: 10, leaseMs: 30_000, first: 'waiting' },
    );
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
      from postings`;
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
