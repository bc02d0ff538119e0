/** Cells of CSV: what a spreadsheet would run is text, whichever sign it divides lines at, and what is none stays as it is. */
import { expect, it } from 'vitest';
import { csvLine } from '../../src/views/csv.js';
import type { FindingRow } from '../../src/views/list-csv.js';
import { FINDING_COLUMNS } from '../../src/views/list-csv.js';

const cell = (text: string) => csvLine([['text', (value: string) => value]], text);

it.each([
  ['x;=HYPERLINK("http://x";"y")', `"x;'=HYPERLINK(""http://x"";""y"")"`],
  ['x; =1+1', "x; '=1+1"],
  ['x\t@SUM(A1)', "x\t'@SUM(A1)"],
  ['x;\t \u200B+1+1', "x;\t \u200B'+1+1"],
  ['x;"=1+1"', `"x;""'=1+1"""`],
  ['x\r\n=1+1', `"x\r\n'=1+1"`],
  ['x;\uFF1D1+1', "x;'\uFF1D1+1"],
  ['=1;=2', "'=1;'=2"],
  ['x;-1+1', "x;'-1+1"],
])('%j starts no formula behind a semicolon, a tab or the end of a line', (text, expected) => {
  expect(cell(text)).toBe(expected);
});

it.each(['100; -50; unknown', '-5', '5.00; -6.25', 'a-b; c=d', 'pi_1; pi_2'])('%j stays as it is', (text) => {
  expect(cell(text)).toBe(text);
});

it('references of rows that somebody else booked start none, the second as little as the first', () => {
  const row = (reference: string, amount: bigint) => ({ reference, transactionId: 'txn_1', amount });
  const finding = {
    ...{ day: '2026-11-01', currency: 'USD', kind: 'extra', paymentId: null, stripe: null, detail: '', accepted: null },
    ledger: [row('=1+1', 100n), row('=HYPERLINK("http://x")', -50n)],
  } as unknown as FindingRow;
  const line = csvLine(FINDING_COLUMNS, finding);
  expect(line).toContain(`"'=1+1; '=HYPERLINK(""http://x"")"`);
  expect(line).toContain(',100; -50,');
});
