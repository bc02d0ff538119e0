/**
 * The items of a large day, in the database. What it answers is what `prove/memory-store.ts` answers of a small one. Every
 * statement reads or writes a bounded number of items, because each has to end in the time that statements have.
 */
import { and, asc, eq, gt, inArray, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Clock } from '../../core/base/clock.js';
import { SyncError } from '../../core/base/errors.js';
import { fromAscii, keyOf, toAscii } from '../../core/proof/line-key.js';
import { MARKS, type StagedKind, type StoredItem } from '../../core/proof/staged.js';
import type { PieceBounds } from '../../core/proof/tally-day.js';
import type { DayProgress, DayStore, NamedItem, Piece, Selector } from '../../prove/day-store.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { stagedDays, stagedItems } from '../schema/staged-days.js';
import { alongIndex } from './along-index.js';
import { putStatement } from './put-staged.js';
import { removeItems, removeStaged } from './remove-staged.js';
import { COLUMNS, itemOf, rowsOf, type StagedRow } from './staged-rows.js';

export interface StagedDayOptions extends Pick<Clock, 'every'> {
  readonly id: number;
  readonly token: string;
  readonly begunAt: Date;
  readonly progress: DayProgress | null;
  /** Of the next item. */
  readonly sequence: number;
  readonly pieceItems: number;
}

/** A third of the lease (large-stores.ts): a vendor may keep this process waiting for longer than it lasts. */
const RENEW_EVERY_MS = 5_000;
/** Items that one statement looks through. */
const SCANNED_MAX = 100_000;
/** Names of one statement. */
const NAMES_MAX = 10_000;

export function createStagedDay(db: Drizzle, options: StagedDayOptions): DayStore {
  const { id, token, begunAt, progress, pieceItems } = options;
  let sequence = options.sequence;
  const assertOurs = (isOurs: boolean): void => {
    if (isOurs) return;
    stopRenewing();
    throw takenOver();
  };
  let writing: Promise<unknown> = Promise.resolve();
  let isReleased = false;
  const renew = async (): Promise<void> => {
    assertOurs(!isReleased);
    const renewing = db
      .update(stagedDays)
      .set({ renewedAt: sql`clock_timestamp()` })
      .where(and(eq(stagedDays.id, id), eq(stagedDays.token, token)))
      .execute();
    writing = Promise.allSettled([writing, renewing]);
    assertOurs((await renewing).count > 0);
  };
  let isTimerRenewing = false;
  const stopRenewing = options.every(RENEW_EVERY_MS, () => {
    if (isTimerRenewing) return;
    isTimerRenewing = true;
    // Whatever it meets, the next statement of the proof meets too.
    void renew()
      .catch(() => undefined)
      .finally(() => {
        isTimerRenewing = false;
      });
  });
  return {
    ...{ begunAt, progress },
    get last() {
      return sequence - 1;
    },
    async put(items, reached) {
      assertOurs(!isReleased);
      // Items that were held in memory before bring their numbers: the next ones go on behind them.
      for (const { sequence: brought } of items) if (brought !== undefined) sequence = Math.max(sequence, brought + 1);
      const rows = rowsOf(items, () => sequence++);
      // `execute`: whoever waits for a query of Drizzle runs it, and two wait for this one.
      const stored = db.execute<{ ours: number }>(putStatement(rows, { id, token, sequence, reached })).execute();
      writing = Promise.allSettled([writing, stored]);
      const [answer] = await stored;
      assertOurs(answer?.ours === 1);
    },
    async without(one, others, { after, limit }) {
      const found: NamedItem[] = [];
      let from: NamesQuery['from'] = after === null ? null : { key: after.key, name: toAscii(after.name) };
      for (;;) {
        const upTo = await keyFarther(db, { id, after: from?.key ?? '' });
        found.push(...(await namesBetween(db, { id, one, others, from, upTo, limit: limit - found.length })));
        if (upTo === null || found.length >= limit) return found;
        from = { key: upTo, name: null };
        await renew();
      }
    },
    async find(selector, names) {
      const found: StoredItem[] = [];
      for (let at = 0; at < names.length; at += NAMES_MAX) {
        found.push(...(await itemsNamed(db, { id, selector, names: names.slice(at, at + NAMES_MAX) })));
      }
      return found.sort((a, b) => a.sequence - b.sequence);
    },
    async findTransactions(transactionIds) {
      if (transactionIds.length === 0) return [];
      const rows = await db
        .selectDistinctOn([stagedItems.transactionId], COLUMNS)
        .from(stagedItems)
        .where(
          and(ofDay(id), inArray(stagedItems.transactionId, transactionIds.map(toAscii)), eq(stagedItems.kind, 'row')),
        )
        .orderBy(asc(stagedItems.transactionId), sql`${stagedItems.sequence} desc`);
      return rows.map(itemOf).sort((a, b) => a.sequence - b.sequence);
    },
    async todo(bit, { after, limit }) {
      const rows = await alongIndex(db, (reading) =>
        reading
          .select(COLUMNS)
          .from(stagedItems)
          .where(and(ofDay(id), hasToDo(bit), gt(stagedItems.sequence, after)))
          .orderBy(asc(stagedItems.sequence))
          .limit(limit),
      );
      return rows.map(itemOf);
    },
    async drop(bit, names) {
      await renew();
      const named = names === undefined ? sql`true` : inArray(stagedItems.name, names.map(toAscii));
      await removeItems(db, id, sql`${hasToDo(bit)} and ${named}`);
    },
    pieces: (bounds) =>
      bounds === undefined ? cut(db, { id, pieceItems, renew }) : cutAgain(db, { id, bounds, renew }),
    async release() {
      // What is on its way would say that this process goes on.
      isReleased = true;
      stopRenewing();
      await writing;
      await db
        .update(stagedDays)
        .set({ renewedAt: new Date(0) })
        .where(and(eq(stagedDays.id, id), eq(stagedDays.token, token)));
    },
    async discard() {
      try {
        await renew();
        await removeStaged(db, id);
      } finally {
        isReleased = true;
        stopRenewing();
      }
    },
  };
}

