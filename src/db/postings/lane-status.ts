/** Which lanes pause and why, for people who ask: a worker remembers it for itself. */
import { and, eq, sql } from 'drizzle-orm';
import type { Lane } from '../../core/posting/posting.js';
import type { Drizzle } from '../connection/open.js';
import { lanePauses } from '../schema/mirror.js';

/** Keeps the time of the first pause in a row. */
export async function noteLanePause(db: Drizzle, { source, currency }: Lane, error: string): Promise<void> {
  await db
    .insert(lanePauses)
    .values({ source, currency, error })
    .onConflictDoUpdate({ target: [lanePauses.source, lanePauses.currency], set: { error, seenAt: sql`now()` } });
}

export async function endLanePause(db: Drizzle, { source, currency }: Lane): Promise<void> {
  await db.delete(lanePauses).where(and(eq(lanePauses.source, source), eq(lanePauses.currency, currency)));
}
