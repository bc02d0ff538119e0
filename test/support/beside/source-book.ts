/**
 * What a ledger's source balances hold, payment by payment: rows read whole through Core's own filter, each given to the payment
 * whose reference begins it or whose row it commits, voids or refunds. Not made with src: it must see what is there.
 */
import type { CoreAddress } from '../somebody-else.js';

export interface SourceBook {
  /** Of each payment, applied: what went out of the source balance less what came back, in minor units. */
  readonly netOf: ReadonlyMap<string, bigint>;
  /** What all payments together took out, by currency. */
  readonly sums: Readonly<Record<string, string>>;
  /** What the balances themselves say. */
  readonly balances: Readonly<Record<string, string>>;
  readonly rows: readonly SourceRow[];
  /** References of rows that belong to none. */
  readonly foreign: readonly string[];
}

export interface SourceRow {
  readonly transaction_id: string;
  readonly reference: string;
  readonly parent_transaction: string | null;
  readonly status: string;
  readonly source: string;
  readonly destination: string;
  readonly currency: string;
  readonly precise_amount: number;
}

const PAGE = 100;

export async function readSourceBook(
  core: CoreAddress,
  source: string,
  payments: readonly string[],
): Promise<SourceBook> {
  const balances = await list<{ balance_id: string; currency: string; balance: number }>(core, 'balances', [
    { field: 'indicator', operator: 'eq', value: source },
  ]);
  const found = new Map<string, SourceRow>();
  for (const { balance_id: value } of balances) {
    for (const field of ['source', 'destination']) {
      for (const row of await list<SourceRow>(core, 'transactions', [{ field, operator: 'eq', value }])) {
        found.set(row.transaction_id, row);
      }
    }
  }
  const rows = [...found.values()];
  const owners = ownersOf(rows, payments);
  const own = new Set(balances.map(({ balance_id }) => balance_id));
  const netOf = new Map<string, bigint>();
  const sums: Record<string, bigint> = {};
  for (const row of rows) {
    if (row.status !== 'APPLIED') continue;
    const amount = BigInt(row.precise_amount) * (own.has(row.source) ? 1n : -1n);
    const owner = owners.get(row.transaction_id);
    if (owner !== undefined) netOf.set(owner, (netOf.get(owner) ?? 0n) + amount);
    sums[row.currency] = (sums[row.currency] ?? 0n) + amount;
  }
  return {
    netOf,
    rows,
    sums: Object.fromEntries(Object.entries(sums).map(([currency, sum]) => [currency, String(sum)])),
    balances: Object.fromEntries(balances.map(({ currency, balance }) => [currency, String(-BigInt(balance))])),
    foreign: rows.filter((row) => !owners.has(row.transaction_id)).map(({ reference }) => reference),
  };
}

/** Payment by id of row; a row hangs under its payment by name, or under another of its rows. */
function ownersOf(rows: readonly SourceRow[], payments: readonly string[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const row of rows) {
    const named = payments.find((id) => row.reference.startsWith(id));
    if (named !== undefined) owners.set(row.transaction_id, named);
  }
  for (let known = -1; owners.size > known; ) {
    known = owners.size;
    for (const { transaction_id, parent_transaction: parent } of rows) {
      const owner = parent === null ? undefined : owners.get(parent);
      if (owner !== undefined && !owners.has(transaction_id)) owners.set(transaction_id, owner);
    }
  }
  return owners;
}

async function list<T>({ baseUrl, headers }: CoreAddress, entity: string, filters: readonly object[]): Promise<T[]> {
  const rows: T[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const answer = await fetch(`${baseUrl}/${entity}/filter`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ filters, limit: PAGE, offset, sort_by: 'created_at', sort_order: 'asc' }),
    });
    if (!answer.ok) throw new Error(`Core answered ${answer.status}: ${await answer.text()}`);
    // Core's empty list is null.
    const page = ((await answer.json()) ?? []) as T[];
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
}
