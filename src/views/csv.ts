/**
 * CSV (RFC 4180) for spreadsheets and audits: amounts as whole minor units and as decimal text. Text that a spreadsheet would take
 * for a formula gets an apostrophe before it, whichever sign that spreadsheet divides lines at.
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
/**
 * Within a cell. Where a spreadsheet divides lines at semicolons or tabs, as many do by their language, another cell begins behind
 * each of them; and quotes in the middle of what is a cell there do not hold the end of a line. A number stays one.
 */
const FORMULA_WITHIN =
  /([;\t\r\n][\s\p{Cf}"]*)(?!-?\d+(?:\.\d+)?\s*(?:[;\t\r\n]|$))(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/gu;

function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = cell instanceof Date ? cell.toISOString() : `${cell}`;
  const begun = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  const harmless = begun.replaceAll(FORMULA_WITHIN, "$1'");
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
