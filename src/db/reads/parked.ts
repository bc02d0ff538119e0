/** Reads what waits for a person: the list of parked postings, and one posting with both of its sides. */
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { ParkingReason } from '../../core/posting.js';
import type { Drizzle } from '../open.js';
import { postings } from '../schema/postings.js';
import { paymentStatus } from '../schema/views.js';
import { type PaymentPage, type PaymentRecord, toPage } from './payments.js';

export interface ParkedQuery {
  readonly limit: number;
  readonly after?: string;
  readonly reason?: ParkingReason;
  readonly includeDismissed?: boolean;
}

/** One posting with what Stripe said and what was prepared for the ledger, as far as either is still kept. */
export interface PaymentSides extends PaymentRecord {
  readonly sourceBalance: string | null;
  readonly firstAttemptAt: Date | null;
  readonly lastAttemptAt: Date | null;
  readonly dueAt: Date;
  /** JSON text: the payment as first stored; kept while it could not be prepared. */
  readonly stripeSide: string | null;
  /** JSON text of the request body; dropped once posted. Text, because its amount may not fit a JSON number. */
  readonly ledgerSide: string | null;
}

/** Newest first. */
export async function listParked(db: Drizzle, query: ParkedQuery): Promise<PaymentPage> {
  const conditions: SQL[] = [eq(postings.state, 'parked')];
  if (query.includeDismissed !== true) conditions.push(sql`${postings.dismissedAt} is null`);
  if (query.reason !== undefined) conditions.push(eq(postings.reason, query.reason));
  if (query.after !== undefined) {
    conditions.push(sql`(${postings.storedAt}, ${postings.reference}) < (
      select cursor.stored_at, cursor.reference from postings cursor where cursor.reference = ${query.after}
    )`);
  }
  const chosen = await db
    .select({ reference: postings.reference })
    .from(postings)
    .where(and(...conditions))
    .orderBy(desc(postings.storedAt), desc(postings.reference))
    .limit(query.limit + 1);
  if (chosen.length === 0) return { payments: [], next: null };
  const rows = await db
    .select()
    .from(paymentStatus)
    .where(
      inArray(
        paymentStatus.reference,
        chosen.map((row) => row.reference),
      ),
    )
    .orderBy(desc(paymentStatus.storedAt), desc(paymentStatus.reference));
  return toPage(rows, query.limit);
}

export async function showPayment(db: Drizzle, reference: string): Promise<PaymentSides | null> {
  const [payment] = await db.select().from(paymentStatus).where(eq(paymentStatus.reference, reference));
  const [sides] = await db
    .select({
      sourceBalance: postings.source,
      firstAttemptAt: postings.firstAttemptAt,
      lastAttemptAt: postings.lastAttemptAt,
      dueAt: postings.dueAt,
      stripeSide: postings.payment,
      ledgerSide: postings.prepared,
    })
    .from(postings)
    .where(eq(postings.reference, reference));
  return payment === undefined || sides === undefined ? null : { ...payment, ...sides };
}
