/** A lane with a long backlog: what is paid now does not wait behind it, and it does not wait behind what is paid now. */
import { beforeEach, describe, expect, it } from 'vitest';
import { laneName } from '../../src/core/posting/posting.js';
import { createOutbox } from '../../src/db/postings/outbox.js';
import { LANE as COLUMN_OF_LANE } from '../../src/db/schema/postings.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER } from '../support/stages/ledger.js';
import { watchChunks } from '../support/stages/ledger-chunks.js';

const LANE = { source: '@stripe', currency: 'USD' };
const BACKLOG = 3_000;
const CHUNK = 50;

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
    'is found by its lane, and the newest first where asked, with %s as statistics',
    async (_which, analyzed) => {
      if (analyzed === 'before') {
        await stage.store(makePayments(BACKLOG, { name: 'posted', created: new Date('2025-01-01T00:00:00Z') }));
        await stage.sql`update stripe_blnk_sync.postings set state = 'posted'`;
        await stage.sql`analyze stripe_blnk_sync.postings`;
      }
      await stage.store(makePayments(BACKLOG));
      if (analyzed === 'after') await stage.sql`analyze stripe_blnk_sync.postings`;
      expect(await planOf('due_at, reference')).toMatch(/Index Cond: \(+COALESCE\(lane/);
      expect(await planOf("(effective_at at time zone 'UTC') desc, reference")).toMatch(
        /Index Cond: \(+COALESCE\(lane/,
      );
      const claim = await createOutbox(stage.sql, { epoch: 0 }).claimNew(LANE, {
        limit: 2,
        leaseMs: 1_000,
        first: 'newest',
      });
      const newest = makePayments(BACKLOG)
        .slice(-2)
        .map(({ id }) => id);
      expect(claim.postings.map(({ reference }) => reference).sort()).toEqual(newest.sort());
    },
  );
});

/** Of the choice that a claim makes among what was never tried. */
async function planOf(order: string): Promise<string> {
  const lines = await stage.sql.unsafe(`
    explain select reference from stripe_blnk_sync.postings
    where state = 'pending' and ${COLUMN_OF_LANE} = '${laneName(LANE)}' and due_at <= now()
      and (claimed_until is null or claimed_until < now()) and attempts = 0
    order by ${order} limit 100`);
  return lines.map((line) => line['QUERY PLAN']).join('\n');
}
