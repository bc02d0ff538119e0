/**
 * Where both sides of a day and our postings are held until they are compared: a port, because a small day stays in memory and a
 * large one does not fit. Items come page by page, and are read back in pieces, in the order of their keys.
 */
import type { StagedItem, StagedKind, StoredItem } from '../core/proof/staged.js';
import type { PieceBounds } from '../core/proof/tally-day.js';

/** One list of a day, and how far it is read. */
export interface ListProgress {
  /** The place behind the last page that is stored; null before the first one. Only who reads the list knows what it means. */
  readonly place: string | null;
  readonly isWhole: boolean;
}

/** By the name of the list. */
export interface DayProgress {
  readonly lists: Readonly<Record<string, ListProgress>>;
  /** Stripe's clock when the first page of its list was cut, in milliseconds since 1970. */
  readonly stripeAsOfMs: number | null;
  /** HTTP requests to each vendor, of all attempts together. */
  readonly stripeRequests: number;
  readonly ledgerRequests: number;
}

/** Items of these kinds that have all of these marks. */
export interface Selector {
  readonly kinds: readonly StagedKind[];
  readonly marks?: number;
}

export interface NamedItem {
  /** Of the items with this key and name, the first in the alphabet. */
  readonly kind: StagedKind;
  readonly key: string;
  readonly name: string;
  /** Of the first of these items. */
  readonly sequence: number;
}

/** The last piece may be empty. */
export interface Piece extends PieceBounds {
  /** What a comparison needs: all but rows that stand as `placed` too. In no order. */
  readonly items: readonly StoredItem[];
}

export interface DayStore {
  /** When the proof began whose items these are. */
  readonly begunAt: Date;
  /** What an earlier attempt had read; null when there was none. */
  readonly progress: DayProgress | null;
  /** The place of the item that came last in the order in which they came; -1 before the first one. */
  readonly last: number;
  /**
   * Stores the items, and how far the lists were read with them: both or neither. Throws SyncError `proof_taken_over` (transient)
   * when another process goes on with this proof.
   */
  put(items: readonly StagedItem[], progress?: DayProgress): Promise<void>;
  /**
   * Names of which there is an item of the one and none of the others under the same key, each once, by key: the next ones
   * after a place in that order.
   */
  without(
    one: Selector,
    others: readonly Selector[],
    page: { readonly after: NamedItem | null; readonly limit: number },
  ): Promise<NamedItem[]>;
  /** The items with these names under their own keys, by the order in which they came. */
  find(selector: Selector, names: readonly string[]): Promise<StoredItem[]>;
  /** Of each transaction the row that came last. */
  findTransactions(transactionIds: readonly string[]): Promise<StoredItem[]>;
  /** The first items with one of these bits in `todo`, in the order in which they came; those after a place in it. */
  todo(bit: number, page: { readonly after: number; readonly limit: number }): Promise<StoredItem[]>;
  /** Removes what has this bit in `todo`, or only the items named. */
  drop(bit: number, names?: readonly string[]): Promise<void>;
  /**
   * Every item once; items of one key are in one piece. The last piece has no upper end.
   * @param bounds of pieces as they were cut before, where items came since
   */
  pieces(bounds?: readonly PieceBounds[]): AsyncIterable<Piece>;
  /** Another process may go on with it. What is stored stays. */
  release(): Promise<void>;
  /** Removes everything: a certificate is kept, or the proof begins anew. */
  discard(): Promise<void>;
}

export interface DayRequest {
  /** `2026-11-21`. */
  readonly day: string;
  /** When this proof begins; a store of an earlier attempt has its own time. */
  readonly begunAt: Date;
  /** Number of payments that are expected, as far as anybody knows. */
  readonly expected: number;
  /** What the items depend on beside the vendors: items of other settings are of no use. */
  readonly settings: string;
  /** Nothing of an earlier attempt is to be used. */
  readonly isAnew: boolean;
}

export interface DayStores {
  open(request: DayRequest): Promise<DayStore>;
}

/** Stores outside of the memory of a process. */
export interface LargeStores extends DayStores {
  /** What an earlier attempt left and can be used; null when there is nothing. */
  findEarlier(request: DayRequest): Promise<DayStore | null>;
}
