/** The executed matrix as a table of Markdown, and its place in the document between two comments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/source-files.js';
import type { Matrix } from './cell.js';

const DOCUMENT = join(ROOT, 'docs/engineering/fault-matrix.md');

export interface TableSection {
  readonly title: string;
  readonly rows: readonly string[];
}

/** One table for each section. Throws when a cell is empty. */
export function renderTables(
  matrix: Matrix,
  { sections, columns }: { readonly sections: readonly TableSection[]; readonly columns: readonly string[] },
): string {
  const head = [...columns, 'codes'];
  const tables = sections.map(({ title, rows }) => {
    const lines = rows.map((row) => renderRow(matrix, row, columns));
    return [toLine([title, ...head]), toLine(['---', ...head.map(() => '---')]), ...lines].join('\n');
  });
  return tables.join('\n\n');
}

export function renderRow(matrix: Matrix, row: string, columns: readonly string[]): string {
  const cells = columns.map((column) => {
    const cell = matrix.get(row)?.get(column);
    if (cell === undefined || cell.text === '') throw new Error(`the cell of ${row} and ${column} is empty`);
    return cell;
  });
  const codes = [...new Set(cells.flatMap((cell) => cell.codes))].sort().map((code) => `\`${code}\``);
  return toLine([row, ...cells.map(({ text }) => text), codes.length === 0 ? '–' : codes.join(', ')]);
}

/** What stands in the document for this API now. */
export function documented(name: string): string {
  const { text, start, end } = find(name);
  return text.slice(start, end).trim();
}

export function writeDocument(name: string, tables: string): void {
  const { text, start, end } = find(name);
  writeFileSync(DOCUMENT, `${text.slice(0, start)}\n${tables}\n\n${text.slice(end)}`);
}

function find(name: string): { readonly text: string; readonly start: number; readonly end: number } {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, finish] = [`<!-- executed: ${name} -->\n`, `<!-- end: ${name} -->`];
  const start = text.indexOf(begin) + begin.length;
  const end = text.indexOf(finish);
  if (start < begin.length || end < start)
    throw new Error(`docs/engineering/fault-matrix.md has no place for the table of ${name}`);
  return { text, start, end };
}

function toLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
