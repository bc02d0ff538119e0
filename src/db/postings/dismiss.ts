/** Parked to dismissed, by a person. */
import { and, eq } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';
import { postings } from '../schema/postings.js';
import { dismissed, isUndecided } from './transitions.js';
import { setOf } from './write-transition.js';

export interface Dismissal {
  readonly reference: string;
  readonly by: string;
  readonly why: string;
}

/** Answers whether it was parked, and not dismissed before. */
export async function dismiss(db: Drizzle, { reference, by, why }: Dismissal): Promise<boolean> {
  const rows = await db
    .update(postings)
    .set(setOf(dismissed, { dismissedBy: by, dismissedWhy: why }))
    .where(and(eq(postings.reference, reference), isUndecided))
    .returning({ reference: postings.reference });
  return rows.length > 0;
}
