/**
 * An outage of the ledger with thousands of payments pending: what it costs while it lasts, and who waits once it is over.
 * The long form, with a million and a whole worker, is `bench/backlog.ts`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { readLanes } from '../../src/db/reads/outbox-status.js';
import { freePort } from '../support/free-port.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';
import { watchChunks } from '../support/stages/ledger-chunks.js';

const LANE = { source: '@stripe', currency: 'USD' };
const BACKLOG = 5_000;
const PAGE = 1_000;
const CHUNK = 100;
const NEW = 10;
const NEW_PAGES = 5;

/**
 * Two streams, of each of which every second chunk begins with the newest, and the two that are under way: five when both
 * are equally fast. One may stand still with what it took while the other sends; without the rule it is fifty.
 */
const CHUNKS_MAX = 10;

const startStage = ledgerStages();
let stage: LedgerStage;

beforeAll(async () => {
  // A port of its own: it must be found again after the outage.
  stage = await startStage({ port: await freePort() });
});

describe('a lane with 5,000 pending', { timeout: 120_000 }, () => {
  it('attempts nothing while the ledger refuses connections, and pauses', async () => {
    const drainer = await stage.drainer({
      chunkSize: CHUNK,
      leaseMs: 30_000,
      lanePause: { baseMs: 60_000, maxMs: 60_000 },
    });
    // The source balance is asked for before anything is sent, also by a worker that knows it.
    await stage.store(makePayments(1, { name: 'first_' }));
    await drainer.drain(LANE, NEVER);
    await storeBacklog();
    await stage.sandbox.close();
    await expect(drainer.drain(LANE, NEVER)).rejects.toMatchObject({ kind: 'transient' });
    expect(await drainer.drain(LANE, NEVER)).toBeGreaterThan(10_000);
    const [counts] = await stage.sql<{ pending: number; attempted: number; parked: number }[]>`
      select count(*) filter (where state = 'pending')::int as pending, count(*) filter (where attempts > 0)::int as attempted,
        count(*) filter (where state = 'parked')::int as parked from stripe_blnk_sync.postings where reference not like 'pi_first_%'`;
    expect(counts).toEqual({ pending: BACKLOG, attempted: 0, parked: 0 });
    expect(await readLanes(stage.db)).toMatchObject([{ ...LANE, pending: BACKLOG }]);
  });

  it('posts what is paid after it within a few chunks, and what waits the longest meanwhile', async () => {
    await stage.sandbox.listen();
    const storedAt = new Map<string, number>();
    const chunks = watchChunks(async (chunk) => {
      const page = chunk / 5;
      if (!Number.isInteger(page) || page > NEW_PAGES) return;
      const payments = makePayments(NEW, { name: `new${page}_`, created: new Date(Date.UTC(2026, 10, page)) });
      await stage.store(payments);
      for (const { id } of payments) storedAt.set(id, chunks.sent());
    });
    const { wrapLedger } = chunks;
    const drainer = await stage.drainer({ wrapLedger, chunkSize: CHUNK, leaseMs: 30_000 });
    await until(async () => (await drainer.drain(LANE, NEVER)) === null, 60_000);
    expect(await stage.states()).toEqual({ posted: 1 + BACKLOG + NEW * NEW_PAGES });
    expect(stage.sandbox.stats().rows).toBe(1 + BACKLOG + NEW * NEW_PAGES);
    const waits = [...storedAt].map(([id, at]) => chunks.chunkOf(id) - at);
    expect(waits).toHaveLength(NEW * NEW_PAGES);
    expect(Math.max(...waits)).toBeLessThanOrEqual(CHUNKS_MAX);
    // Half of the work goes to the oldest: its first page is in the ledger well before the last chunk.
    const oldest = makePayments(PAGE, { name: 'old0_' }).map(({ id }) => chunks.chunkOf(id));
    expect(Math.max(...oldest)).toBeLessThanOrEqual(chunks.sent() / 2);
  });
});

async function storeBacklog(): Promise<void> {
  for (let page = 0; page < BACKLOG / PAGE; page += 1) {
    const created = new Date(Date.UTC(2026, 9, 1 + page));
    await stage.store(makePayments(PAGE, { name: `old${page}_`, created }));
  }
}
