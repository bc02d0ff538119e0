/** The items of a small day, in memory. What it answers is what `db/proof/staged-day.ts` answers of a large one. */
import { compareText } from '../core/proof/certificate.js';
import { keyOf } from '../core/proof/line-key.js';
import { MARKS, type StagedItem, type StoredItem } from '../core/proof/staged.js';
import type { PieceBounds } from '../core/proof/tally-day.js';
import type { DayStore, NamedItem, Piece, Selector } from './day-store.js';

export interface MemoryStore extends DayStore {
  readonly size: number;
  /** In the order in which they came. */
  all(): Iterable<StoredItem>;
}

/** @param pieceItems of one piece, about */
export function createMemoryStore({
  begunAt,
  pieceItems,
}: {
  readonly begunAt: Date;
  readonly pieceItems: number;
}): MemoryStore {
  const items = new Map<string, StoredItem>();
  let sequence = 0;
  const select = (selector: Selector) => [...items.values()].filter((item) => isSelected(item, selector));
  const ordered = (found: StoredItem[]) => found.sort((a, b) => a.sequence - b.sequence);
  return {
    begunAt,
    progress: null,
    get size() {
      return items.size;
    },
    get last() {
      return sequence - 1;
    },
    all: () => items.values(),
    async put(added) {
      for (const item of added) {
        const id = `${item.kind}\n${item.key}\n${item.id}`;
        const earlier = items.get(id);
        items.set(id, merge(item, earlier, earlier?.sequence ?? item.sequence ?? sequence++));
      }
    },
    async without(one, others, { after, limit }) {
      const excluded = new Set(others.flatMap(select).map(placeOf));
      const names = new Map<string, NamedItem>();
      for (const item of select(one)) {
        const place = placeOf(item);
        if (excluded.has(place) || (after !== null && compareText(place, placeOf(after)) <= 0)) continue;
        const { key, name } = item;
        const earlier = names.get(place) ?? item;
        const kind = earlier.kind < item.kind ? earlier.kind : item.kind;
        names.set(place, { kind, key, name, sequence: Math.min(earlier.sequence, item.sequence) });
      }
      return [...names]
        .sort(([a], [b]) => compareText(a, b))
        .map(([, named]) => named)
        .slice(0, limit);
    },
    async find(selector, names) {
      const wanted = new Set(names.map((name) => placeOf({ key: keyOf(name), name })));
      return ordered(select(selector).filter((item) => wanted.has(placeOf(item))));
    },
    async findTransactions(transactionIds) {
      const wanted = new Set(transactionIds);
      const last = new Map<string, StoredItem>();
      for (const item of items.values()) {
        if (item.kind === 'row' && item.transactionId !== null && wanted.has(item.transactionId)) {
          last.set(item.transactionId, item);
        }
      }
      return ordered([...last.values()]);
    },
    async todo(bit, { after, limit }) {
      const found = [...items.values()].filter((item) => (item.todo & bit) !== 0 && item.sequence > after);
      return ordered(found).slice(0, limit);
    },
    async drop(bit, names) {
      const dropped = names === undefined ? null : new Set(names);
      for (const [id, item] of items) {
        if ((item.todo & bit) !== 0 && dropped?.has(item.name) !== false) items.delete(id);
      }
    },
    pieces: (bounds) => cut([...items.values()].filter(isCompared), { pieceItems, bounds }),
    async release() {},
    async discard() {
      items.clear();
    },
  };
}

/** What is known to be done of an item stays known when it comes again. */
export function merge(item: StagedItem, earlier: StagedItem | undefined, sequence: number): StoredItem {
  return { ...item, marks: item.marks | ((earlier?.marks ?? 0) & MARKS.followed), sequence };
}

function isSelected(item: StoredItem, { kinds, marks = 0 }: Selector): boolean {
  return kinds.includes(item.kind) && (item.marks & marks) === marks;
}

/** A row that is not plain is compared as `placed`. */
function isCompared({ kind, marks }: StoredItem): boolean {
  if (kind === 'row') return (marks & MARKS.plain) !== 0;
  return kind !== 'alias' && kind !== 'wanted';
}

/** Keys are ASCII without a line feed in front of the last character. */
function placeOf({ key, name }: { readonly key: string; readonly name: string }): string {
  return `${key}\n${name}`;
}

async function* cut(
  items: readonly StoredItem[],
  { pieceItems, bounds }: { readonly pieceItems: number; readonly bounds: readonly PieceBounds[] | undefined },
): AsyncGenerator<Piece> {
  const sorted = [...items].sort((a, b) => compareText(a.key, b.key) || a.sequence - b.sequence);
  let start = 0;
  for (const bound of bounds ?? boundsOf(sorted, pieceItems)) {
    let end = start;
    while (end < sorted.length && (bound.upTo === null || (sorted[end]?.key ?? '') <= bound.upTo)) end += 1;
    yield { ...bound, items: sorted.slice(start, end) };
    start = end;
  }
}

function boundsOf(sorted: readonly StoredItem[], pieceItems: number): PieceBounds[] {
  const bounds: PieceBounds[] = [];
  let after: string | null = null;
  for (let end = pieceItems; end < sorted.length; ) {
    const upTo: string = sorted[end - 1]?.key ?? '';
    bounds.push({ after, upTo });
    after = upTo;
    while (sorted[end]?.key === upTo) end += 1;
    end += pieceItems;
  }
  return [...bounds, { after, upTo: null }];
}
