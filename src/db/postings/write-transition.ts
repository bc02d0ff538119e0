/** Transitions as the text of an UPDATE: for statements by hand, and for the query builder. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import { laneName, type PreparedTransaction } from '../../core/posting/posting.js';
import { type PostingRow, postings } from '../schema/postings.js';
import { GIVEN, mapped, NULL, STAYS } from './transitions.js';

/** Columns with what they become. */
type Written = Partial<Readonly<Record<keyof PostingRow, string>>>;

type GivenTo<T> = {
  readonly [Column in keyof T & keyof PostingRow as T[Column] extends typeof GIVEN
    ? Column
    : never]: PostingRow[Column];
};

/** A transition for `set` of the query builder. */
export type SetOf<T> = GivenTo<T> & {
  readonly [Column in keyof T as T[Column] extends typeof GIVEN | typeof STAYS ? never : Column]: SQL;
};

const COLUMNS = getTableColumns(postings);

/** `column = value, …`; `source` is the name under which the statement has what is given. */
export function assignments(written: Written, source: 'given' | 'excluded' = 'given'): string {
  return entriesOf(written)
    .map(([column, value]) => [COLUMNS[column].name, value] as const)
    .map(([name, value]) => `${name} = ${value === GIVEN ? `${source}.${name}` : value}`)
    .join(', ');
}

/** The builder is handed what is given. */
export function setOf<T extends Written>(written: T, given: GivenTo<T>): SetOf<T> {
  const fixed = entriesOf(written).flatMap(([column, value]) => (value === GIVEN ? [] : [[column, sql.raw(value)]]));
  return { ...Object.fromEntries(fixed), ...given };
}

export function setMapped(transaction: PreparedTransaction): SetOf<typeof mapped> {
  const { lane, source, destination, currency, amount, precision, effectiveDate, body } = transaction;
  const owed = { lane: laneName(lane), source, destination, currency, amount, precision, effectiveAt: effectiveDate };
  return setOf(mapped, { ...owed, prepared: body });
}

/** What a row of that state does not hold: for rows that are stored in it. */
export function clearedBy(written: Written): Readonly<Record<string, null>> {
  const cleared = entriesOf(written).filter(([, value]) => value === NULL);
  return Object.fromEntries(cleared.map(([column]) => [COLUMNS[column].name, null]));
}

function entriesOf(written: Written): Array<readonly [keyof PostingRow, string]> {
  const entries = Object.entries(written) as Array<[keyof PostingRow, string]>;
  return entries.filter(([, value]) => value !== STAYS);
}
