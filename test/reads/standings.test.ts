/** How days stand, asked every minute, when nearly all postings are of one day: a busy mirror in its first days. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStandings } from '../../src/db/reads/standings.js';
import { type LedgerStage, ledgerStages, makePayments } from '../support/stages/ledger.js';

const BUSY = new Date('2026-11-03T12:00:00Z');
const QUIET_DAYS = ['2026-11-01', '2026-11-02'];

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});
afterEach(async () => {
  await stage.sql`truncate stripe_blnk_sync.certificates`;
});

/** What is before it and after it is in other milliseconds, which is as exact as times are kept. */
async function certify(day: string): Promise<void> {
  await stage.sql`select pg_sleep(0.002)`;
  await stage.sql`
    insert into stripe_blnk_sync.certificates (id, proof_id, day, currency, state, trigger, stripe_count, stripe_sum, stripe_hash, ledger_count,
      ledger_sum, ledger_hash, postings_count, postings_sum, postings_hash, findings, findings_count, not_seen, stripe_requests,
      ledger_requests, stripe_as_of, version)
    values (${randomUUID()}, ${randomUUID()}, ${day}, 'USD', 'sealed', 'two_days', 0, 0, '', 0, 0, '', 0, 0, '', '[]', 0, '[]', 0, 0,
      now(), 'test')`;
  await stage.sql`select pg_sleep(0.002)`;
}

describe('the standings of days', () => {
  it('are one look at the index for each day and one at what was decided about, and never a walk through all postings', async () => {
    await stage.store(makePayments(3_000, { created: BUSY }));
    await stage.sql`analyze stripe_blnk_sync.postings`;
    for (const day of QUIET_DAYS) await certify(day);
    await stage.db.transaction(async (transaction) => {
      const scans = async () => {
        const [row] = await transaction.execute<{ walks: number; looks: number }>(
          `select seq_scan::int as walks, idx_scan::int as looks from pg_stat_xact_user_tables where relname = 'postings'`,
        );
        return { walks: row?.walks ?? 0, looks: row?.looks ?? 0 };
      };
      const before = await scans();
      await readStandings(transaction);
      expect(await scans()).toEqual({ walks: before.walks, looks: before.looks + QUIET_DAYS.length + 1 });
    });
  });

  it('say of a day whether a repair was applied to it after its proof', async () => {
    const plan = randomUUID();
    await stage.sql`
      insert into stripe_blnk_sync.repairs (id, from_day, to_day, planned_by, version)
      values (${plan}, '2026-11-01', '2026-11-03', 'ann', 'test')`;
    const item = async (number: number, day: string, state: string) => stage.sql`
      insert into stripe_blnk_sync.repair_items (repair_id, item, day, payment_id, finding, action, seen, state, detail, done_at)
      values (${plan}, ${number}, ${day}, 'pi_1', 'missing', 'post', '[]', ${state}, '', clock_timestamp())`;
    await item(1, '2026-11-01', 'done');
    for (const day of [...QUIET_DAYS, '2026-11-03']) await certify(day);
    await item(2, '2026-11-02', 'done');
    await item(3, '2026-11-03', 'refused');
    const standings = await readStandings(stage.db);
    expect(standings.map(({ day, repairedSince }) => [day, repairedSince])).toEqual([
      ['2026-11-03', false],
      ['2026-11-02', true],
      ['2026-11-01', false],
    ]);
    await stage.sql`truncate stripe_blnk_sync.repairs, stripe_blnk_sync.repair_items`;
  });

  it('say of a day whether a payment of it was stored after its proof', async () => {
    await stage.store(makePayments(1, { name: 'before', created: new Date('2026-11-01T00:00:00Z') }));
    for (const day of [...QUIET_DAYS, '2026-11-03']) await certify(day);
    await stage.store(makePayments(1, { name: 'after', created: new Date('2026-11-03T23:59:59Z') }));
    const standings = await readStandings(stage.db);
    expect(standings.map(({ day, storedSince }) => [day, storedSince])).toEqual([
      ['2026-11-03', true],
      ['2026-11-02', false],
      ['2026-11-01', false],
    ]);
  });
});
