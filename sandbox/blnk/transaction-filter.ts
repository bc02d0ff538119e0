// Answers filters over transactions. References, ids, parents and metadata texts come from indexes, a range of creation times from
// the order of rows; anything else scans. Newest first unless asked otherwise.

import type { Answer } from './answers.js';
import type { CoreState } from './core-state.js';
import { type Cell, compileCell, compileFilters, type FilterTable } from './filter-match.js';
import { type FieldFilter, type FilterRequest, refuseFilters } from './filter-request.js';
import { RowCandidates } from './row-candidates.js';
import { transactionFields, transactionTable } from './transaction-table.js';

interface FoundRows {
  rows: number[];
  /** Of all pages; only counted when asked for. */
  total: number;
}

export class TransactionFilter {
  readonly #core: CoreState;
  readonly #table: FilterTable<number>;

  constructor(core: CoreState) {
    this.#core = core;
    this.#table = transactionTable(core);
  }

  /** The page of rows that fit, or Core's refusal of the filters. Rows from `visibleRows` on are not seen. */
  find(request: FilterRequest, visibleRows = this.#core.transactions.rowCount): FoundRows | Answer {
    const refused = refuseFilters(request, { name: 'transactions', fields: transactionFields });
    if (refused !== undefined) {
      return refused;
    }
    const { transactions } = this.#core;
    const test = compileFilters(this.#table, request.filters, request.combine);
    const fits = (row: number) => row < visibleRows && transactions.statusOf(row) !== undefined && test(row);
    const sortsByTime =
      request.sortBy === '' || request.sortBy === 'created_at' || !transactionFields.has(request.sortBy);
    const candidates = this.#candidates(request, visibleRows);
    const enough =
      request.includeCount || !sortsByTime || !transactions.createdInOrder
        ? Number.POSITIVE_INFINITY
        : request.offset + request.limit;
    const rows: number[] = [];
    for (const row of request.ascending && sortsByTime ? candidates.oldestFirst() : candidates.newestFirst()) {
      if (fits(row) && rows.push(row) >= enough) {
        break;
      }
    }
    if (!sortsByTime || !transactions.createdInOrder) {
      const column = this.#table.columns[sortsByTime ? 'created_at' : request.sortBy];
      const sign = request.ascending ? 1 : -1;
      rows.sort(
        (left, right) => sign * (compareCells(column?.read(left) ?? null, column?.read(right) ?? null) || left - right),
      );
    }
    return { rows: rows.slice(request.offset, request.offset + request.limit), total: rows.length };
  }

  /** The smallest set of rows that an index offers; ascending numbers. */
  #candidates({ filters, combine }: FilterRequest, visibleRows: number): RowCandidates {
    const offers = combine === 'or' && filters.length > 1 ? [] : filters.map((filter) => this.#indexed(filter));
    const lists = offers.filter((rows) => rows !== undefined).sort((left, right) => left.length - right.length);
    const [best] = lists;
    if (best !== undefined) {
      return new RowCandidates(best);
    }
    const { from, to } = combine === 'or' ? { from: 0, to: visibleRows } : this.#createdRange(filters, visibleRows);
    return new RowCandidates({ from, to });
  }

  #indexed({ field, operator, value, values }: FieldFilter): readonly number[] | undefined {
    const { transactions } = this.#core;
    const wanted = operator === 'eq' ? [value] : operator === 'in' ? values : undefined;
    if (wanted === undefined || wanted.some((item) => typeof item !== 'string')) {
      return undefined;
    }
    const texts = [...new Set(wanted.map(String))];
    const single = (find: (text: string) => number | undefined) =>
      texts
        .map(find)
        .filter((row) => row !== undefined)
        .sort((a, b) => a - b);
    if (field === 'reference') {
      return single((text) => transactions.rowOfReference(text));
    }
    if (field === 'transaction_id') {
      return single((text) => transactions.rowOfId(text));
    }
    const [text = ''] = texts;
    if (texts.length !== 1 || text === '') {
      return undefined;
    }
    if (field === 'parent_transaction') {
      return transactions.indexes.byParent(text);
    }
    return field.startsWith('meta_data.') && !field.slice('meta_data.'.length).includes('.')
      ? transactions.indexes.byMetadata(field.slice('meta_data.'.length), text)
      : undefined;
  }

  /** Where rows of the asked creation times lie; only bounds are cut, the test still decides. */
  #createdRange(filters: readonly FieldFilter[], visibleRows: number): { from: number; to: number } {
    const { transactions } = this.#core;
    const onTime = filters.filter(
      ({ field, operator }) => field === 'created_at' && ['gt', 'gte', 'lt', 'lte', 'between'].includes(operator),
    );
    if (!transactions.createdInOrder || onTime.length === 0) {
      return { from: 0, to: visibleRows };
    }
    const created = (row: number) => transactions.number(row, 'createdMicros');
    const range = { from: 0, to: visibleRows };
    for (const filter of onTime) {
      const fits = compileCell('transactions', filter, 'time');
      const lower =
        filter.operator === 'between' ? { ...filter, operator: 'gte' as const, value: filter.values[0] } : filter;
      const upper =
        filter.operator === 'between' ? { ...filter, operator: 'lte' as const, value: filter.values[1] } : filter;
      if (filter.operator === 'gt' || filter.operator === 'gte' || filter.operator === 'between') {
        const isFrom = filter.operator === 'between' ? compileCell('transactions', lower, 'time') : fits;
        range.from = Math.max(
          range.from,
          firstRow(visibleRows, (row) => isFrom(created(row))),
        );
      }
      if (filter.operator === 'lt' || filter.operator === 'lte' || filter.operator === 'between') {
        const isTo = filter.operator === 'between' ? compileCell('transactions', upper, 'time') : fits;
        range.to = Math.min(
          range.to,
          firstRow(visibleRows, (row) => !isTo(created(row))),
        );
      }
    }
    return range;
  }
}

function firstRow(rowCount: number, isTrue: (row: number) => boolean): number {
  let from = 0;
  let to = rowCount;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (isTrue(middle)) {
      to = middle;
    } else {
      from = middle + 1;
    }
  }
  return from;
}

function compareCells(left: Cell, right: Cell): number {
  if (left === right) {
    return 0;
  }
  return left === null || (right !== null && left > right) ? 1 : -1;
}
