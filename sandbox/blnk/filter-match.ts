// Turns checked filters into one test of a row, with PostgreSQL's meaning: nothing equals NULL, `like` knows % _ and \, and a value
// that cannot be read as the column's type is an error of the whole query. It does not know how rows are stored.

import { databaseFailure, type Failure } from './answers.js';
import type { FieldFilter } from './filter-request.js';
import { parseRfc3339 } from './rfc3339.js';

export type Cell = string | number | null;

interface Column<Row> {
  type: 'text' | 'number' | 'time';
  read(row: Row): Cell;
}

export interface FilterTable<Row> {
  name: string;
  columns: Readonly<Record<string, Column<Row>>>;
  metadata(row: Row): Record<string, unknown> | null;
  /** Columns that are not stored as such. */
  virtual?(filter: FieldFilter): ((row: Row) => boolean) | undefined;
}

type RowTest<Row> = (row: Row) => boolean;

/** A value that PostgreSQL could not read: Core answers 500. */
export class UnreadableValue extends Error {
  readonly failure: Failure;

  constructor(tableName: string, value: unknown, type: string) {
    super(`invalid input syntax for type ${type}: "${String(value)}"`);
    this.failure = databaseFailure(`Failed to retrieve ${tableName}`, { code: '22P02', message: this.message });
  }
}

/** The test that a row must pass for all filters, or for any of them. */
export function compileFilters<Row>(
  table: FilterTable<Row>,
  filters: readonly FieldFilter[],
  combine: 'and' | 'or',
): RowTest<Row> {
  const tests = filters.map((filter) => compileOne(table, filter));
  const [only] = tests;
  if (tests.length <= 1) {
    return only ?? (() => true);
  }
  return combine === 'or' ? (row) => tests.some((test) => test(row)) : (row) => tests.every((test) => test(row));
}

function compileOne<Row>(table: FilterTable<Row>, filter: FieldFilter): RowTest<Row> {
  if (filter.field.startsWith('meta_data.')) {
    return compileMetadata(table, filter, filter.field.slice('meta_data.'.length));
  }
  const virtual = table.virtual?.(filter);
  if (virtual !== undefined) {
    return virtual;
  }
  const column = table.columns[filter.field];
  if (column === undefined) {
    throw new UnreadableValue(table.name, filter.value, 'jsonb');
  }
  const test = compileCell(table.name, filter, column.type);
  return (row) => test(column.read(row));
}

/** The test of one cell. */
export function compileCell(
  tableName: string,
  { operator, value, values }: FieldFilter,
  type: Column<never>['type'],
): (cell: Cell) => boolean {
  const read = (given: unknown): Cell => readAs(tableName, given, type);
  const known = (compare: (cell: string | number) => boolean) => (cell: Cell) => cell !== null && compare(cell);
  switch (operator) {
    case 'notexists':
    case 'isnull':
      return (cell) => cell === null;
    case 'exists':
    case 'isnotnull':
      return (cell) => cell !== null;
    case 'in': {
      const wanted = new Set(values.map(read));
      return known((cell) => wanted.has(cell));
    }
    case 'between': {
      const [from = null, to = null] = values.map(read);
      return known((cell) => from !== null && to !== null && cell >= from && cell <= to);
    }
    case 'like':
    case 'ilike': {
      const pattern = likePattern(String(value ?? ''), { ignoreCase: operator === 'ilike' });
      return known((cell) => value !== undefined && value !== null && pattern.test(String(cell)));
    }
    default: {
      const wanted = read(value);
      return known((cell) => wanted !== null && comparisons[operator](cell, wanted));
    }
  }
}

const comparisons = {
  eq: (cell: string | number, wanted: string | number) => cell === wanted,
  ne: (cell: string | number, wanted: string | number) => cell !== wanted,
  gt: (cell: string | number, wanted: string | number) => cell > wanted,
  gte: (cell: string | number, wanted: string | number) => cell >= wanted,
  lt: (cell: string | number, wanted: string | number) => cell < wanted,
  lte: (cell: string | number, wanted: string | number) => cell <= wanted,
};

/** metadata.<key>: `eq` compares JSON values with their types, ordering casts to numbers, the rest compares texts. */
function compileMetadata<Row>(table: FilterTable<Row>, filter: FieldFilter, key: string): RowTest<Row> {
  const { operator, value } = filter;
  const path = key.split('.');
  const readValue = (row: Row): unknown => {
    let value: unknown = table.metadata(row);
    for (const name of path) {
      value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    }
    return value;
  };
  if (operator === 'exists' || operator === 'notexists') {
    return (row) => (readValue(row) !== undefined) === (operator === 'exists');
  }
  if (operator === 'eq') {
    const wanted = value ?? null;
    return (row) => contains(readValue(row), wanted);
  }
  const isOrdering =
    operator === 'gt' || operator === 'gte' || operator === 'lt' || operator === 'lte' || operator === 'between';
  const test = compileCell(table.name, filter, isOrdering ? 'number' : 'text');
  return (row) => {
    const text = jsonText(readValue(row));
    return test(isOrdering && text !== null ? readAs(table.name, text, 'number') : text);
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** PostgreSQL's @> for one key. */
function contains(actual: unknown, wanted: unknown): boolean {
  if (wanted === null || typeof wanted !== 'object' || actual === null || typeof actual !== 'object') {
    return actual === wanted;
  }
  if (Array.isArray(wanted)) {
    return Array.isArray(actual) && wanted.every((item) => actual.some((candidate) => contains(candidate, item)));
  }
  const object = actual as Record<string, unknown>;
  return !Array.isArray(actual) && Object.entries(wanted).every(([key, child]) => contains(object[key], child));
}

/** PostgreSQL's ->>. */
function jsonText(value: unknown): string | null {
  if (value === undefined || value === null) {
    return null;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function readAs(tableName: string, value: unknown, type: Column<never>['type']): Cell {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value === 'object') {
    throw new UnreadableValue(tableName, JSON.stringify(value), type);
  }
  if (type === 'text') {
    return String(value);
  }
  const number = type === 'time' ? readTime(String(value)) : Number(String(value).trim() || Number.NaN);
  if (number === undefined || Number.isNaN(number)) {
    throw new UnreadableValue(tableName, value, type === 'time' ? 'timestamp' : 'numeric');
  }
  return number;
}

/** A `timestamp` column ignores zones: PostgreSQL drops the offset of what is compared with it. */
function readTime(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text.trim());
  return match ? parseRfc3339(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? ':00'}Z`) : undefined;
}

function likePattern(like: string, { ignoreCase }: { ignoreCase: boolean }): RegExp {
  const source = like.replace(/\\([\s\S])|[\s\S]/gu, (whole, escaped: string | undefined) => {
    if (escaped === undefined && (whole === '%' || whole === '_')) {
      return whole === '%' ? '[\\s\\S]*' : '[\\s\\S]';
    }
    return (escaped ?? whole).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, ignoreCase ? 'iu' : 'u');
}
