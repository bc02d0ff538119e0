/** Which payments the mirror holds already, pending, posted or parked. */
import { inArray } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';
import { postings } from '../schema/postings.js';

export async function knownPayments(db: Drizzle, references: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .select({ reference: postings.reference })
    .from(postings)
    .where(inArray(postings.reference, [...references]));
  return new Set(rows.map(({ reference }) => reference));
}
