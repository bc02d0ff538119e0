/** Rows and balances that are asked for by name: what comes back is exactly what was asked for, or the answer is refused. */
import { memberOf, textMemberOf } from '../core/exact-json.js';
import type { LedgerRow } from '../core/settlement.js';
import { isLedgerId } from './ledger-row.js';
import { type LookUps, ROWS_MAX, unreadable } from './look-ups.js';

/**
 * @param read turns a row as it came into what the caller wants; null when it carries no reference
 * @returns the rows that exist, of at most 100 references, in any order
 */
export async function findByReference<Row extends LedgerRow>(
  lookUps: LookUps,
  references: readonly string[],
  read: (value: unknown) => Row | null,
): Promise<Row[]> {
  const asked = askable('references', references);
  if (asked.size === 0) return [];
  const found = await lookUps.listRows('transactions', {
    filters: [{ field: 'reference', operator: 'in', values: [...asked] }],
    rowsMax: asked.size,
  });
  const rows = new Map<string, Row>();
  for (const value of found) {
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

/** References are unique in a ledger: one that comes twice is one row that pages showed again, or not to be believed. */
function isSame(one: LedgerRow, other: LedgerRow): boolean {
  const fields = ['transactionId', 'status', 'amount', 'currency', 'source', 'destination'] as const;
  return fields.every((field) => one[field] === other[field]);
}

export interface BalanceQuery {
  readonly indicators: readonly string[];
  readonly currency: string;
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

function askable(what: string, values: readonly string[]): Set<string> {
  const asked = new Set(values);
  if (asked.size > ROWS_MAX) throw new RangeError(`at most ${ROWS_MAX} ${what} at a time, ${asked.size} were given`);
  return asked;
}
