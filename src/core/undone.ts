/**
 * Transactions that a person took back by hand: by one the other way whose reference is `<reference>:undo`. The two move
 * nothing together, so nothing that judges a ledger counts either of them. Pure.
 */
import type { LedgerRow } from './settlement.js';

type Movement = Pick<LedgerRow, 'reference' | 'status' | 'amount' | 'currency' | 'source' | 'destination'>;

const UNDO = /^(.+):undo(:\d+)?$/;

/** What a reference takes back, also when that takes something back itself; the reference when it takes nothing back. */
export function undoneReference(reference: string): string {
  const undone = UNDO.exec(reference)?.[1];
  return undone === undefined ? reference : undoneReference(undone);
}

/** The reference under which a row is to be taken back: `<reference>:undo`, numbered when that one is used. */
export function undoReferenceOf(reference: string, isUsed: (reference: string) => boolean): string {
  const first = `${reference}:undo`;
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? first : `${first}:${number}`;
    if (!isUsed(free)) return free;
  }
}

/** The rows without those that were taken back, and without what took them back; of a queued one its parent goes as well. */
export function withoutUndone<Row extends Movement>(rows: readonly Row[]): Row[] {
  const undone = new Set<Row>();
  // What undoes an undoing leaves the first row standing, so the longest reference is looked at first.
  for (const undoing of [...rows].sort((a, b) => b.reference.length - a.reference.length)) {
    const reference = UNDO.exec(undoing.reference)?.[1];
    if (reference === undefined || undone.has(undoing)) continue;
    const undoes = rows.find((row) => row.reference === reference && !undone.has(row) && areOpposite(row, undoing));
    if (undoes === undefined) continue;
    undone.add(undoing).add(undoes);
    const parent = rows.find(({ reference: other, status }) => `${other}_q` === reference && status === 'QUEUED');
    if (parent !== undefined) undone.add(parent);
  }
  return undone.size === 0 ? [...rows] : rows.filter((row) => !undone.has(row));
}

function areOpposite(one: Movement, other: Movement): boolean {
  return (
    one.status === 'APPLIED' &&
    other.status === 'APPLIED' &&
    one.amount !== null &&
    one.amount === other.amount &&
    one.currency === other.currency &&
    one.source === other.destination &&
    one.destination === other.source
  );
}
