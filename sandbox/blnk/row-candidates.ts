// Row numbers in order of insertion, as a list or as a range, walked from either end.

export class RowCandidates {
  readonly #rows: readonly number[] | { from: number; to: number };

  constructor(rows: readonly number[] | { from: number; to: number }) {
    this.#rows = rows;
  }

  *newestFirst(): Generator<number> {
    if ('from' in this.#rows) {
      for (let row = this.#rows.to - 1; row >= this.#rows.from; row -= 1) {
        yield row;
      }
    } else {
      yield* [...this.#rows].reverse();
    }
  }

  *oldestFirst(): Generator<number> {
    if ('from' in this.#rows) {
      for (let row = this.#rows.from; row < this.#rows.to; row += 1) {
        yield row;
      }
    } else {
      yield* this.#rows;
    }
  }
}
