/**
 * One reading of the rows of an object: each reference once, by the row that decides it (a queued or scheduled one is
 * decided by its copy), with what the reference is and what has become of it. Whether it is right is for others to judge.
 */
import { type ParsedReference, parseReference, type ReferenceRole } from './reference.js';
import type { LedgerRow } from './row.js';

/**
 * `undecided`: queued or scheduled, and Blnk may still apply it. `inflight`: booked, and at least a part neither committed
 * nor voided. `rejected`, `voided`: moved nothing, and the reference is used for ever. `other`: any further status.
 */
export type RowVerdict = 'applied' | 'undecided' | 'inflight' | 'rejected' | 'voided' | 'other';

export interface DecidedRow<Row extends LedgerRow = LedgerRow> {
  /** The reference, without Blnk's mark of a queued row's decided copy. */
  readonly base: string;
  readonly role: ReferenceRole;
  /** What a leg is a part of, and a reversal takes back; else the same as `base`. */
  readonly of: string;
  readonly number: number | null;
  readonly row: Row;
  readonly verdict: RowVerdict;
}

/** @param rows those that stand (`currentRows`); in any order */
export function decideRows<Row extends LedgerRow>(
  rows: readonly Row[],
  isObject: (id: string) => boolean,
): DecidedRow<Row>[] {
  const byBase = new Map<string, Row[]>();
  const parsed = new Map<string, ParsedReference>();
  for (const row of rows) {
    const read = parseReference(row.reference, isObject);
    parsed.set(row.reference, read);
    byBase.set(read.base, [...(byBase.get(read.base) ?? []), row]);
  }
  return [...byBase].flatMap(([base, ofBase]) => {
    const row = decidingRow(base, ofBase);
    if (row === undefined) return [];
    const { role, of, number } = parsed.get(base) ?? parseReference(base, isObject);
    return [{ base, role, of, number, row, verdict: verdictOf(row, base) }];
  });
}

/** A Core leaves these as they are when it has decided: the copy shows it. */
export function awaitsCopy({ status }: Pick<LedgerRow, 'status'>): boolean {
  return status === 'QUEUED' || status === 'SCHEDULED';
}

function decidingRow<Row extends LedgerRow>(base: string, rows: readonly Row[]): Row | undefined {
  const parent = rows.find(({ reference }) => reference === base);
  const child = rows.find(({ reference }) => reference !== base);
  return parent !== undefined && !awaitsCopy(parent) ? parent : (child ?? parent);
}

function verdictOf({ status, reference, outcome }: LedgerRow, base: string): RowVerdict {
  if (status === 'APPLIED') return 'applied';
  if (awaitsCopy({ status })) return 'undecided';
  if (status === 'INFLIGHT') return 'inflight';
  if (status === 'REJECTED' && reference !== base) return 'rejected';
  return status === 'VOID' && outcome !== undefined ? 'voided' : 'other';
}
