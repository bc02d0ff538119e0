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

/** @param ask sends the statements, on the client that it is given; each is sent once more to see its plan */
export async function plansOf(
  { address }: Pick<OwnDatabase, 'address'>,
  ask: (db: Drizzle, sql: postgres.Sql) => Promise<unknown>,
): Promise<ReadonlyArray<{ readonly query: string; readonly plan: PlanNode }>> {
  const sent: Statement[] = [];
  const debug = (_: number, query: string, params: unknown[]) => void sent.push({ query, params });
  const options = { max: 1, debug, onnotice: () => {} };
  const sql = address.kind === 'url' ? postgres(address.url, options) : postgres({ ...options, ...address });
  try {
    await ask(drizzle(sql), sql);
    const statements = sent.splice(0).filter(({ query }) => /^\s*(?:select|with|update)\b/i.test(query));
    const plans = [];
    for (const { query, params } of statements) {
      const [row] = await sql.unsafe(`explain (analyze, format json) ${query}`, params as never[]);
      plans.push({ query: query.replaceAll(/\s+/g, ' ').trim(), plan: row?.['QUERY PLAN'][0].Plan as PlanNode });
    }
    return plans;
  } finally {
    await sql.end();
  }
}
