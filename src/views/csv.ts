/**
 * CSV (RFC 4180) for spreadsheets and audits: amounts as whole minor units and as decimal text. Text that a spreadsheet would take
 * for a formula is quoted with an apostrophe.
 */
import { decimalText } from '../core/base/money.js';

export type Cell = string | number | bigint | boolean | Date | null;

/** The columns of one kind of rows, in their order. */
export type CsvColumns<Row> = ReadonlyArray<readonly [name: string, value: (row: Row) => Cell]>;

export function csvHeader<Row>(columns: CsvColumns<Row>): string {
  return columns.map(([name]) => name).join(',');
}

/** Without its CRLF. */
export function csvLine<Row>(columns: CsvColumns<Row>, row: Row): string {
  return columns.map(([, value]) => cellText(value(row))).join(',');
}

export function decimalCell(amount: bigint | null, currency: string | null): string | null {
  return amount === null || currency === null ? null : decimalText({ amount, currency });
}

const NUMBER = /^-?\d+(\.\d+)?$/;
/** Also behind spaces and as wide forms, which some spreadsheets take alike. */
const FORMULA = /^[\s\p{Cf}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;

function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = cell instanceof Date ? cell.toISOString() : `${cell}`;
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
