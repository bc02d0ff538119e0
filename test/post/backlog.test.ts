/** A lane with a long backlog: what is paid now does not wait behind it, and it does not wait behind what is paid now. */
import type postgres from 'postgres';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOutbox } from '../../src/db/postings/outbox.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER } from '../support/stages/ledger.js';
import { watchChunks } from '../support/stages/ledger-chunks.js';

const LANE = { source: '@stripe', currency: 'USD' };
const BACKLOG = 3_000;
const CHUNK = 50;
const CLAIMED = 100;

/** Two streams: the chunks that are under way, and the next one of each, of which one begins with the newest. */
const CHUNKS_UNTIL_POSTED = 4;

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

describe('a lane with a backlog', () => {
  it('posts a new payment within a few chunks, although more of the backlog is stored after it', async () => {
    await stage.store(makePayments(BACKLOG));
    let storedAt = Number.POSITIVE_INFINITY;
    const { wrapLedger, chunkOf, sent } = watchChunks(async (chunk) => {
      if (chunk !== 3) return;
      await stage.store(makePayments(1, { name: 'new', created: new Date('2026-11-09T12:00:00Z') }));
      await stage.store(makePayments(BACKLOG / 10, { name: 'older', created: new Date('2025-01-01T00:00:00Z') }));
      storedAt = sent();
    });
    const drainer = await stage.drainer({ wrapLedger, chunkSize: CHUNK, leaseMs: 30_000 });
    expect(await drainer.drain(LANE, NEVER)).toBeNull();
    expect(chunkOf('pi_new0001') - storedAt).toBeLessThanOrEqual(CHUNKS_UNTIL_POSTED);
    expect(await stage.states()).toEqual({ posted: BACKLOG + 1 + BACKLOG / 10 });
  });

  it('posts what waits the longest in every other chunk, however much is paid now', async () => {
    await stage.store(makePayments(BACKLOG));
    const { wrapLedger, chunkOf } = watchChunks(async (chunk) => {
      // As much as a chunk holds comes in with every chunk, for as long as the oldest wait.
      if (chunk > 10) return;
      const created = new Date(Date.UTC(2026, 10, 9, 0, chunk));
      await stage.store(makePayments(CHUNK, { name: `at${chunk}_`, created }));
    });
    const drainer = await stage.drainer({ wrapLedger, chunkSize: CHUNK, leaseMs: 30_000 });
    await drainer.drain(LANE, NEVER);
    expect(Math.max(...makePayments(CHUNK).map(({ id }) => chunkOf(id)))).toBeLessThanOrEqual(4);
  });

  it.each([
    ['none yet', 'never'],
    ['those from before the backlog', 'before'],
    ['those of the backlog', 'after'],
  ] as const)(
    'is claimed without reading all of it, and the newest first where asked, with %s as statistics',
    async (_which, analyzed) => {
      if (analyzed === 'before') {
        await stage.store(makePayments(BACKLOG, { name: 'posted', created: new Date('2025-01-01T00:00:00Z') }));
        await stage.sql`update stripe_blnk_sync.postings set state = 'posted'`;
        await stage.sql`analyze stripe_blnk_sync.postings`;
      }
      await stage.store(makePayments(BACKLOG));
      if (analyzed === 'after') await stage.sql`analyze stripe_blnk_sync.postings`;
      const waiting = await claimOf('waiting');
      const newest = await claimOf('newest');
      const stored = makePayments(BACKLOG).map(({ id }) => id);
      expect(newest.references).toEqual(stored.slice(-CLAIMED).sort());
      expect(waiting.references).not.toEqual(newest.references);
      expect(Math.max(waiting.read, newest.read)).toBeLessThan(BACKLOG / 6);
    },
  );
});

/** What a claim takes, and how many postings are read for it. */
async function claimOf(first: 'waiting' | 'newest') {
  return stage.sql.begin(async (transaction) => {
    const outbox = createOutbox(transaction as unknown as postgres.Sql, { epoch: 0, accountsMode: 'indicators' });
    // What this connection read in earlier transactions is in it until PostgreSQL's next report of it, up to a second later.
    const read = async () => {
      const [counted] = await transaction<{ read: number }[]>`
        select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'postings'`;
      return counted?.read ?? Number.NaN;
    };
    const before = await read();
    const { postings } = await outbox.claimNew(LANE, { limit: CLAIMED, leaseMs: 60_000, first });
    return { references: postings.map(({ reference }) => reference).sort(), read: (await read()) - before };
  });
}
