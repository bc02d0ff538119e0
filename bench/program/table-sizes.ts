/** How much a database holds, table by table: what a soak watches for growth without bound. */
import type postgres from 'postgres';

export interface TableSize {
  readonly name: string;
  readonly megabytes: number;
  readonly live: number;
  readonly dead: number;
}

/** Rows as PostgreSQL's statistics have them; sizes with indexes and TOAST. */
export async function tableSizes(
  sql: postgres.Sql,
  schemas: readonly string[] = ['stripe_blnk_sync'],
): Promise<TableSize[]> {
  return sql<TableSize[]>`
    select case when schemaname = 'stripe_blnk_sync' then relname else schemaname || '.' || relname end as name,
      round(pg_total_relation_size(relid) / 1048576.0, 1)::float8 as megabytes, n_live_tup::int as live, n_dead_tup::int as dead
    from pg_stat_user_tables where schemaname = any(${[...schemas]})
    order by pg_total_relation_size(relid) desc, relname`;
}
