// Indexes over transactions, built when a filter first asks for one and kept up from then on: rows by parent, and rows by the
// text value of one metadata key. Numbers and other values are not indexed; a scan finds those.

import type { Metadata } from './transaction-row.js';

type RowsByValue = Map<string, number[]>;

export class RowIndexes {
  readonly #byKey = new Map<string, RowsByValue>();
  readonly #byParent: RowsByValue = new Map();
  readonly #metadataOf: (row: number) => Metadata;
  #rows = 0;

  constructor(metadataOf: (row: number) => Metadata) {
    this.#metadataOf = metadataOf;
  }

  /** Rows whose metadata has this text under this key, oldest first. */
  byMetadata(key: string, value: string): readonly number[] {
    let index = this.#byKey.get(key);
    if (index === undefined) {
      index = new Map();
      for (let row = 0; row < this.#rows; row += 1) {
        add(index, this.#metadataOf(row)[key], row);
      }
      this.#byKey.set(key, index);
    }
    return index.get(value) ?? [];
  }

  /** Rows of one parent, oldest first. */
  byParent(parent: string): readonly number[] {
    return this.#byParent.get(parent) ?? [];
  }

  added(row: number, { parent, metadata }: { parent: string; metadata: Metadata }): void {
    this.#rows = row + 1;
    if (parent !== '') {
      add(this.#byParent, parent, row);
    }
    for (const [key, index] of this.#byKey) {
      add(index, metadata[key], row);
    }
  }

  /** Drops the metadata indexes; the next question builds them again. */
  forget(): void {
    this.#byKey.clear();
  }
}

function add(index: RowsByValue, value: unknown, row: number): void {
  if (typeof value !== 'string') {
    return;
  }
  const rows = index.get(value);
  if (rows === undefined) {
    index.set(value, [row]);
  } else {
    rows.push(row);
  }
}
