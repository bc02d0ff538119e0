/** After a look for what was dismissed: dismissed to posted for what the ledger holds; of all others the look is counted. */
import type postgres from 'postgres';
import type { Settlement } from '../../core/posting/posting.js';
import { givenSettlements } from './settle.js';
import { isHeldParked, posted } from './transitions.js';
import { assignments } from './write-transition.js';

export async function markLooked(sql: postgres.Sql, token: string, found: readonly Settlement[]): Promise<void> {
  await sql`
    update stripe_blnk_sync.postings set ${sql.unsafe(assignments(posted))} from ${givenSettlements(sql, found)}
    where postings.reference = given.reference and ${isHeldParked(sql, token)}`;
  await sql`
    update stripe_blnk_sync.postings set dismissed_looks = dismissed_looks + 1, claim = null, claimed_until = null
    where ${isHeldParked(sql, token)}`;
}
