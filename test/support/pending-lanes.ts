import type postgres from 'postgres';
import type { Lane } from '../../src/core/posting/posting.js';
import { lanesOf } from '../../src/db/postings/lanes.js';
import { LANE } from '../../src/db/schema/postings.js';

/** Lanes with anything pending, due or not. */
export async function pendingLanes(sql: postgres.Sql): Promise<Lane[]> {
  const rows = await sql<{ lane: string }[]>`
    select distinct ${sql.unsafe(LANE)} as lane from stripe_blnk_sync.postings where state = 'pending'`;
  return lanesOf(rows.map(({ lane }) => lane));
}
