/**
 * What people ask must not grow with what is stored: no statement of theirs, nor of those that a worker asks each minute, reads
 * all postings or all runs. Looked at in the plan of each statement, on a mirror of tens of thousands; `plans.full.test.ts` has
 * a million.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renewClaim } from '../../src/db/postings/keep-claim.js';
import { park } from '../../src/db/postings/park.js';
import { postpone } from '../../src/db/postings/postpone.js';
import { settle } from '../../src/db/postings/settle.js';
import { fillLargeMirror, paymentId } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { expectNothingReadWhole } from '../support/plan-checks.js';
import { plansOf, readings } from '../support/plans.js';

const SIZES = [
  {
    what: 'years, nearly all of them posted',
    postings: 50_000,
    runs: 5_000,
    days: 365,
    pending: 200,
    runTotalsMax: 1_000,
  },
  {
    what: 'a backfill, nearly all of it pending',
    postings: 50_000,
    runs: 5_000,
    days: 30,
    pending: 45_000,
    runTotalsMax: Infinity,
  },
];

describe.each(SIZES)('$what', ({ what: _, runTotalsMax, ...size }) => {
  let database: OwnDatabase;
  beforeAll(async () => {
    database = await openMigratedDatabase();
    await fillLargeMirror(database, size);
  }, 120_000);
  afterAll(() => database.remove());

  it('no statement of any question reads all postings or all runs', async () => {
    await expectNothingReadWhole(database, size, runTotalsMax);
  });
});

describe('a chunk of a backlog that came after the last statistics', () => {
  const POSTINGS = 8_000;
  const CHUNK = 100;
  const TOKEN = '0193a000-0000-4000-8000-000000000001';
  const NOBODYS = '0193a000-0000-4000-8000-000000000002';
  let database: OwnDatabase;
  beforeAll(async () => {
    database = await openMigratedDatabase();
    const { sql } = database;
    await fillLargeMirror(database, { postings: POSTINGS, runs: 100, days: 30, pending: 20 });
    await sql`alter table stripe_blnk_sync.postings set (autovacuum_enabled = off)`;
    await sql`update stripe_blnk_sync.postings set state = 'pending', claim = ${TOKEN}`;
  }, 120_000);
  afterAll(() => database.remove());

  it('is marked without reading the rest of what is pending', async () => {
    const references = Array.from({ length: CHUNK }, (_, n) => paymentId(n + 1));
    const plans = await plansOf(database, async (_, sql) => {
      await renewClaim(sql, TOKEN, { references, leaseMs: 30_000 });
      const why = { dueInMs: 1_000, error: 'busy', inDoubt: false };
      await postpone(
        sql,
        NOBODYS,
        references.map((reference) => ({ reference, ...why })),
      );
      await park(
        sql,
        NOBODYS,
        references.map((reference) => ({ reference, reason: 'conflict', detail: '' })),
      );
      const how = { transactionId: 'txn_1', how: 'posted' as const, exception: null };
      await settle(
        sql,
        NOBODYS,
        references.map((reference) => ({ reference, ...how })),
      );
    });
    // Without what the driver asks about types.
    const ours = plans.filter(({ query }) => query.includes('.postings'));
    const read = ours.map(({ query, plan }) => ({
      query,
      rows: readings(plan).reduce((sum, { relation, rows }) => sum + (relation === 'postings' ? rows : 0), 0),
    }));
    expect(read).toHaveLength(4);
    expect(read.filter(({ rows }) => rows > 3 * CHUNK)).toEqual([]);
  });
});
