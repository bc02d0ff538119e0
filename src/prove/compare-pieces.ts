/**
 * Compares a day piece by piece, in the order of the keys, so that the lines of the hashes come in their order. A copy of a
 * payment under some other reference has its line elsewhere in that order: when there is one, its line is stored under its own
 * key, and the pieces are gone through once more.
 */
import type { Mirror } from '../core/posting/mirror.js';
import { compareSides } from '../core/proof/compare-day.js';
import type { JudgeRules, SideLine } from '../core/proof/day-payment.js';
import type { OtherPayment } from '../core/proof/judge-unlisted.js';
import { keyOf } from '../core/proof/line-key.js';
import { type StagedBodies, type StagedItem, type StagedKind, type StoredItem, TO_DO } from '../core/proof/staged.js';
import { createTally, type PieceBounds, type TalliedDay, type TallyRules } from '../core/proof/tally-day.js';
import type { DayStore, Piece } from './day-store.js';
import type { BalanceBook } from './read-balances.js';

export interface CompareRules extends TallyRules, Pick<JudgeRules, 'isCollected'> {
  readonly day: string;
  readonly mirror: Mirror;
  readonly balances: BalanceBook;
}

export async function comparePieces(store: DayStore, rules: CompareRules): Promise<TalliedDay> {
  await store.drop(TO_DO.line);
  const bounds: PieceBounds[] = [];
  let strays = 0;
  const tally = createTally(rules);
  for await (const piece of readAhead(store.pieces())) {
    bounds.push({ after: piece.after, upTo: piece.upTo });
    const found = await compareOne(piece, rules, tally);
    if (found.length > 0) await store.put(found.map((stray, at) => itemOfStray(stray, strays + at)));
    strays += found.length;
  }
  const first = tally.end(rules.balances.sources.keys());
  return strays === 0 ? first : compareAgain(store, rules, bounds);
}

/** With the same pieces, because a line is another piece's by their bounds. */
async function compareAgain(store: DayStore, rules: CompareRules, bounds: readonly PieceBounds[]): Promise<TalliedDay> {
  const tally = createTally(rules);
  for await (const piece of readAhead(store.pieces(bounds))) await compareOne(piece, rules, tally);
  return tally.end(rules.balances.sources.keys());
}

/** The next piece is read while one is compared. */
async function* readAhead(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  const iterator = pieces[Symbol.asyncIterator]();
  let next = iterator.next();
  for (;;) {
    const { done, value } = await next;
    if (done === true) return;
    next = iterator.next();
    // Reported when this piece is awaited.
    next.catch(() => {});
    yield value;
  }
}

async function compareOne(
  { items, after, upTo }: Piece,
  { day, mirror, balances, isCollected }: CompareRules,
  tally: ReturnType<typeof createTally>,
): Promise<SideLine[]> {
  const ordered = [...items].sort((a, b) => a.sequence - b.sequence);
  const [payments, own] = [bodiesOf(ordered, 'payment'), bodiesOf(ordered, 'posting')];
  const others = new Map<string, OtherPayment>();
  const groups = new Map<unknown, string>();
  const strays: SideLine[] = [];
  for (const item of ordered) {
    if (item.kind === 'other') others.set(item.name, item.body);
    if (item.kind === 'row' || item.kind === 'placed') groups.set(item.body, item.name);
    if (item.kind === 'line') strays.push(item.body);
  }
  const elsewhere = [...others.values()].flatMap((other) => (other.kind === 'created_on' ? (other.held ?? []) : []));
  const compared = compareSides({
    ...{ day, mirror, payments, own, others, isCollected, sources: balances.sources },
    unreadable: bodiesOf(ordered, 'unreadable'),
    rows: [...bodiesOf(ordered, 'row', 'placed')],
    groupOf: (row) => groups.get(row) ?? row.reference,
    balanceId: await balances.resolve({
      payments: [...payments, ...elsewhere.map(({ payment }) => payment)],
      postings: [...own, ...elsewhere.flatMap(({ own: postings }) => postings)],
    }),
  });
  return tally.add(compared, { after, upTo }, strays);
}

function bodiesOf<Kind extends StagedKind>(
  items: readonly StoredItem[],
  ...kinds: readonly Kind[]
): StagedBodies[Kind][] {
  // A body is of its item's kind; the compiler does not follow that through a filter.
  return items.filter(({ kind }) => kinds.some((one) => one === kind)).map(({ body }) => body as StagedBodies[Kind]);
}

function itemOfStray(line: SideLine, number: number): StagedItem {
  const place = { key: keyOf(line.id), id: `${number}`, name: line.id };
  return { kind: 'line', ...place, marks: 0, todo: TO_DO.line, transactionId: null, body: line };
}
