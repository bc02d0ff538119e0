/**
 * Parked to pending, by a person: as it was prepared, or mapped anew. What is refused anew stays parked. Each statement asks
 * again for what was selected: somebody may have decided about a posting since it was read.
 */
import { and, asc, eq, gt, inArray, isNotNull, isNull, not, type SQL, sql } from 'drizzle-orm';
import type { ParkingReason, PreparedTransaction } from '../../core/posting/posting.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { stoodFor } from '../reads/outbox-status.js';
import { LANE, postings } from '../schema/postings.js';
import { isParked, isUndecided, parked, pending } from './transitions.js';
import { setMapped, setOf } from './write-transition.js';

/** References that a person named, or all of one reason but the dismissed ones. */
export type RetrySelection = { readonly references: readonly string[] } | { readonly reason: ParkingReason };

/** Pending now. */
export interface RetriedPosting {
  readonly reference: string;
  /** Its name. */
  readonly lane: string | null;
}

export interface UnpreparedPosting {
  readonly reference: string;
  readonly payment: string | null;
  readonly reason: ParkingReason | null;
}

const RETRIED = { reference: postings.reference, lane: sql<string | null>`${sql.raw(LANE)}` };

/** Of those that are named: retried, the original could be posted beside the posting that a repair put in its place. */
export async function selectStoodFor(db: Drizzle, references: readonly string[]) {
  return db
    .select({ reference: postings.reference, reason: postings.reason, detail: postings.dismissedWhy })
    .from(postings)
    .where(and(isParked, inArray(postings.reference, [...references]), stoodFor));
}

export async function retryPrepared(db: Drizzle, selection: RetrySelection): Promise<RetriedPosting[]> {
  return db.transaction(async (transaction) => {
    if ('references' in selection) await lockNamed(transaction, selection.references);
    return transaction
      .update(postings)
      .set(setOf(pending, {}))
      .where(and(isSelected(selection), isNotNull(postings.prepared)))
      .returning(RETRIED);
  });
}

/**
 * Waits for a repair that is at work on them. Without this the statement that retries would wait for it as well, and then see the row as
 * the repair left it, but not the posting that the repair put in its place: that is looked for as of when the statement began.
 */
export async function lockNamed(transaction: Transaction, references: readonly string[]): Promise<void> {
  const named = transaction.select({ reference: postings.reference }).from(postings);
  await named
    .where(inArray(postings.reference, [...references]))
    .orderBy(asc(postings.reference))
    .for('update');
}

/** By reference. */
export async function selectUnprepared(
  db: Drizzle,
  selection: RetrySelection,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<UnpreparedPosting[]> {
  return db
    .select({ reference: postings.reference, payment: postings.payment, reason: postings.reason })
    .from(postings)
    .where(and(isSelected(selection), isNull(postings.prepared), gt(postings.reference, after)))
    .orderBy(asc(postings.reference))
    .limit(limit);
}

/** One posting of those that `selectUnprepared` answered. */
interface Selected {
  readonly selection: RetrySelection;
  readonly reference: string;
}

export async function retryMapped(
  db: Pick<Drizzle, 'update'>,
  selected: Selected,
  transaction: PreparedTransaction,
): Promise<RetriedPosting[]> {
  return db
    .update(postings)
    .set({ ...setOf(pending, {}), ...setMapped(transaction) })
    .where(isStillUnprepared(selected))
    .returning(RETRIED);
}

/** Parked as before, for the reason for which it was refused this time. */
export async function refuseAgain(
  db: Pick<Drizzle, 'update'>,
  selected: Selected,
  { reason, detail }: { readonly reason: ParkingReason; readonly detail: string },
): Promise<Array<{ readonly reference: string }>> {
  return db
    .update(postings)
    .set(setOf(parked, { reason, reasonDetail: detail }))
    .where(isStillUnprepared(selected))
    .returning({ reference: postings.reference });
}

function isSelected(selection: RetrySelection): SQL | undefined {
  if ('reason' in selection) return and(isUndecided, eq(postings.reason, selection.reason));
  return and(isParked, inArray(postings.reference, [...selection.references]), not(stoodFor));
}

function isStillUnprepared({ selection, reference }: Selected): SQL | undefined {
  const one = isSelected('reason' in selection ? selection : { references: [reference] });
  return and(eq(postings.reference, reference), one, isNull(postings.prepared));
}
