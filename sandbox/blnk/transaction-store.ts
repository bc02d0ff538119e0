// All transactions of the sandbox. References are unique for ever, rows are numbered from 0 in order of insertion, and a
// deleted row keeps its number. It knows nothing of balances' amounts, locks or HTTP.

import { TransactionIds } from './entity-id.js';
import { RowIndexes } from './row-indexes.js';
import { TextArena } from './text-arena.js';
import { blockRows, ColumnBlock, InternedTexts } from './transaction-columns.js';
import type { Metadata, NewTransaction, StoredTransaction, TransactionStatus } from './transaction-row.js';

const statuses: readonly (TransactionStatus | undefined)[] = [
  undefined,
  'APPLIED',
  'QUEUED',
  'REJECTED',
  'SCHEDULED',
  'INFLIGHT',
  'VOID',
];

/** The transactions, their columns, texts and indexes. */
export class TransactionStore {
  readonly ids: TransactionIds;
  readonly indexes = new RowIndexes((row) => this.metadataOf(row));
  /** False once the clock went backwards: row order is then no longer time order. */
  createdInOrder = true;
  #blocks: ColumnBlock[] = [];
  #rows = 0;
  #nextId = 0;
  #rowOfId = new Map<number, number>();
  #rowOfReference = new Map<string, number>();
  #largeAmounts = new Map<number, bigint>();
  #currencies = new InternedTexts();
  #parents = new InternedTexts();
  #texts = new TextArena();
  #lastCreated = 0;

  constructor(seed: number) {
    this.ids = new TransactionIds(seed);
  }

  /** How many row numbers there are, deleted rows included. */
  get rowCount(): number {
    return this.#rows;
  }

