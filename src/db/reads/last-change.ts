/** Whether anything changed that people look at: the newest number of each table that only grows, and the newest runs. */
import { sql } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';

/** Postings change with `posting_changes`; that its rows were added up shows as a change too, and a page is read once more. */
export async function readLastChange(db: Drizzle): Promise<string> {
  const [row] = await db.execute<{ text: string }>(sql`
    select concat_ws(' ',
      (select max(id) from stripe_blnk_sync.posting_changes),
      (select max(id) from stripe_blnk_sync.actions),
      (select max(proved_at) from stripe_blnk_sync.certificates),
      (select id || state || found from stripe_blnk_sync.sync_runs order by started_at desc limit 1),
      (select count(*) from stripe_blnk_sync.workers),
      (select max(seen_at) from stripe_blnk_sync.lane_pauses)) as text`);
  return row?.text ?? '';
}