function takenOver(): SyncError {
  return new SyncError('Another process goes on with this proof', { kind: 'transient', code: 'proof_taken_over' });
}

function ofDay(id: number): SQL {
  return eq(stagedItems.stagedDay, id);
}

/** The first condition is the one of the index. */
function hasToDo(bit: number): SQL {
  return sql`${stagedItems.todo} <> 0 and ${stagedItems.todo} & ${sql.raw(String(bit))} <> 0`;
}

/** @param item the name of the items in the statement */
function isSelected(item: 'one' | 'other', { kinds, marks = 0 }: Selector): SQL {
  const ofKinds = sql`${sql.raw(item)}.kind = any(${`{${kinds.join(',')}}`}::text[])`;
  const bits = sql.raw(String(marks));
  return marks === 0 ? ofKinds : sql`${ofKinds} and ${sql.raw(item)}.marks & ${bits} = ${bits}`;
}

/** A key so many items farther on; null where there are fewer. */
async function keyFarther(
  db: Drizzle,
  { id, after }: { readonly id: number; readonly after: string },
): Promise<string | null> {
  const [row] = await alongIndex(db, (reading) =>
    reading
      .select({ key: stagedItems.key })
      .from(stagedItems)
      .where(and(ofDay(id), gt(stagedItems.key, after)))
      .orderBy(asc(stagedItems.key))
      .offset(SCANNED_MAX)
      .limit(1),
  );
  return row?.key ?? null;
}

interface NamesQuery {
  readonly id: number;
  readonly one: Selector;
  readonly others: readonly Selector[];
  /** Names behind this one; behind all of the key where the name is null. */
  readonly from: { readonly key: string; readonly name: string | null } | null;
  readonly upTo: string | null;
  readonly limit: number;
}

