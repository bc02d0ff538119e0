/** A large day is read along its key, piece by piece: what one piece costs does not grow with what is left of the day. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyOf } from '../../src/core/proof/line-key.js';
import { type StagedItem, TO_DO } from '../../src/core/proof/staged.js';
import { createLargeStores } from '../../src/db/proof/large-stores.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';

const ITEMS = 12_000;
const PIECE_ITEMS = 300;

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
});
afterAll(() => database.remove());

const items = Array.from({ length: ITEMS }, (_, number): StagedItem => {
  const name = `pi_${String((number * 7_919) % ITEMS).padStart(6, '0')}`;
  const body = { id: name, problem: 'made for a test', currency: null };
  return {
    kind: 'unreadable',
    name,
    key: keyOf(name),
    id: '',
    marks: 0,
    todo: TO_DO.follow,
    transactionId: null,
    body,
  };
});

/** Entries of the indexes that were read so far; `atLeast` are known to have been. */
async function entriesRead(atLeast: number): Promise<number> {
  let read = 0;
  await expect
    .poll(
      async () => {
        const [row] = await database.sql<{ read: number }[]>`
          select sum(idx_tup_read)::int as read from pg_stat_user_indexes where relname = 'staged_items'`;
        read = row?.read ?? 0;
        return read;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThanOrEqual(atLeast);
  return read;
}

it('each item is read about once for all pieces, and once for what is to be done, though nothing is known of the table', async () => {
  // Its connections end with it, and with them what they have read is told.
  const reader = await database.openAnother();
  const stores = createLargeStores(reader.db, {
    ...{ version: '0.0.0', pieceItems: PIECE_ITEMS },
    ...{ sleep: async () => {}, every: () => () => {} },
  });
  const request = { day: '2026-05-29', begunAt: new Date(), expected: ITEMS, settings: 'one', isAnew: false };
  const store = await stores.open(request);
  for (let at = 0; at < ITEMS; at += 2_000) await store.put(items.slice(at, at + 2_000));
  const found: string[] = [];
  for await (const piece of store.pieces()) found.push(...piece.items.map(({ name }) => name));
  let toDo = 0;
  for (let after = -1; ; ) {
    const some = await store.todo(TO_DO.follow, { after, limit: PIECE_ITEMS });
    const last = some.at(-1);
    if (last === undefined) break;
    toDo += some.length;
    after = last.sequence;
  }
  await store.release();
  await reader.close();
  expect([found.length, new Set(found).size, toDo]).toEqual([ITEMS, ITEMS, ITEMS]);
  expect(found).toEqual([...found].sort());
  expect(await entriesRead(2 * ITEMS)).toBeLessThan(5 * ITEMS);
});
