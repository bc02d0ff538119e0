/**
 * A real Blnk Core in the place of the stand-in: rows and balances of one source, read whole through its own filter. Not made
 * with src/blnk: it must see what is there, whatever that says.
 */
import postgres from 'postgres';
import type { InspectedBalance, InspectedTransaction } from '../../../sandbox/blnk/inspection.js';
import type { Variables } from '../process/session.js';
import type { Ends } from '../process/truth.js';
import { type CoreProxy, openCoreProxy } from './core-proxy.js';

export interface RealCoreAddress {
  readonly url: string;
  readonly key: string;
  /** Core's own database, where rows can be made to vanish; null: that is left alone. */
  readonly databaseUrl: string | null;
}

export interface RealCore {
  /** For the processes of this round, with a source of its own. Past the proxy. */
  readonly variables: Variables;
  readonly proxy: CoreProxy;
  /** What it holds of this round, named as the stand-in names it. */
  read(): Promise<Ends['blnk']>;
  /** Takes these rows out of its database and what they moved out of the balances, as a backup from before them would. */
  loseRows(references: readonly string[]): Promise<void>;
  /**
   * For a rebuild, which refuses a ledger that other Stripe accounts were mirrored into, as other rounds are: variables
   * with which a process sees a Core that holds this round alone.
   */
  asIfAlone(): Promise<Variables>;
  close(): Promise<void>;
}

const ROWS_MAX = 100;

/** @param source a balance name that no other round used */
export async function openRealCore({ url, key, databaseUrl }: RealCoreAddress, source: string): Promise<RealCore> {
  const proxy = await openCoreProxy(url);
  const list = async (entity: string, filters: readonly object[]): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let offset = 0; ; offset += ROWS_MAX) {
      const answer = await fetch(`${url}/${entity}/filter`, {
        method: 'POST',
        headers: { 'X-Blnk-Key': key, 'Content-Type': 'application/json' },
        body: JSON.stringify({ filters, limit: ROWS_MAX, offset, sort_by: 'created_at', sort_order: 'asc' }),
      });
      if (!answer.ok) throw new Error(`the Core answered ${answer.status}: ${await answer.text()}`);
      // Core's empty list is null.
      const page = ((await answer.json()) ?? []) as Row[];
      rows.push(...page);
      if (page.length < ROWS_MAX) return rows;
    }
  };
  return {
    proxy,
    variables: { BLNK_API_BASE: url, BLNK_API_KEY: key, BLNK_API_STYLE: 'core', BLNK_SOURCE: source },
    async asIfAlone() {
      const sources = await list('balances', [{ field: 'indicator', operator: 'eq', value: source }]);
      proxy.showOnly(sources.map(({ balance_id }) => String(balance_id)));
      return { BLNK_API_BASE: proxy.url };
    },
    close: () => proxy.close(),
    async loseRows(references) {
      if (databaseUrl === null) throw new Error('rows can vanish from Core only where its database is named');
      await deleteRows(databaseUrl, references);
    },
    async read() {
      const sources = await list('balances', [{ field: 'indicator', operator: 'eq', value: source }]);
      const rows = (
        await Promise.all(
          sources.map(({ balance_id }) =>
            list('transactions', [{ field: 'source', operator: 'eq', value: balance_id }]),
          ),
        )
      ).flat();
      const names = await namesOf(list, new Set(rows.map(({ destination }) => String(destination))));
      return {
        transactions: () => rows.map((row) => toInspected(row, names)),
        balance: (_, currency) => {
          const found = sources.find((one) => one.currency === currency);
          return found === undefined ? undefined : ({ balance: BigInt(String(found.balance)) } as InspectedBalance);
        },
      };
    },
  };
}

async function deleteRows(databaseUrl: string, references: readonly string[]): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.begin(async (taking) => {
      const rows = await taking`
        delete from blnk.transactions where reference in ${taking(references)} and status = 'APPLIED'
        returning source, destination, precise_amount`;
      if (rows.length !== references.length) throw new Error(`${rows.length} of ${references.length} rows were there`);
      for (const { source, destination, precise_amount: amount } of rows) {
        await taking`
          update blnk.balances set balance = balance + ${amount}, debit_balance = debit_balance - ${amount}
          where balance_id = ${source}`;
        await taking`
          update blnk.balances set balance = balance - ${amount}, credit_balance = credit_balance - ${amount}
          where balance_id = ${destination}`;
      }
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

type Row = Readonly<Record<string, unknown>>;

async function namesOf(
  list: (entity: string, filters: readonly object[]) => Promise<Row[]>,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const all = [...ids];
  for (let start = 0; start < all.length; start += ROWS_MAX) {
    const values = all.slice(start, start + ROWS_MAX);
    for (const row of await list('balances', [{ field: 'balance_id', operator: 'in', values }])) {
      names.set(String(row.balance_id), String(row.indicator));
    }
  }
  return names;
}

/** The source is named as the stand-in's: it is this round's by construction. */
function toInspected(row: Row, names: ReadonlyMap<string, string>): InspectedTransaction {
  const destination = String(row.destination);
  return {
    transaction_id: String(row.transaction_id),
    reference: String(row.reference),
    status: row.status as InspectedTransaction['status'],
    precise_amount: BigInt(String(row.precise_amount)),
    precision: Number(row.precision),
    currency: String(row.currency),
    description: String(row.description ?? ''),
    source: '@stripe',
    destination: names.get(destination) ?? destination,
    effective_date: typeof row.effective_date === 'string' ? new Date(row.effective_date) : undefined,
    created_at: new Date(String(row.created_at)),
    meta_data: row.meta_data as InspectedTransaction['meta_data'],
    parent: String(row.parent_transaction ?? ''),
  };
}
