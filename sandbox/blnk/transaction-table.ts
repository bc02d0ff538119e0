// Transactions as a table that filters run over: columns, and the two that Core derives from both balances.

import type { CoreState } from './core-state.js';
import { type Cell, compileCell, type FilterTable } from './filter-match.js';

/** What may be filtered and sorted by. */
export const transactionFields = new Set([
  'transaction_id',
  'parent_transaction',
  'amount',
  'currency',
  'source',
  'destination',
  'balance_id',
  'reference',
  'status',
  'created_at',
  'effective_date',
  'indicator',
  'description',
  'precision',
  'meta_data',
]);

/** The table of one ledger. */
export function transactionTable(core: CoreState): FilterTable<number> {
  const { transactions, balances } = core;
  const balanceId = (row: number, side: 'source' | 'destination') =>
    balances.byNumber(transactions.number(row, side)).balanceId;
  const nullable = (number: number): Cell => (Number.isNaN(number) ? null : number);
  return {
    name: 'transactions',
    metadata: (row) => transactions.metadataOf(row),
    columns: {
      transaction_id: { type: 'text', read: (row) => transactions.idOf(row) },
      parent_transaction: { type: 'text', read: (row) => transactions.parentOf(row) },
      amount: {
        type: 'number',
        read: (row) => Number(transactions.amountOf(row)) / transactions.number(row, 'precision'),
      },
      currency: { type: 'text', read: (row) => transactions.currencyOf(row) },
      source: { type: 'text', read: (row) => balanceId(row, 'source') },
      destination: { type: 'text', read: (row) => balanceId(row, 'destination') },
      reference: { type: 'text', read: (row) => transactions.referenceOf(row) },
      status: { type: 'text', read: (row) => transactions.statusOf(row) ?? null },
      created_at: { type: 'time', read: (row) => transactions.number(row, 'createdMicros') },
      effective_date: { type: 'time', read: (row) => nullable(transactions.number(row, 'effectiveMicros')) },
      description: { type: 'text', read: (row) => transactions.read(row).description },
      precision: { type: 'number', read: (row) => transactions.number(row, 'precision') },
    },
    virtual(filter) {
      if (filter.field !== 'balance_id' && filter.field !== 'indicator') {
        return undefined;
      }
      const test = compileCell(
        'transactions',
        filter.field === 'balance_id' && filter.operator === 'ne' ? { ...filter, operator: 'eq' } : filter,
        'text',
      );
      const matching = new Set(
        balances.all
          .filter(({ balanceId: id, indicator }) => test(filter.field === 'indicator' ? (indicator ?? null) : id))
          .map(({ number }) => number),
      );
      const either = (row: number) =>
        matching.has(transactions.number(row, 'source')) || matching.has(transactions.number(row, 'destination'));
      return filter.field === 'balance_id' && filter.operator === 'ne' ? (row) => !either(row) : either;
    },
  };
}
