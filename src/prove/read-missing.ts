/**
 * Asks the ledger for what its lists of a day did not show: payments by reference in all their forms, further rows of those
 * whose day key was changed, and what commits, voids and refunds the rows that are not plainly ours.
 */
import { childrenOf, findForms, GENERATIONS_MAX } from '../core/ledger/find-forms.js';
import { isApplied, isPlainlyOurs, type LedgerRecord } from '../core/ledger/row.js';
import type { Mirror } from '../core/posting/mirror.js';
import { roleOf } from '../core/proof/day-row.js';
import { MARKS, type StagedItem, type StoredItem, TO_DO } from '../core/proof/staged.js';
import type { DayStore, NamedItem, Selector } from './day-store.js';
import type { LedgerSide } from './ports.js';
import { itemsOfRow } from './stage-items.js';

/** Payments that are asked for at a time, each in all its forms. */
const PAYMENTS_A_REQUEST = 100;

/** Names that are held at a time. */
export const NAMES_MAX = 50_000;
/** Rows that are held at a time. */
const ROWS_MAX = 3_000;

const LISTED: Selector = { kinds: ['payment', 'unreadable'] };
const APPLIED: Selector = { kinds: ['row'], marks: MARKS.applied };

export interface MissingContext {
  readonly ledger: LedgerSide;
  readonly store: DayStore;
  readonly day: string;
  readonly mirror: Mirror;
}

/** Names of items of the one kind without any of the others, so many at a time, in the order in which they came. */
export async function* namesWithout(
  store: DayStore,
  one: Selector,
  others: readonly Selector[],
): AsyncGenerator<readonly NamedItem[]> {
  let after: NamedItem | null = null;
  for (;;) {
    const found: NamedItem[] = await store.without(one, others, { after, limit: NAMES_MAX });
    const last = found.at(-1);
    if (last === undefined) return;
    yield found.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.sequence - b.sequence));
    after = last;
  }
}

/**
 * Asks by reference for those of the day's payments whose own reference is not among the applied rows, and for those of which the
 * day shows more: what took it back may have taken effect on another day.
 */
export async function findMissingOfDay(context: MissingContext): Promise<void> {
  await findBeside(context);
  for await (const names of namesWithout(context.store, LISTED, [APPLIED])) {
    await findByForms(context, new Map(names.map(({ name }) => [name, context.day])));
  }
  await followRows(context);
}

/** Payments with an applied row of their own, and with further ones: replacements, corrections, parts, copies. */
async function findBeside(context: MissingContext): Promise<void> {
  const { store, day } = context;
  for await (const named of namesWithout(store, { kinds: ['alias'] }, [])) {
    const names = [...new Set(named.map(({ name }) => name))];
    const applied = new Set((await store.find(APPLIED, names)).map(({ name }) => name));
    const listed = await store.find(LISTED, [...applied]);
    await findAllForms(context, new Map(listed.map(({ name }) => [name, day])));
  }
}

/** The same of these payments. */
export async function findMissing(context: MissingContext, paymentIds: readonly string[]): Promise<void> {
  for (let at = 0; at < paymentIds.length; at += NAMES_MAX) {
    const ids = [...new Set(paymentIds.slice(at, at + NAMES_MAX))];
    const applied = new Set((await context.store.find(APPLIED, ids)).map(({ name }) => name));
    const missing = ids.filter((id) => !applied.has(id));
    await findByForms(context, new Map(missing.map((id) => [id, context.day])));
  }
  await followRows(context);
}

/** Asks by reference, in all their forms, for all of these payments. @param dayOf the day of each */
export async function findAllForms(context: MissingContext, dayOf: ReadonlyMap<string, string>): Promise<void> {
  const replacements = [...dayOf].map(([id, day]) => [`${id}:r1`, day] as const);
  await findByForms(context, new Map([...dayOf, ...replacements]), null);
  await followRows(context);
}

async function findByForms(
  { ledger, store, mirror }: MissingContext,
  dayOf: ReadonlyMap<string, string>,
  own: Mirror | null = mirror,
): Promise<void> {
  const missing = [...dayOf.keys()];
  const unsettled: string[] = [];
  for (let at = 0; at < missing.length; at += PAYMENTS_A_REQUEST) {
    const ids = missing.slice(at, at + PAYMENTS_A_REQUEST);
    const forms = await findForms(ids, ledger, own);
    const replaced = await ledger.findByReference(ids.map((id) => `${id}:r1`));
    const rows = [...[...forms.values()].flat(), ...replaced];
    await putRows(store, rows, mirror);
    unsettled.push(
      ...ids.filter((id) => mayHaveMore(id, rows, { day: dayOf.get(id) ?? '', mirrorId: mirror.mirrorId })),
    );
  }
  for (const id of unsettled) await putRows(store, await ledger.listOfPayment(id), mirror);
}

/** Rows whose commits, voids and refunds were not asked for yet, and what those are, as far as a Core makes chains of them. */
async function followRows({ ledger, store, mirror }: MissingContext): Promise<void> {
  for (let generation = 0; generation < GENERATIONS_MAX; generation += 1) {
    const end = store.last;
    let after = -1;
    let isOver = true;
    while (after < end) {
      const found = await store.todo(TO_DO.follow, { after, limit: ROWS_MAX });
      const last = found.at(-1);
      if (last === undefined) break;
      after = last.sequence;
      const young = found.filter((item) => item.sequence <= end && (item.marks & MARKS.followed) === 0).filter(isRow);
      if (young.length === 0) continue;
      isOver = false;
      const rows = young.map(({ body }) => body).filter((row) => !isPlainlyOurs(row, mirror));
      const children = await childrenOf(rows, ledger, mirror);
      // Together: a process that goes on after this one asks for the children of the others alone.
      await store.put([...young.map(asFollowed), ...children.flatMap((row) => itemsOfRow(row, mirror))]);
    }
    if (isOver) return;
  }
}

export function isRow(item: StoredItem): item is Extract<StoredItem, { readonly kind: 'row' }> {
  return item.kind === 'row';
}

function asFollowed(item: Extract<StoredItem, { readonly kind: 'row' }>): StagedItem {
  return { ...item, marks: item.marks | MARKS.followed, todo: item.todo & ~TO_DO.follow };
}

async function putRows(store: DayStore, rows: readonly LedgerRecord[], mirror: Mirror): Promise<void> {
  if (rows.length > 0) await store.put(rows.flatMap((row) => itemsOfRow(row, mirror)));
}

/**
 * Rows that the day's list does not have: of a payment whose day key was changed, and further replacements of one whose
 * references are unusable and of which nothing else was seen.
 */
function mayHaveMore(
  id: string,
  rows: readonly LedgerRecord[],
  { day, mirrorId }: { readonly day: string; readonly mirrorId: string },
): boolean {
  const originals = rows.filter((row) => roleOf(row, id) === 'original');
  const lostDay = originals.some((row) => row.mirrorId === mirrorId && row.day !== day);
  return lostDay || (originals.length > 0 && !originals.some(isApplied));
}
