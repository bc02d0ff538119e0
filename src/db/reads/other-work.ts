/** Whether anybody has work that goes before proofs of sealed days: reading, posting, or requests that wait for Stripe's limits. */
import type postgres from 'postgres';
import { lanesPending } from '../postings/due.js';
import { LANE } from '../schema/postings.js';

export interface OtherWorkOptions {
  /** A run that was not renewed for so long has no living worker. */
  readonly silentAfterMs: number;
  /** A line at Stripe's limits that is longer is not the asker's own. */
  readonly lineMs: number;
}

/** In words that complete "while …"; null when there is none. What waits for its back-off is nobody's work yet. */
export async function findOtherWork(
  sql: postgres.Sql,
  { silentAfterMs, lineMs }: OtherWorkOptions,
): Promise<string | null> {
  const ofLane = sql.unsafe(LANE);
  const ms = (length: number) => sql`${length} * interval '1 millisecond'`;
  const [row] = await sql<{ is_reading: boolean; is_posting: boolean; is_in_line: boolean }[]>`
    with recursive ${lanesPending(sql)}
    select
      exists (select from stripe_blnk_sync.sync_runs
        where state = 'collecting' and worker_id is not null and heartbeat_at > now() - ${ms(silentAfterMs)}) as is_reading,
      exists (select from waiting where (
        select 1 from stripe_blnk_sync.postings
        where state = 'pending' and ${ofLane} = waiting.name and due_at <= now() order by due_at limit 1) is not null) as is_posting,
      exists (select from stripe_blnk_sync.rate_tokens where next_free_at > now() + ${ms(lineMs)}) as is_in_line`;
  if (row?.is_reading === true) return 'Stripe is read';
  if (row?.is_posting === true) return 'payments are posted';
  return row?.is_in_line === true ? "other requests wait for Stripe's limits" : null;
}
