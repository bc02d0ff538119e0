/** Items of a day as rows of `staged_items`, and back: every text by which rows are found or sorted is ASCII there. */
import { fromAscii, toAscii } from '../../core/proof/line-key.js';
import {
  MARKS,
  readBody,
  type StagedItem,
  type StagedKind,
  type StoredItem,
  writeBody,
} from '../../core/proof/staged.js';
import { stagedItems } from '../schema/staged-days.js';

export const COLUMNS = {
  key: stagedItems.key,
  kind: stagedItems.kind,
  id: stagedItems.id,
  name: stagedItems.name,
  sequence: stagedItems.sequence,
  marks: stagedItems.marks,
  todo: stagedItems.todo,
  transactionId: stagedItems.transactionId,
  body: stagedItems.body,
};

/** Of one day. */
export type StagedRow = Omit<typeof stagedItems.$inferSelect, 'stagedDay'>;

/** What was written by `rowsOf`. */
export function itemOf(row: StagedRow): StoredItem {
  const { key, id, name, sequence, marks, todo, transactionId, body } = row;
  // Nothing else writes rows.
  const of = row.kind as StagedKind;
  return {
    ...{ kind: of, key, id: fromAscii(id), name: fromAscii(name), sequence, marks, todo },
    transactionId: transactionId === null ? null : fromAscii(transactionId),
    body: readBody(of, body),
  } as StoredItem;
}

/** Each key once: one statement cannot write a row twice. What is known to be done of an item stays known. */
export function rowsOf(items: readonly StagedItem[], next: () => number): StagedRow[] {
  const rows = new Map<string, StagedRow>();
  for (const item of items) {
    const { kind, key, todo, transactionId } = item;
    const [id, name] = [toAscii(item.id), toAscii(item.name)];
    const place = `${kind}\n${key}\n${id}`;
    const earlier = rows.get(place);
    rows.set(place, {
      ...{ kind, key, id, name, todo },
      sequence: earlier?.sequence ?? item.sequence ?? next(),
      marks: item.marks | ((earlier?.marks ?? 0) & MARKS.followed),
      transactionId: transactionId === null ? null : toAscii(transactionId),
      body: writeBody(item),
    });
  }
  return [...rows.values()];
}
