// Filters over balances, ledgers and identities: plain lists, newest first.

import type { Answer } from './answers.js';
import type { Balance } from './balance-book.js';
import type { Call } from './call.js';
import type { CoreState, Identity, Ledger } from './core-state.js';
import { type Cell, compileFilters, type FilterTable } from './filter-match.js';
import { type FilterRequest, refuseFilters } from './filter-request.js';

export const identityFields = [
  'identity_type',
  'organization_name',
  'category',
  'first_name',
  'last_name',
  'other_names',
  'gender',
  'email_address',
  'phone_number',
  'nationality',
  'street',
  'country',
  'state',
  'post_code',
  'city',
  'dob',
] as const;

export interface FoundEntities<Row> {
  rows: Row[];
  total: number;
}

/** Balances that fit. */
export function findBalances(core: CoreState, request: FilterRequest, call: Seen): FoundEntities<Balance> | Answer {
  return findEntities(balanceTable, seenBy(call, core.balances.all), request);
}

/** Ledgers that fit. */
export function findLedgers(core: CoreState, request: FilterRequest, call: Seen): FoundEntities<Ledger> | Answer {
  return findEntities(ledgerTable, seenBy(call, [...core.ledgers.values()]), request);
}

/** Identities that fit. */
export function findIdentities(core: CoreState, request: FilterRequest, call: Seen): FoundEntities<Identity> | Answer {
  return findEntities(identityTable, seenBy(call, [...core.identities.values()]), request);
}

/** Who asks a replica that lags sees what was made before. */
type Seen = Pick<Call, 'visibleUntilMicros'>;

function seenBy<Row extends { readonly createdMicros: number }>(
  { visibleUntilMicros: until }: Seen,
  all: readonly Row[],
): readonly Row[] {
  return until === undefined ? all : all.filter(({ createdMicros }) => createdMicros < until);
}

function findEntities<Row>(
  table: FilterTable<Row>,
  all: readonly Row[],
  request: FilterRequest,
): FoundEntities<Row> | Answer {
  const refused = refuseFilters(request, {
    name: table.name,
    fields: new Set([...Object.keys(table.columns), 'meta_data']),
  });
  if (refused !== undefined) {
    return refused;
  }
  const test = compileFilters(table, request.filters, request.combine);
  const column = table.columns[request.sortBy] ?? table.columns.created_at;
  const order = (left: Row, right: Row) => {
    const [first, second] = [column?.read(left) ?? null, column?.read(right) ?? null];
    return first === second ? 0 : Number((first ?? '') > (second ?? '')) * 2 - 1;
  };
  const rows = all.filter(test).sort((left, right) => (request.ascending ? 1 : -1) * order(left, right));
  return { rows: rows.slice(request.offset, request.offset + request.limit), total: rows.length };
}

const text = <Row>(read: (row: Row) => Cell) => ({ type: 'text' as const, read });
const number = <Row>(read: (row: Row) => Cell) => ({ type: 'number' as const, read });
const time = <Row>(read: (row: Row) => Cell) => ({ type: 'time' as const, read });

const balanceTable: FilterTable<Balance> = {
  name: 'balances',
  metadata: (balance) => balance.metadata,
  columns: {
    balance_id: text((balance) => balance.balanceId),
    ledger_id: text((balance) => balance.ledgerId),
    identity_id: text((balance) => balance.identityId || null),
    indicator: text((balance) => balance.indicator ?? null),
    currency: text((balance) => balance.currency),
    balance: number((balance) => Number(balance.credit - balance.debit)),
    credit_balance: number((balance) => Number(balance.credit)),
    debit_balance: number((balance) => Number(balance.debit)),
    inflight_balance: number((balance) => Number(balance.inflightCredit - balance.inflightDebit)),
    inflight_credit_balance: number((balance) => Number(balance.inflightCredit)),
    inflight_debit_balance: number((balance) => Number(balance.inflightDebit)),
    created_at: time((balance) => balance.createdMicros),
  },
};

const ledgerTable: FilterTable<Ledger> = {
  name: 'ledgers',
  metadata: (ledger) => ledger.metadata,
  columns: {
    ledger_id: text((ledger) => ledger.ledgerId),
    name: text((ledger) => ledger.name),
    created_at: time((ledger) => ledger.createdMicros),
  },
};

const identityTable: FilterTable<Identity> = {
  name: 'identity',
  metadata: (identity) => identity.metadata,
  columns: {
    identity_id: text((identity) => identity.identityId),
    ...Object.fromEntries(
      identityFields.map((field) => [field, text((identity: Identity) => identity.fields[field] ?? '')]),
    ),
    created_at: time((identity) => identity.createdMicros),
  },
};
