/**
 * Finds everything that a ledger holds of some references, in whichever form somebody posted them. One question while the
 * ledger holds none of them; more only about what was found. Decides nothing.
 */
import {
  formsOf,
  furtherFormsOf,
  parseReference,
  queuedChildOf,
  refundedBy,
  refundOf,
  reversalFormsOf,
} from './reference.js';
import { isApplied, isPlainlyOurs, type LedgerRow, rowKey } from './row.js';

/** Who can be asked for rows of a ledger. */
export interface RowFinder<Row extends LedgerRow> {
  /** At most 5,000 references. Rows that exist, in any order. Throws SyncError `transient` when the look-up fails. */
  findByReference(references: readonly string[]): Promise<Row[]>;
  /** At most 100 transactions. What commits, voids or refunds them, or is a queued copy. Throws as `findByReference` does. */
  findChildren(transactionIds: readonly string[]): Promise<Row[]>;
}

/** A commit's refund, and the refund of that, are the longest chain that a Core makes. */
export const GENERATIONS_MAX = 4;

/** References of refunds in one question. */
const REFUNDS_MAX = 600;

/** Parents in one request for children, at most. */
const PARENTS_MAX = 100;

/**
 * @param references of transactions as their owner posted them
 * @param own.mirrorId our own applied rows were posted plainly: nothing further is asked about them. Null: about all of them, because
 *   more was seen of these payments than one row
 * @returns all rows, by reference: those of its forms, and the children of those
 */
export async function findForms<Row extends LedgerRow>(
  references: readonly string[],
  finder: RowFinder<Row>,
  own: OwnRows,
): Promise<Map<string, Row[]>> {
  const found = new Found<Row>(references);
  found.add(await finder.findByReference(references.flatMap(formsOf)));
  const unusual = references.filter((reference) => found.of(reference).some((row) => !isSettled(row, own)));
  if (unusual.length === 0) return found.byReference;
  const further = unusual.flatMap(furtherFormsOf);
  found.add(await finder.findByReference(further));
  const reversals = unusual.flatMap((reference) => found.of(reference)).filter(isReversal);
  found.add(await reversalsOf(reversals, finder, new Set(further)));
  let young = unusual.flatMap((reference) => found.of(reference));
  for (let generation = 0; generation < GENERATIONS_MAX && young.length > 0; generation += 1) {
    young = found.add(await childrenOf(young, finder, own));
  }
  return found.byReference;
}

/**
 * What commits, voids and refunds these rows. Refunds are asked for by their reference; only what was booked inflight needs
 * the question for children, because the reference of a commit may be a random one.
 */
export async function childrenOf<Row extends LedgerRow>(
  rows: readonly Row[],
  { findByReference, findChildren }: RowFinder<Row>,
  own: OwnRows,
): Promise<Row[]> {
  const refunds = rows
    .filter((row) => isApplied(row) && !isSettled(row, own))
    .flatMap(({ transactionId }) => [refundOf(transactionId), queuedChildOf(refundOf(transactionId))]);
  const inflight = rows.filter(({ status }) => status === 'INFLIGHT').map(({ transactionId }) => transactionId);
  const children: Row[] = [];
  for (let start = 0; start < refunds.length; start += REFUNDS_MAX) {
    children.push(...(await findByReference(refunds.slice(start, start + REFUNDS_MAX))));
  }
  for (let start = 0; start < inflight.length; start += PARENTS_MAX) {
    children.push(...(await findChildren(inflight.slice(start, start + PARENTS_MAX))));
  }
  return children;
}

function isReversal({ reference }: LedgerRow): boolean {
  return parseReference(reference).role === 'reversal';
}

/**
 * What a person took these rows back with, and what took that back: it carries none of our metadata, so that only its reference
 * finds it. No question about rows of which the answer is known.
 *
 * @param asked references that were asked for before
 */
export async function reversalsOf<Row extends LedgerRow>(
  rows: readonly Row[],
  { findByReference }: Pick<RowFinder<Row>, 'findByReference'>,
  asked: ReadonlySet<string>,
): Promise<Row[]> {
  const known = new Set(asked);
  const found: Row[] = [];
  let young = rows;
  for (let generation = 0; generation < GENERATIONS_MAX; generation += 1) {
    const applied = young.filter(isApplied).map(({ reference }) => parseReference(reference).base);
    const forms = [...new Set(applied.flatMap(reversalFormsOf))].filter((form) => !known.has(form));
    if (forms.length === 0) return found;
    for (const form of forms) known.add(form);
    young = await findByReference(forms);
    found.push(...young);
  }
  return found;
}

type OwnRows = { readonly mirrorId: string } | null;

function isSettled(row: LedgerRow, own: OwnRows): boolean {
  return own !== null && isPlainlyOurs(row, own);
}

class Found<Row extends LedgerRow> {
  readonly byReference = new Map<string, Row[]>();
  readonly #seen = new Set<string>();
  readonly #byTransaction = new Map<string, string>();
  readonly #asked: ReadonlySet<string>;

  constructor(references: readonly string[]) {
    this.#asked = new Set(references);
  }

  of(reference: string): readonly Row[] {
    return this.byReference.get(reference) ?? [];
  }

  /** @returns those that were not known */
  add(rows: readonly Row[]): Row[] {
    return rows.filter((row) => {
      const key = rowKey(row);
      const owner = this.#ownerOf(row);
      if (owner === undefined || this.#seen.has(key)) return false;
      this.#seen.add(key);
      this.#byTransaction.set(row.transactionId, owner);
      this.byReference.set(owner, [...this.of(owner), row]);
      return true;
    });
  }

  #ownerOf(row: Row): string | undefined {
    const byTransaction =
      this.#byTransaction.get(refundedBy(row.reference) ?? '') ?? this.#byTransaction.get(row.parentId ?? '');
    if (byTransaction !== undefined) return byTransaction;
    return this.#ownerByReference(row.reference);
  }

  #ownerByReference(reference: string): string | undefined {
    if (this.#asked.has(reference)) return reference;
    const { base, of } = parseReference(reference, (id) => this.#asked.has(id));
    if (this.#asked.has(base)) return base;
    return of === base ? undefined : this.#ownerByReference(of);
  }
}
