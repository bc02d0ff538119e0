/**
 * Which store a day gets: memory while it is small, the database from so many items on, and what an earlier attempt left there
 * in any case. A day of which nobody knew that it is large moves over while it is listed.
 */
import type { StagedItem } from '../core/proof/staged.js';
import type { DayRequest, DayStore, DayStores, LargeStores } from './day-store.js';
import { createMemoryStore } from './memory-store.js';

export interface DayStoresOptions {
  readonly large: LargeStores;
  /** Items that may be in memory; a payment has three of them, each of about 1 kB. */
  readonly memoryItems: number;
  /** Items of one piece, about. */
  readonly pieceItems: number;
}

/** As many items as 20,000 payments have: fewer cost less in memory than in the database, and about 100 MB. */
export const MEMORY_ITEMS = 60_000;
/** About 10 MB with what comparing makes of them. */
export const PIECE_ITEMS = 6_000;

const ITEMS_A_PAYMENT = 3;
const MOVED_AT_ONCE = 2_000;

export function createDayStores({ large, memoryItems, pieceItems }: DayStoresOptions): DayStores {
  return {
    async open(request) {
      const earlier = request.isAnew ? null : await large.findEarlier(request);
      if (earlier !== null) return earlier;
      if (request.expected * ITEMS_A_PAYMENT > memoryItems) return large.open(request);
      return growing(request, { large, memoryItems, pieceItems });
    },
  };
}

function growing(request: DayRequest, { large, memoryItems, pieceItems }: DayStoresOptions): DayStore {
  const memory = createMemoryStore({ begunAt: request.begunAt, pieceItems });
  let current: DayStore = memory;
  const moveOver = async (): Promise<void> => {
    // From now on what is opened here is what is released, whether all of it gets there or not.
    current = await large.open(request);
    let moved: StagedItem[] = [];
    for (const item of memory.all()) {
      moved.push(item);
      if (moved.length < MOVED_AT_ONCE) continue;
      await current.put(moved);
      moved = [];
    }
    await current.put(moved);
    await memory.discard();
  };
  return {
    begunAt: request.begunAt,
    progress: null,
    get last() {
      return current.last;
    },
    async put(items, progress) {
      if (current === memory && memory.size + items.length > memoryItems) await moveOver();
      await current.put(items, progress);
    },
    without: (one, others, page) => current.without(one, others, page),
    find: (selector, names) => current.find(selector, names),
    findTransactions: (transactionIds) => current.findTransactions(transactionIds),
    todo: (bit, page) => current.todo(bit, page),
    drop: (bit, names) => current.drop(bit, names),
    pieces: (bounds) => current.pieces(bounds),
    release: () => current.release(),
    discard: () => current.discard(),
  };
}