async function namesBetween(db: Drizzle, { id, one, others, from, upTo, limit }: NamesQuery): Promise<NamedItem[]> {
  const end = upTo === null ? sql`` : sql`and one.key <= ${upTo}`;
  const begin = from === null ? sql`` : behind(from);
  // A question for each item, along the index: whatever the statistics of a table that was filled a moment ago.
  const none = others.map(
    (selector) => sql`and (select true from ${stagedItems} other where other.staged_day = ${id} and other.key = one.key
      and other.name = one.name and ${isSelected('other', selector)} limit 1) is null`,
  );
  const rows = await db.execute<{ kind: StagedKind; key: string; name: string; sequence: number }>(sql`
    select min(one.kind) as kind, one.key, one.name, min(one.sequence) as sequence from ${stagedItems} one
    where one.staged_day = ${id} ${begin} ${end} and ${isSelected('one', one)} ${sql.join(none, sql` `)}
    group by one.key, one.name order by one.key, one.name limit ${limit}`);
  return rows.map(({ kind, key, name, sequence }) => ({ kind, key, name: fromAscii(name), sequence }));
}

function behind({ key, name }: NonNullable<NamesQuery['from']>): SQL {
  if (name === null) return sql`and one.key > ${key}`;
  return sql`and one.key >= ${key} and (one.key, one.name) > (${key}, ${name})`;
}

async function itemsNamed(
  db: Drizzle,
  { id, selector, names }: { readonly id: number; readonly selector: Selector; readonly names: readonly string[] },
): Promise<StoredItem[]> {
  const wanted = JSON.stringify(names.map((name) => ({ key: keyOf(name), name: toAscii(name) })));
  const rows = await db.execute<StagedRow & { [column: string]: unknown }>(sql`
    select one.key, one.kind, one.id, one.name, one.sequence, one.marks, one.todo,
      one.transaction_id as "transactionId", one.body
    from json_to_recordset(${wanted}) as wanted (key text, name text)
    cross join lateral (
      select * from ${stagedItems} one where one.staged_day = ${id} and one.key = wanted.key and one.name = wanted.name
        and ${isSelected('one', selector)} offset 0
    ) one`);
  return rows.map(itemOf);
}

/** What is compared: all but rows that stand as `placed` too. */
const COMPARED = or(
  inArray(stagedItems.kind, ['payment', 'unreadable', 'placed', 'posting', 'other', 'line']),
  and(eq(stagedItems.kind, 'row'), sql`${stagedItems.marks} & ${sql.raw(String(MARKS.plain))} <> 0`),
);

async function* cut(
  db: Drizzle,
  { id, pieceItems, renew }: { readonly id: number; readonly pieceItems: number; renew(): Promise<void> },
): AsyncGenerator<Piece> {
  let after: string | null = null;
  for (;;) {
    await renew();
    const from = after ?? '';
    const rows: StagedRow[] = await alongIndex(db, (reading) =>
      comparedItems(reading, id, gt(stagedItems.key, from)).limit(pieceItems + 1),
    );
    const cutKey = rows.length > pieceItems ? (rows.at(-1)?.key ?? null) : null;
    if (cutKey === null) {
      yield { after, upTo: null, items: rows.map(itemOf) };
      return;
    }
    // The last key may have more items than were read.
    const whole = rows.filter(({ key }) => key !== cutKey);
    const items = whole.length > 0 ? whole : await comparedItems(db, id, eq(stagedItems.key, cutKey));
    const upTo: string = whole.at(-1)?.key ?? cutKey;
    yield { after, upTo, items: items.map(itemOf) };
    after = upTo;
  }
}

async function* cutAgain(
  db: Drizzle,
  { id, bounds, renew }: { readonly id: number; readonly bounds: readonly PieceBounds[]; renew(): Promise<void> },
): AsyncGenerator<Piece> {
  for (const { after, upTo } of bounds) {
    await renew();
    const within = and(gt(stagedItems.key, after ?? ''), upTo === null ? undefined : lte(stagedItems.key, upTo));
    yield { after, upTo, items: (await comparedItems(db, id, within)).map(itemOf) };
  }
}

function comparedItems(db: Drizzle | Transaction, id: number, condition: SQL | undefined) {
  return db
    .select(COLUMNS)
    .from(stagedItems)
    .where(and(ofDay(id), condition, COMPARED))
    .orderBy(asc(stagedItems.key));
}
