/** Rows and balances that are asked for by name: what comes back is exactly what was asked for, or the answer is refused. */
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import type { BalanceQuery } from '../core/ledger/balance-names.js';
import type { LedgerRow } from '../core/ledger/row.js';
import { isLedgerId } from './ledger-row.js';
import { type LookUps, ROWS_MAX, unreadable } from './look-ups.js';
import type { Filter } from './routes.js';

/** Of one question: six forms of a chunk of 100. A Core takes many more; a server that refuses so many is asked by hundreds. */
const VALUES_MAX = 600;

/** Of one look-up. More is a mistake of the caller. */
const REFERENCES_MAX = 5_000;

/** Those that refused a question of more than 100 values. */
const askedByHundreds = new WeakSet<LookUps>();

/**
 * @param read turns a row as it came into what the caller needs; null when it carries no reference
 * @returns the rows that exist, of at most 5,000 references, in any order
 */
export async function findByReference<Row extends LedgerRow>(
  lookUps: LookUps,
  references: readonly string[],
  read: (value: unknown) => Row | null,
): Promise<Row[]> {
  const asked = askable('references', references, REFERENCES_MAX);
  const rows = new Map<string, Row>();
  for (const value of await listByReference(lookUps, [...asked])) {
    const row = read(value);
    if (row === null) throw unreadable('a transaction without a reference was listed');
    if (!asked.has(row.reference)) throw unreadable(`${row.reference} was listed although it was not asked for`);
    const earlier = rows.get(row.reference);
    if (earlier !== undefined && !isSame(earlier, row))
      throw unreadable(`${row.reference} was listed twice, each time as another transaction`);
    rows.set(row.reference, row);
  }
  return [...rows.values()];
}

async function listByReference(lookUps: LookUps, references: readonly string[]): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let start = 0; start < references.length; ) {
    const size = askedByHundreds.has(lookUps) ? ROWS_MAX : VALUES_MAX;
    const values = references.slice(start, start + size);
    try {
      const filters: Filter[] = [{ field: 'reference', operator: 'in', values }];
      for (const row of await lookUps.listRows('transactions', { filters, rowsMax: values.length })) found.push(row);
      start += values.length;
    } catch (error) {
      if (values.length <= ROWS_MAX || !isRefusal(error)) throw error;
      askedByHundreds.add(lookUps);
    }
  }
  return found;
}

function isRefusal(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'blnk_look_up_refused';
}

/** Rows whose parent is one of at most 100 transactions, in any order. */
export async function findChildren<Row extends LedgerRow>(
  lookUps: LookUps,
  transactionIds: readonly string[],
  read: (value: unknown) => Row | null,
): Promise<Row[]> {
  const asked = askable('transactions', transactionIds, ROWS_MAX);
  if (asked.size === 0) return [];
  const rows = await listChildren(lookUps, [...asked], read);
  const unasked = rows.find((row) => !hidesParent(row) && !asked.has(row.parentId ?? ''));
  if (unasked !== undefined) throw unreadable(`${unasked.reference} was listed as a child of other transactions`);
  return rows.some(hidesParent) ? childrenOfEach(lookUps, [...asked], read) : rows;
}

async function listChildren<Row extends LedgerRow>(
  lookUps: LookUps,
  values: readonly string[],
  read: (value: unknown) => Row | null,
): Promise<Row[]> {
  const rows = new Map<string, Row>();
  const filters: Filter[] = [{ field: 'parent_transaction', operator: 'in', values }];
  for (const value of await lookUps.listRows('transactions', { filters })) {
    const row = read(value);
    if (row === null) throw unreadable('a transaction without a reference was listed');
    rows.set(row.transactionId, row);
  }
  return [...rows.values()];
}

function hidesParent({ parentId }: LedgerRow): boolean {
  return parentId === null || parentId === undefined;
}

/** No transaction has this id. */
const NOBODY = 'txn_stripe-blnk-sync:nobody';

