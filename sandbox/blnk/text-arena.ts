// Append-only text outside the JavaScript heap: a million rows cost their bytes and nothing for the garbage collector.
// Nothing is ever freed; a changed text is written again. A text lies within one chunk.

const chunkBytes = 8 * 1024 * 1024;

/** UTF-8 texts, addressed by where they start and how many bytes they have. */
export class TextArena {
  #chunks: Buffer[] = [];
  #used = chunkBytes;

  /** Writes texts one behind the other; answers the start of the first and the length of each. */
  append(texts: readonly string[]): { start: number; lengths: number[] } {
    const most = texts.reduce((sum, text) => sum + text.length * 3, 0);
    if (this.#used + most > chunkBytes) {
      this.#chunks.push(Buffer.allocUnsafe(Math.max(chunkBytes, most)));
      this.#used = 0;
    }
    const chunk = this.#lastChunk();
    const start = (this.#chunks.length - 1) * chunkBytes + this.#used;
    const lengths = texts.map((text) => {
      const length = chunk.write(text, this.#used);
      this.#used += length;
      return length;
    });
    return { start, lengths };
  }

  read(start: number, length: number): string {
    const chunk = this.#chunks[Math.floor(start / chunkBytes)];
    const offset = start % chunkBytes;
    return chunk === undefined ? '' : chunk.toString('utf8', offset, offset + length);
  }

  #lastChunk(): Buffer {
    const chunk = this.#chunks.at(-1);
    if (chunk === undefined) {
      throw new Error('the arena has no chunk');
    }
    return chunk;
  }
}
