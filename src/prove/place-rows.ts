/**
 * Places the rows whose payment does not follow from their reference alone, once it is known which payments the day has: each
 * stands in the piece of its payment then. Only reads the store; rows that they commit or refund are looked up in it.
 */
import { refundedBy } from '../core/ledger/reference.js';
import { type LedgerRecord, rowKey } from '../core/ledger/row.js';
import type { Mirror } from '../core/posting/mirror.js';
import { paymentsOfRows } from '../core/proof/day-row.js';
import { idsWithin, keyOfRows } from '../core/proof/place-row.js';
import { type StagedItem, type StoredItem, TO_DO } from '../core/proof/staged.js';
import type { DayStore } from './day-store.js';
import { isRow } from './read-missing.js';
import { marksOf } from './stage-items.js';

/** Rows that are held at a time. */
const ROWS_MAX = 3_000;
/** Rows that name each other as parents must not be followed for ever; as far as `paymentsOfRows` follows them. */
const GENERATIONS_MAX = 8;

export async function placeRows(store: DayStore, mirror: Mirror): Promise<void> {
  await store.drop(TO_DO.placed);
  let after = -1;
  for (;;) {
    const found = (await store.todo(TO_DO.place, { after, limit: ROWS_MAX })).filter(isRow);
    const last = found.at(-1);
    if (last === undefined) return;
    after = last.sequence;
    await store.put(await placed(found, store, mirror));
  }
}

async function placed(
  found: readonly Extract<StoredItem, { readonly kind: 'row' }>[],
  store: DayStore,
  mirror: Mirror,
): Promise<StagedItem[]> {
  const items = new Map(found.map((item) => [rowKey(item.body), item]));
  let young: readonly LedgerRecord[] = found.map(({ body }) => body);
  for (let generation = 0; generation < GENERATIONS_MAX && young.length > 0; generation += 1) {
    const parents = young.flatMap((row) => (row.paymentId === null ? (parentOf(row) ?? []) : []));
    const read = (await store.findTransactions([...new Set(parents)])).filter(isRow);
    const fresh = read.filter(({ body }) => !items.has(rowKey(body)));
    for (const item of fresh) items.set(rowKey(item.body), item);
    young = fresh.map(({ body }) => body);
  }
  const rows = [...items.values()].sort((a, b) => a.sequence - b.sequence).map(({ body }) => body);
  const ids = new Set(rows.flatMap(({ reference }) => idsWithin(reference)));
  const known = new Set((await store.find({ kinds: ['payment', 'unreadable'] }, [...ids])).map(({ name }) => name));
  const paymentOf = paymentsOfRows(rows, (id) => known.has(id));
  const groups = found.map(({ body }) => paymentOf(body) ?? body.reference);
  // By our metadata a row may be of a payment that no reference names.
  const listed = new Set(
    (await store.find({ kinds: ['payment', 'unreadable'] }, [...new Set(groups)])).map(({ name }) => name),
  );
  return found.map(({ body: row, id, transactionId, sequence }, at): StagedItem => {
    const name = groups[at] ?? row.reference;
    const place = { key: keyOfRows(name, listed.has(name)), id: `${name} ${id}`, name };
    return {
      kind: 'placed',
      ...place,
      marks: marksOf(row, mirror),
      todo: TO_DO.placed,
      transactionId,
      sequence,
      body: row,
    };
  });
}

function parentOf(row: LedgerRecord): string | null {
  return refundedBy(row.reference) ?? row.parentId ?? null;
}
