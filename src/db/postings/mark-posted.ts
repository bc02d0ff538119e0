/**
 * Parked or dismissed to posted, by a repair that found it in the ledger and equal. Within the transaction of the repair's
 * item, as `store-owed.ts`.
 */
import { sql } from 'drizzle-orm';
import type { Settlement } from '../../core/posting/posting.js';
import type { Drizzle } from '../connection/open.js';
import { postings } from '../schema/postings.js';
import { isHeldByItem, posted } from './transitions.js';
import { assignments } from './write-transition.js';

export async function markPosted(db: Pick<Drizzle, 'execute'>, marked: Settlement): Promise<void> {
  const { reference, transactionId, how, exception } = marked;
  await db.execute(sql`
    update ${postings} set ${sql.raw(assignments(posted))}
    from (select ${transactionId}::text as transaction_id, ${how}::text as settled_how, ${exception}::text as exception) as given
    where ${isHeldByItem(reference)}`);
}
