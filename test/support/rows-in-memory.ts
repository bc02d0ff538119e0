/** Look-ups in rows that a test made up, as a ledger answers them: held to the port in `test/post/conformance.test.ts`. */
import type { RowFinder } from '../../src/core/ledger/find-forms.js';
import type { LedgerRow } from '../../src/core/ledger/row.js';

export function rowsInMemory<Row extends LedgerRow>(rows: readonly Row[]): RowFinder<Row> {
  return {
    async findByReference(references) {
      const asked = askable(references, 5_000);
      return rows.filter(({ reference }) => asked.has(reference));
    },
    async findChildren(transactionIds) {
      const asked = askable(transactionIds, 100);
      return rows.filter(({ parentId }) => asked.has(parentId ?? ''));
    },
  };
}

function askable(values: readonly string[], max: number): ReadonlySet<string> {
  const asked = new Set(values);
  if (asked.size > max) throw new RangeError(`at most ${max} values at a time, ${asked.size} were given`);
  return asked;
}
