/**
 * What counts now of the rows that a ledger holds of one object: without what was taken back (by hand or through Blnk's
 * refund route) and what took it back, and with inflight rows as their children decided them. Pure; nothing that judges a
 * ledger counts a row that is not among these. The movement of balances is computed from the rows as they are.
 */
import { parseReference, refundOf } from './reference.js';
import type { LedgerRow } from './row.js';

/** The rows that stand. An inflight row is there once, as `APPLIED` with what was committed, as `VOID`, or still open. */
export function currentRows<Row extends LedgerRow>(rows: readonly Row[]): Row[] {
  return foldInflight(withoutReversed(rows));
}

/** The rows without those that were taken back, and without what took them back; of a queued one its parent goes as well. */
function withoutReversed<Row extends LedgerRow>(rows: readonly Row[]): Row[] {
  const gone = new Set<Row>();
  const reversals = rows
    .map((row) => ({ row, depth: depthOf(row, rows) }))
    .filter(({ depth }) => depth > 0)
    // What takes a reversal back leaves the first row standing, so the deepest is looked at first.
    .sort((a, b) => b.depth - a.depth || b.row.reference.length - a.row.reference.length);
  for (const { row: reversal } of reversals) {
    if (gone.has(reversal)) continue;
    const reversed = targetsOf(reversal, rows).find((row) => !gone.has(row) && areOpposite(row, reversal));
    if (reversed === undefined) continue;
    for (const row of [reversal, reversed]) {
      gone.add(row);
      const parent = rows.find(({ reference, status }) => status === 'QUEUED' && `${reference}_q` === row.reference);
      if (parent !== undefined) gone.add(parent);
    }
  }
  return gone.size === 0 ? [...rows] : rows.filter((row) => !gone.has(row));
}

/** How many reversals lie upon each other, this one included; 0 for what takes nothing back. */
function depthOf<Row extends LedgerRow>(row: Row, rows: readonly Row[], above = 0): number {
  // More than this no person does, and rows that name each other must not be followed for ever.
  if (above > 20) return above;
  const targets = targetsOf(row, rows);
  if (targets.length === 0) return above;
  return Math.max(...targets.map((target) => depthOf(target, rows, above + 1)));
}

/** The rows that this one states to take back. */
function targetsOf<Row extends LedgerRow>(row: Row, rows: readonly Row[]): Row[] {
  const reversed = reversedBy(row.reference);
  // Of a queued transaction the copy is what moved money; who takes it back may name either.
  if (reversed !== null) return rows.filter(({ reference }) => reference === reversed || reference === `${reversed}_q`);
  return rows.filter(({ transactionId }) => {
    const refund = refundOf(transactionId);
    return row.reference === refund || row.reference === `${refund}_q`;
  });
}

/** The reference that one made by hand takes back; null when it takes nothing back. */
export function reversedBy(reference: string): string | null {
  return /^(.+):undo(?::\d+)?(?:_q)?$/.exec(reference)?.[1] ?? null;
}

/** What a reference takes back in the end, also when that takes something back itself; itself when it takes nothing back. */
export function undoneReference(reference: string): string {
  const reversed = reversedBy(reference);
  return reversed === null ? reference : undoneReference(reversed);
}

function areOpposite(one: LedgerRow, other: LedgerRow): boolean {
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

function foldInflight<Row extends LedgerRow>(rows: readonly Row[]): Row[] {
  const inflight = rows.filter(({ status }) => status === 'INFLIGHT');
  if (inflight.length === 0) return [...rows];
  const folded = new Map<Row, Row>();
  const children = new Set<Row>();
  for (const row of inflight) {
    const own = rows.filter(
      ({ parentId, reference, status }) =>
        parentId === row.transactionId &&
        (status === 'APPLIED' || status === 'VOID') &&
        parseReference(reference).role !== 'reversal',
    );
    if (own.length === 0) continue;
    for (const child of own) children.add(child);
    folded.set(row, decided(row, own));
  }
  return rows.filter((row) => !children.has(row)).map((row) => folded.get(row) ?? row);
}

function decided<Row extends LedgerRow>(row: Row, children: readonly LedgerRow[]): Row {
  const sum = (status: string) =>
    children.reduce((total, child) => total + (child.status === status ? (child.amount ?? 0n) : 0n), 0n);
  const [committed, voided] = [sum('APPLIED'), sum('VOID')];
  const outcome = { booked: row.amount, committed, voided };
  const isVoid = children.some(({ status }) => status === 'VOID');
  if (isVoid && committed === 0n) return { ...row, status: 'VOID', outcome };
  if (isVoid || committed === row.amount) return { ...row, status: 'APPLIED', amount: committed, outcome };
  return { ...row, outcome };
}
