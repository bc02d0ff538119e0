/** For a mirror that begins anew before its first posting: what was prepared is of the configuration of before. */
import type { Drizzle } from '../connection/open.js';
import { postings } from '../schema/postings.js';

export async function deleteAll(transaction: Pick<Drizzle, 'delete'>): Promise<void> {
  await transaction.delete(postings);
}
