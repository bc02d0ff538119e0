/** Stores items of a large day, and how far its lists were read: both or neither. */
import { type SQL, sql } from 'drizzle-orm';
import { MARKS } from '../../core/proof/staged.js';
import type { DayProgress } from '../../prove/day-store.js';
import { stagedDays, stagedItems } from '../schema/staged-days.js';
import type { StagedRow } from './staged-rows.js';

/** Items and progress together, if the day is still this process's. They go over as one JSON parameter, as those of a page of collect. */
export function putStatement(
  rows: readonly StagedRow[],
  {
    id,
    token,
    sequence,
    reached,
  }: {
    readonly id: number;
    readonly token: string;
    readonly sequence: number;
    readonly reached: DayProgress | undefined;
  },
): SQL {
  const progress = reached === undefined ? sql`progress` : sql`${JSON.stringify(reached)}::jsonb`;
  return sql`
    with ours as (
      update ${stagedDays} set renewed_at = clock_timestamp(), sequence = ${sequence}, progress = ${progress}
      where id = ${id} and token = ${token} returning id
    ), stored as (
      insert into ${stagedItems} as item (staged_day, key, kind, id, name, sequence, marks, todo, transaction_id, body)
      select ours.id, page.key, kind, page.id, name, sequence, marks, todo, "transactionId", body
      from ours, json_to_recordset(${JSON.stringify(rows)}) as page (
        key text, kind text, id text, name text, sequence integer, marks smallint, todo smallint, "transactionId" text, body text)
      on conflict (staged_day, key, kind, id) do update set name = excluded.name, todo = excluded.todo,
        marks = excluded.marks | (item.marks & ${sql.raw(String(MARKS.followed))}), transaction_id = excluded.transaction_id,
        body = excluded.body
    )
    select count(*)::integer as ours from ours`;
}
