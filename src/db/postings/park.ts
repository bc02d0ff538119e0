/** Pending to parked, for whoever holds the claim. */
import type postgres from 'postgres';
import type { Outbox } from '../../post/ports.js';
import { isHeldPending, parked } from './transitions.js';
import { assignments } from './write-transition.js';

export async function park(sql: postgres.Sql, token: string, parkings: Parameters<Outbox['park']>[1]): Promise<number> {
  if (parkings.length === 0) return 0;
  const rows = await sql`
    update stripe_blnk_sync.postings set ${sql.unsafe(assignments(parked))}
    from unnest(${parkings.map((s) => s.reference)}::text[], ${parkings.map((s) => s.reason)}::text[],
      ${parkings.map((s) => s.detail)}::text[]) as given(reference, reason, reason_detail)
    where postings.reference = given.reference and ${isHeldPending(sql, token)}`;
  return rows.count;
}
