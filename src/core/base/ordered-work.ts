/** Work that is done in order, one piece after the other, beside whoever hands it in. */

export interface OrderedWork {
  /**
   * Hands in the next piece; resolves when there is room for another one. Once a piece has failed none begins any more, and
   * this rejects with its error.
   */
  add(piece: () => Promise<void>): Promise<void>;
  /** Waits for all that was handed in. Rejects with the error of the first piece that failed. */
  settled(): Promise<void>;
}

/** @param aheadMax pieces that are not done yet while a further one is being made */
export function createOrderedWork(aheadMax: number): OrderedWork {
  const undone: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  return {
    async add(piece) {
      last = last.then(piece);
      // Reported to whoever adds the next piece or awaits the end.
      last.catch(() => {});
      undone.push(last);
      while (undone.length > aheadMax) await undone.shift();
    },
    settled: () => last,
  };
}