/**
 * Core before 0.15.0 finds by the parent and does not show it, so each is asked for alone. A server that answers with rows of
 * nobody as well does not look at parents at all.
 */
async function childrenOfEach<Row extends LedgerRow>(
  lookUps: LookUps,
  parentIds: readonly string[],
  read: (value: unknown) => Row | null,
): Promise<Row[]> {
  const [ofNobody] = await listChildren(lookUps, [NOBODY], read);
  if (ofNobody !== undefined) throw unreadable(`${ofNobody.reference} was listed as a child of other transactions`);
  const rows: Row[] = [];
  for (const parentId of parentIds) {
    for (const row of await listChildren(lookUps, [parentId], read)) rows.push({ ...row, parentId });
  }
  return rows;
}

/** References are unique in a ledger: one that comes twice is one row that pages showed again, or not to be believed. */
function isSame(one: LedgerRow, other: LedgerRow): boolean {
  const fields = ['transactionId', 'status', 'amount', 'currency', 'source', 'destination'] as const;
  return fields.every((field) => one[field] === other[field]);
}

/** At most 100 indicators (`@name`) of one currency, to balance ids. Those that do not exist are missing. */
export async function findBalances(lookUps: LookUps, query: BalanceQuery): Promise<Map<string, string>> {
  const asked = askable('indicators', query.indicators);
  const balanceIds = new Map<string, string>();
  if (asked.size === 0) return balanceIds;
  const found = await lookUps.listRows('balances', {
    filters: [
      { field: 'indicator', operator: 'in', values: [...asked] },
      { field: 'currency', operator: 'eq', value: query.currency },
    ],
    rowsMax: asked.size,
  });
  for (const value of found) {
    const indicator = textMemberOf(value, 'indicator');
    const balanceId = readBalanceId(value);
    if (indicator === null || !asked.has(indicator)) {
      throw unreadable(`the balance ${balanceId} was listed although it was not asked for`);
    }
    if (textMemberOf(value, 'currency') !== query.currency) {
      throw unreadable(`${indicator} was listed in another currency than ${query.currency}`);
    }
    keepOne(balanceIds, { key: indicator, balanceId, name: `${indicator} in ${query.currency}` });
  }
  return balanceIds;
}

/** The balances of one indicator, ids by currency. */
export async function balancesOf(lookUps: LookUps, indicator: string): Promise<Map<string, string>> {
  const balanceIds = new Map<string, string>();
  const found = await lookUps.listRows('balances', {
    filters: [{ field: 'indicator', operator: 'eq', value: indicator }],
  });
  for (const value of found) {
    const currency = textMemberOf(value, 'currency');
    const balanceId = readBalanceId(value);
    if (currency === null || !CURRENCY.test(currency) || textMemberOf(value, 'indicator') !== indicator) {
      throw unreadable(`the balance ${balanceId} was listed as one of ${indicator}`);
    }
    keepOne(balanceIds, { key: currency, balanceId, name: `${indicator} in ${currency}` });
  }
  return balanceIds;
}

/** Whatever clients of the ledger call a currency: a word. */
const CURRENCY = /^[\x21-\x7e]{1,50}$/;

function readBalanceId(balance: unknown): string {
  const balanceId = memberOf(balance, 'balance_id');
  if (!isLedgerId(balanceId)) throw unreadable('a balance without an id was listed');
  return balanceId;
}

/** Core holds one balance of a name and currency; two would make it unknowable which one a post moves. */
function keepOne(
  balanceIds: Map<string, string>,
  { key, balanceId, name }: { readonly key: string; readonly balanceId: string; readonly name: string },
): void {
  const earlier = balanceIds.get(key);
  if (earlier !== undefined && earlier !== balanceId) throw unreadable(`${name} is both ${earlier} and ${balanceId}`);
  balanceIds.set(key, balanceId);
}

function askable(what: string, values: readonly string[], max: number = ROWS_MAX): Set<string> {
  const asked = new Set(values);
  if (asked.size > max) throw new RangeError(`at most ${max} ${what} at a time, ${asked.size} were given`);
  return asked;
}
