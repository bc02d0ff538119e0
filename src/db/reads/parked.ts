/** Reads what waits for a person: the list of parked postings, and one posting with both of its sides. */
import { and, desc, eq, type SQL, sql } from 'drizzle-orm';
import { utcDay } from '../../core/base/window.js';
import type { ParkingReason, PastDismissal } from '../../core/posting/posting.js';
import type { AcceptanceRecord } from '../../core/proof/acceptance.js';
import type { DayFinding } from '../../core/proof/certificate.js';
import { type ActionRecord, listActions } from '../actions/action-store.js';
import type { Drizzle } from '../connection/open.js';
import { acceptancesOfPayment } from '../proof/acceptance-store.js';
import { certificates, dayCertificates } from '../schema/certificates.js';
import { mirror } from '../schema/mirror.js';
import { postings } from '../schema/postings.js';
import { paymentStatus } from '../schema/views.js';
import { type PaymentPage, type PaymentRecord, readPayments, refuseUnknownCursor, toPage } from './payments.js';

/** More than anybody does to one payment. */
const ACTIONS_SHOWN = 50;

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
  /** Decisions to leave it out that do not hold any more, oldest first. */
  readonly pastDismissals: readonly PastDismissal[];
  /** What was accepted of the payment, newest first; what was taken back included. */
  readonly acceptances: readonly AcceptanceRecord[];
  /** The page of Stripe's dashboard; null while nothing is mirrored. */
  readonly dashboardUrl: string | null;
  /** What people did about it, the newest first. */
  readonly actions: readonly ActionRecord[];
  /** What the newest proof of its day found about the payment; empty when nothing, or when there was no proof. */
  readonly findings: readonly ProofFinding[];
}

export interface ProofFinding extends Pick<DayFinding, 'kind' | 'detail' | 'accepted'> {
  readonly day: string;
  readonly provedAt: Date;
}

export interface ParkedPage extends PaymentPage {
  /** All that are asked for, on this page and on others. */
  readonly count: number;
}

/** Newest first. */
export async function listParked(db: Drizzle, query: ParkedQuery): Promise<ParkedPage> {
  const conditions: SQL[] = [eq(postings.state, 'parked')];
  if (query.includeDismissed !== true) conditions.push(sql`${postings.dismissedAt} is null`);
  if (query.reason !== undefined) conditions.push(eq(postings.reason, query.reason));
  const count = await db.$count(postings, and(...conditions));
  if (query.after !== undefined) {
    await refuseUnknownCursor(db, query.after);
    conditions.push(sql`(${postings.storedAt}, ${postings.reference}) < (
      select cursor.stored_at, cursor.reference from stripe_blnk_sync.postings cursor where cursor.reference = ${query.after}
    )`);
  }
  const chosen = await db
    .select({ reference: postings.reference })
    .from(postings)
    .where(and(...conditions))
    .orderBy(desc(postings.storedAt), desc(postings.reference))
    .limit(query.limit + 1);
  const rows = await readPayments(db, chosen, desc(paymentStatus.storedAt), desc(paymentStatus.reference));
  return { ...toPage(rows, query.limit), count };
}

/**
 * How these postings stand, as a text that is another one as soon as one of them stands otherwise: what a person was shown is held
 * against it before it is decided.
 */
export async function standingOf(db: Drizzle, references: readonly string[]): Promise<string> {
  const [row] = await db.execute<{ standing: string }>(sql`
    select count(*) || ' ' || coalesce(sum(hashtextextended(concat_ws(' ', reference, state, reason, dismissed_at), 0)::numeric), 0) as standing
    from ${postings} where reference = any(${sql.param([...references])}::text[])`);
  return row?.standing ?? '';
}

/** Which of them are references of postings: those that can be shown. */
export async function storedOf(db: Drizzle, references: readonly string[]): Promise<ReadonlySet<string>> {
  if (references.length === 0) return new Set();
  const named = sql`${postings.reference} = any(${sql.param([...references])}::text[])`;
  const rows = await db.select({ reference: postings.reference }).from(postings).where(named);
  return new Set(rows.map(({ reference }) => reference));
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
      pastDismissals: postings.pastDismissals,
    })
    .from(postings)
    .where(eq(postings.reference, reference));
  if (payment === undefined || sides === undefined) return null;
  const pastDismissals = sides.pastDismissals ?? [];
  const { paymentId, created } = payment;
  const [acceptances, findings, { actions }] = await Promise.all([
    acceptancesOfPayment(db, paymentId),
    findingsOfPayment(db, { paymentId, day: utcDay(created) }),
    listActions(db, { subject: reference, limit: ACTIONS_SHOWN }),
  ]);
  const [mode] = await db.select({ livemode: mirror.livemode }).from(mirror);
  const dashboardUrl = mode === undefined ? null : dashboardUrlOf(payment, mode.livemode);
  return { ...payment, ...sides, pastDismissals, dashboardUrl, acceptances, findings, actions };
}

/** Each once: what may be of any currency stands on every certificate of its day. */
async function findingsOfPayment(
  db: Drizzle,
  { paymentId, day }: { readonly paymentId: string; readonly day: string },
): Promise<ProofFinding[]> {
  const rows = await db
    .select({ provedAt: certificates.provedAt, finding: sql<DayFinding>`finding` })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .innerJoin(
      sql`jsonb_array_elements(${certificates.findings}) as finding`,
      sql`finding ->> 'paymentId' = ${paymentId}`,
    )
    .where(eq(dayCertificates.day, day))
    .orderBy(certificates.currency);
  const found = new Map(
    rows.map(({ provedAt, finding: { kind, detail, accepted } }) => {
      return [`${kind} ${detail}`, { day, provedAt, kind, detail, ...(accepted === undefined ? {} : { accepted }) }];
    }),
  );
  return [...found.values()];
}

/** What is parked because it is of the other mode stands there. */
function dashboardUrlOf(
  { paymentId, reason }: Pick<PaymentRecord, 'paymentId' | 'reason'>,
  mirrorsLive: boolean,
): string {
  const isLive = reason === 'wrong_livemode' ? !mirrorsLive : mirrorsLive;
  return `https://dashboard.stripe.com/${isLive ? '' : 'test/'}payments/${encodeURIComponent(paymentId)}`;
}
