/** Work in order beside whoever hands it in: the order, how far ahead, and what a failure does. */
import { describe, expect, it } from 'vitest';
import { createOrderedWork } from '../../src/core/base/ordered-work.js';

/** Pieces that end when they are told to. */
function createPieces() {
  const begun: number[] = [];
  const ends = new Map<number, { resolve(): void; reject(error: Error): void }>();
  return {
    begun,
    end: (piece: number) => ends.get(piece)?.resolve(),
    fail: (piece: number, error: Error) => ends.get(piece)?.reject(error),
    piece: (number: number) => () => {
      begun.push(number);
      return new Promise<void>((resolve, reject) => ends.set(number, { resolve, reject }));
    },
  };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('ordered work', () => {
  it('does one piece after the other, and lets as many ahead as it may', async () => {
    const { begun, end, piece } = createPieces();
    const work = createOrderedWork(2);
    await work.add(piece(1));
    await work.add(piece(2));
    let isAdded = false;
    const third = work.add(piece(3)).then(() => {
      isAdded = true;
    });
    await turns();
    expect(begun).toEqual([1]);
    expect(isAdded).toBe(false);
    end(1);
    await third;
    expect(begun).toEqual([1, 2]);
    end(2);
    await turns();
    end(3);
    await work.settled();
    expect(begun).toEqual([1, 2, 3]);
  });

  it('begins nothing after a piece that failed, and throws it to whoever adds or waits', async () => {
    const { begun, fail, piece } = createPieces();
    const work = createOrderedWork(2);
    await work.add(piece(1));
    await work.add(piece(2));
    const third = work.add(piece(3));
    await turns();
    fail(1, new Error('no room'));
    await expect(third).rejects.toThrow('no room');
    await expect(work.settled()).rejects.toThrow('no room');
    expect(begun).toEqual([1]);
  });

  it('has nothing to wait for before anything is added', async () => {
    await createOrderedWork(1).settled();
  });
});