  /** Takes the next id number; it may stay without a row for ever, as a queued duplicate's does in Core. */
  takeIdNumber(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  hasReference(reference: string): boolean {
    return this.#rowOfReference.has(reference);
  }

  rowOfReference(reference: string): number | undefined {
    return this.#rowOfReference.get(reference);
  }

  rowOfId(transactionId: string): number | undefined {
    const idNumber = this.ids.parse(transactionId);
    if (idNumber === undefined) {
      return undefined;
    }
    const row = this.#rowOfId.get(idNumber) ?? idNumber;
    const known = row < this.#rows && this.#at(row).idNumber[row % blockRows] === idNumber;
    return known && this.statusOf(row) !== undefined ? row : undefined;
  }

  insert(transaction: NewTransaction): number {
    const row = this.#rows;
    this.#rows += 1;
    if (row % blockRows === 0) {
      this.#blocks.push(new ColumnBlock());
    }
    const block = this.#at(row);
    const at = row % blockRows;
    if (transaction.idNumber !== row) {
      this.#rowOfId.set(transaction.idNumber, row);
    }
    this.createdInOrder &&= transaction.createdMicros >= this.#lastCreated;
    this.#lastCreated = transaction.createdMicros;
    block.idNumber[at] = transaction.idNumber;
    block.insertedMs[at] = Date.now();
    block.createdMicros[at] = transaction.createdMicros;
    block.effectiveMicros[at] = transaction.effectiveMicros ?? Number.NaN;
    block.precision[at] = transaction.precision;
    block.source[at] = transaction.source;
    block.destination[at] = transaction.destination;
    block.currency[at] = this.#currencies.numberOf(transaction.currency);
    block.parent[at] = this.#parents.numberOf(transaction.parent);
    block.status[at] = statuses.indexOf(transaction.status);
    this.#setAmount(row, transaction.preciseAmount);
    const metadataJson = JSON.stringify(transaction.metadata);
    const { start, lengths } = this.#texts.append([transaction.reference, transaction.description, metadataJson]);
    const [referenceBytes = 0, descriptionBytes = 0, metadataBytes = 0] = lengths;
    block.textStart[at] = start;
    block.referenceBytes[at] = referenceBytes;
    block.descriptionBytes[at] = descriptionBytes;
    block.metadataStart[at] = start + referenceBytes + descriptionBytes;
    block.metadataBytes[at] = metadataBytes;
    this.#rowOfReference.set(transaction.reference, row);
    this.indexes.added(row, { parent: transaction.parent, metadata: transaction.metadata });
    return row;
  }

  /** Overwrites parts of a row as nobody but a damaged database would; balances do not follow. */
  alter(
    row: number,
    change: Partial<Omit<StoredTransaction, 'transactionId' | 'reference' | 'parent' | 'description'>>,
  ): void {
    const block = this.#at(row);
    const at = row % blockRows;
    if (change.preciseAmount !== undefined) {
      this.#setAmount(row, change.preciseAmount);
    }
    block.precision[at] = change.precision ?? block.precision[at] ?? 1;
    block.source[at] = change.source ?? block.source[at] ?? 0;
    block.destination[at] = change.destination ?? block.destination[at] ?? 0;
    block.createdMicros[at] = change.createdMicros ?? block.createdMicros[at] ?? 0;
    block.effectiveMicros[at] = change.effectiveMicros ?? block.effectiveMicros[at] ?? Number.NaN;
    this.createdInOrder &&= change.createdMicros === undefined;
    if (change.currency !== undefined) {
      block.currency[at] = this.#currencies.numberOf(change.currency);
    }
    if (change.status !== undefined) {
      block.status[at] = statuses.indexOf(change.status);
    }
    if (change.metadataJson !== undefined) {
      const { start, lengths } = this.#texts.append([change.metadataJson]);
      block.metadataStart[at] = start;
      block.metadataBytes[at] = lengths[0] ?? 0;
      this.indexes.forget();
    }
  }

  /** Makes a row vanish, and its reference free, as a restored backup would. */
  delete(row: number): void {
    this.#rowOfReference.delete(this.referenceOf(row));
    this.#at(row).status[row % blockRows] = 0;
  }

  read(row: number): StoredTransaction {
    const block = this.#at(row);
    const at = row % blockRows;
    const effective = block.effectiveMicros[at] ?? Number.NaN;
    const textStart = block.textStart[at] ?? 0;
    const referenceBytes = block.referenceBytes[at] ?? 0;
    return {
      transactionId: this.idOf(row),
      reference: this.#texts.read(textStart, referenceBytes),
      description: this.#texts.read(textStart + referenceBytes, block.descriptionBytes[at] ?? 0),
      status: this.statusOf(row) ?? 'REJECTED',
      preciseAmount: this.amountOf(row),
      precision: block.precision[at] ?? 1,
      currency: this.currencyOf(row),
      source: block.source[at] ?? 0,
      destination: block.destination[at] ?? 0,
      createdMicros: block.createdMicros[at] ?? 0,
      effectiveMicros: Number.isNaN(effective) ? undefined : effective,
      parent: this.parentOf(row),
      metadataJson: this.#texts.read(block.metadataStart[at] ?? 0, block.metadataBytes[at] ?? 0),
    };
  }

  idOf(row: number): string {
    return this.ids.format(this.#at(row).idNumber[row % blockRows] ?? 0);
  }

  referenceOf(row: number): string {
    const block = this.#at(row);
    const at = row % blockRows;
    return this.#texts.read(block.textStart[at] ?? 0, block.referenceBytes[at] ?? 0);
  }

  metadataOf(row: number): Metadata {
    const block = this.#at(row);
    const at = row % blockRows;
    return JSON.parse(this.#texts.read(block.metadataStart[at] ?? 0, block.metadataBytes[at] ?? 0)) as Metadata;
  }

  /** Undefined for a deleted row. */
  statusOf(row: number): TransactionStatus | undefined {
    return statuses[this.#at(row).status[row % blockRows] ?? 0];
  }

  amountOf(row: number): bigint {
    return this.#largeAmounts.get(row) ?? BigInt(this.#at(row).amount[row % blockRows] ?? 0);
  }

  currencyOf(row: number): string {
    return this.#currencies.textOf(this.#at(row).currency[row % blockRows] ?? 0);
  }

  parentOf(row: number): string {
    return this.#parents.textOf(this.#at(row).parent[row % blockRows] ?? 0);
  }

  /** A number column, for scans that must not build whole rows. */
  number(
    row: number,
    column: 'createdMicros' | 'effectiveMicros' | 'source' | 'destination' | 'precision' | 'insertedMs',
  ): number {
    return this.#at(row)[column][row % blockRows] ?? 0;
  }

  #setAmount(row: number, amount: bigint): void {
    const small = Number(amount);
    this.#at(row).amount[row % blockRows] = small;
    if (Number.isSafeInteger(small)) {
      this.#largeAmounts.delete(row);
    } else {
      this.#largeAmounts.set(row, amount);
    }
  }

  #at(row: number): ColumnBlock {
    const block = this.#blocks[Math.floor(row / blockRows)];
    if (block === undefined) {
      throw new RangeError(`there is no row ${row}`);
    }
    return block;
  }
}
