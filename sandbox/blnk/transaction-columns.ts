// Transactions as columns of typed arrays, in blocks that are never copied when they grow: about 80 bytes a row besides its texts.
// It stores and reads; what may be stored, and what else changes with it, is decided elsewhere.

export const blockRows = 65_536;

/** One block of rows. */
export class ColumnBlock {
  readonly amount = new Float64Array(blockRows);
  readonly precision = new Float64Array(blockRows);
  readonly createdMicros = new Float64Array(blockRows);
  /** NaN: no effective date (a burst of queued posts loses it). */
  readonly effectiveMicros = new Float64Array(blockRows);
  /** Real time of insertion, for replicas that lag. */
  readonly insertedMs = new Float64Array(blockRows);
  readonly textStart = new Float64Array(blockRows);
  readonly metadataStart = new Float64Array(blockRows);
  readonly metadataBytes = new Uint32Array(blockRows);
  readonly referenceBytes = new Uint16Array(blockRows);
  readonly descriptionBytes = new Uint16Array(blockRows);
  readonly idNumber = new Uint32Array(blockRows);
  readonly source = new Uint32Array(blockRows);
  readonly destination = new Uint32Array(blockRows);
  readonly parent = new Uint32Array(blockRows);
  readonly currency = new Uint16Array(blockRows);
  readonly status = new Uint8Array(blockRows);
}

/** Gives each distinct text a small number, for columns with few different values. */
export class InternedTexts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      return known;
    }
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  /** The number of a text that was stored before. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  textOf(number: number): string {
    return this.#texts[number] ?? '';
  }
}
