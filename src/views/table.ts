/**
 * Aligned tables that fit the terminal. A row is always one line: where the columns do not fit, the least important ones
 * are shortened or left out, never wrapped, and a last line names what was left out. When nobody reads it on a terminal, everything is shown in full.
 */
import { fitText, plainText, widthOf, wrapLine } from './text-width.js';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
  /** 0 is never left out; of the others, the highest goes first. */
  readonly rank: number;
  /** May be shortened down to this many cells; without it a column is shown whole or not at all. */
  readonly shortenTo?: number;
}

const GAP = '  ';

/** @param columns cells of the terminal; 0: no limit. @returns a title line and one line per row; nothing for no rows */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminalColumns: number,
): string[] {
  if (rows.length === 0) return [];
  const measured = columns.map((column) => measure(column, rows));
  const shown = terminalColumns > 0 ? fitColumns(measured, terminalColumns) : measured.filter(isWorthShowing);
  const lines = [shown.map(({ column, width }) => pad(column.title, { width, align: column.align ?? 'left' }))];
  for (let index = 0; index < rows.length; index += 1) {
    lines.push(
      shown.map(({ column, width, cells }) => pad(cells[index] ?? '', { width, align: column.align ?? 'left' })),
    );
  }
  const told = lines.map((line) => {
    const text = line.join(GAP).trimEnd();
    return terminalColumns > 0 ? fitText(text, terminalColumns) : text;
  });
  return [...told, ...leftOutLines(measured, { shown, terminalColumns })];
}

/** What a wider terminal would show besides. */
function leftOutLines<Row>(
  measured: readonly MeasuredColumn<Row>[],
  { shown, terminalColumns }: { readonly shown: readonly MeasuredColumn<Row>[]; readonly terminalColumns: number },
): string[] {
  if (terminalColumns <= 0) return [];
  const names = measured
    .filter((one) => isWorthShowing(one) && !shown.some(({ column }) => column === one.column))
    .map(({ column }) => column.title);
  if (names.length === 0) return [];
  const told = `(no room for: ${names.join(', ')}; a wider terminal or --json has them)`;
  return wrapLine(told, terminalColumns).map((line) => fitText(line, terminalColumns));
}

/** Two columns, names and values, for one thing with many properties; properties without a value are left out. */
export function renderFacts(facts: ReadonlyArray<readonly [name: string, value: string | null]>): string[] {
  const present = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null && fact[1] !== '');
  const width = Math.max(0, ...present.map(([name]) => widthOf(name)));
  return present.map(([name, value]) => `${pad(name, { width, align: 'left' })}${GAP}${plainText(value)}`);
}

interface MeasuredColumn<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): MeasuredColumn<Row> {
  const cells = rows.map((row) => plainText(column.value(row)));
  return { column, cells, width: Math.max(widthOf(column.title), ...cells.map(widthOf)) };
}

/** A column that is empty in every row only takes room. */
function isWorthShowing<Row>({ column, cells }: MeasuredColumn<Row>): boolean {
  return column.rank === 0 || cells.some((cell) => cell !== '');
}

/** First as many columns as fit at their shortest, then what room is left goes to the most important ones. */
function fitColumns<Row>(measured: readonly MeasuredColumn<Row>[], limit: number): MeasuredColumn<Row>[] {
  let shown = measured.filter(isWorthShowing).map((one) => ({ ...one, full: one.width, width: shortestWidth(one) }));
  while (totalWidth(shown) > limit) {
    const least = Math.max(...shown.map(({ column }) => column.rank));
    if (least === 0) break;
    shown = shown.toSpliced(
      shown.findLastIndex(({ column }) => column.rank === least),
      1,
    );
  }
  for (const one of [...shown].sort((a, b) => a.column.rank - b.column.rank)) {
    one.width += Math.max(0, Math.min(one.full - one.width, limit - totalWidth(shown)));
  }
  return shown;
}

function shortestWidth<Row>({ column, width }: MeasuredColumn<Row>): number {
  return Math.min(width, Math.max(column.shortenTo ?? width, widthOf(column.title)));
}

function totalWidth<Row>(columns: readonly MeasuredColumn<Row>[]): number {
  return columns.reduce((sum, { width }) => sum + width, Math.max(0, columns.length - 1) * GAP.length);
}

function pad(text: string, { width, align }: { readonly width: number; readonly align: 'left' | 'right' }): string {
  const fitted = fitText(text, width);
  const space = ' '.repeat(Math.max(0, width - widthOf(fitted)));
  return align === 'right' ? space + fitted : fitted + space;
}
