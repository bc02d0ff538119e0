/** The plans of the statements that somebody sends, as they were run. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { Drizzle } from '../../src/db/connection/open.js';
import type { OwnDatabase } from './own-database.js';

export type Questions = Readonly<Record<string, () => Promise<unknown>>>;

export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Reading {
  readonly relation: string;
  readonly node: string;
  /** Read, whether or not they were of use. */
  readonly rows: number;
}

/** What each scan of a table read, in the whole plan. */
export function readings(plan: PlanNode): Reading[] {
  const each =
    plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  const relation = plan['Relation Name'];
  const own = relation === undefined ? [] : [{ relation, node: plan['Node Type'], rows: each * plan['Actual Loops'] }];
  return [...own, ...(plan.Plans ?? []).flatMap(readings)];
}

interface Statement {
  readonly query: string;
  readonly params: unknown[];
}

export interface StatementTimes {
  readonly query: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends each statement so many times, one after the other. */
export async function timesOf(
  database: Pick<OwnDatabase, 'address'>,
  ask: (db: Drizzle, sql: postgres.Sql) => Promise<unknown>,
  times: number,
): Promise<StatementTimes[]> {
  return withStatements(database, ask, async (sql, { query, params }) => {
    const took: number[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const begin = performance.now();
      await sql.unsafe(query, params as never[]);
      took.push(performance.now() - begin);
    }
    took.sort((a, b) => a - b);
    const at = (share: number) => took[Math.min(times - 1, Math.floor(share * times))] ?? 0;
    return { query: inOneLine(query), p50Ms: at(0.5), p99Ms: at(0.99) };
  });
}

/** @param ask sends the statements, on the client that it is given; each is sent once more to see its plan */
export async function plansOf(
  database: Pick<OwnDatabase, 'address'>,
  ask: (db: Drizzle, sql: postgres.Sql) => Promise<unknown>,
): Promise<ReadonlyArray<{ readonly query: string; readonly plan: PlanNode }>> {
  return withStatements(database, ask, async (sql, { query, params }) => {
    const [row] = await sql.unsafe(`explain (analyze, format json) ${query}`, params as never[]);
    return { query: inOneLine(query), plan: row?.['QUERY PLAN'][0].Plan as PlanNode };
  });
}

async function withStatements<Result>(
  { address }: Pick<OwnDatabase, 'address'>,
  ask: (db: Drizzle, sql: postgres.Sql) => Promise<unknown>,
  work: (sql: postgres.Sql, statement: Statement) => Promise<Result>,
): Promise<Result[]> {
  const sent: Statement[] = [];
  const debug = (_: number, query: string, params: unknown[]) => void sent.push({ query, params });
  const options = { max: 1, debug, onnotice: () => {} };
  const sql = address.kind === 'url' ? postgres(address.url, options) : postgres({ ...options, ...address });
  try {
    await ask(drizzle(sql), sql);
    const statements = sent.splice(0).filter(({ query }) => /^\s*(?:select|with|update)\b/i.test(query));
    const results: Result[] = [];
    for (const statement of statements) results.push(await work(sql, statement));
    return results;
  } finally {
    await sql.end();
  }
}

function inOneLine(query: string): string {
  return query.replaceAll(/\s+/g, ' ').trim();
}
