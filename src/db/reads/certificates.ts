/** Reads what was proven: the newest certificates of days, and one day with its history. */
import { and, asc, desc, eq, getTableColumns, gt, gte, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import { utcDay } from '../../core/base/window.js';
import type { CertificateState, DayFinding, FindingAcceptance, FindingKind } from '../../core/proof/certificate.js';
import type { Drizzle } from '../connection/open.js';
import { type CertificateRow, certificates, dayCertificates } from '../schema/certificates.js';
import { cursorUnknown } from './payments.js';

/** A certificate without its findings. Sums in minor units. */
export interface CertificateRecord extends Omit<CertificateRow, 'findings' | SumName> {
  readonly stripeSum: bigint;
  readonly ledgerSum: bigint;
  readonly postingsSum: bigint;
  readonly movement: bigint | null;
  readonly unexplained: bigint | null;
  /** A payment of the day was stored after it was sealed, or an acceptance taken back, and the day is not proven again yet. */
  readonly reopened: boolean;
  /** Of the findings, those that a person accepted. */
  readonly accepted: readonly AcceptedFinding[];
}

export interface AcceptedFinding extends FindingAcceptance {
  readonly paymentId: string | null;
  readonly kind: FindingKind;
}

type SumName = 'stripeSum' | 'ledgerSum' | 'postingsSum' | 'movement' | 'unexplained';

export type FullCertificate = CertificateRecord & Pick<CertificateRow, 'findings'>;

export interface CertificatesQuery {
  /** First and last day, `2026-11-21`. */
  readonly from?: string;
  readonly to?: string;
  readonly state?: CertificateState;
  /** Null: all. */
  readonly limit: number | null;
}

export interface CertificatePageQuery extends Omit<CertificatesQuery, 'limit'> {
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface CertificatePage {
  readonly certificates: readonly CertificateRecord[];
  /** Pass as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

export interface DayQuery {
  readonly day: string;
  /** Absent: all. */
  readonly currency?: string;
}

/** An earlier proof of the day. */
export type EarlierProof = Pick<
  CertificateRow,
  'id' | 'currency' | 'state' | 'trigger' | 'provedAt' | 'findingsCount' | 'reopens' | 'reopenedBecause'
>;

export interface DayCertificates {
  /** Of the newest proof, by currency. */
  readonly certificates: readonly FullCertificate[];
  /** Of all proofs, the newest one's included, newest first; the newest of them where there are many. */
  readonly history: readonly EarlierProof[];
  /** How many there are. */
  readonly historyCount: number;
}

const HISTORY_MAX = 100;

const acceptedFindings = sql<
  readonly DayFinding[]
>`jsonb_path_query_array(${certificates.findings}, '$[*] ? (exists(@.accepted))')`;

/** The newest of each day and currency, newest day first. */
export function listCertificates(db: Drizzle, query: CertificatesQuery): Promise<CertificateRecord[]> {
  return selectNewest(db, query, undefined);
}

/** The same, page by page. Throws SyncError `cursor_unknown`. */
export async function pageCertificates(
  db: Drizzle,
  { limit, after, ...query }: CertificatePageQuery,
): Promise<CertificatePage> {
  const rows = await selectNewest(db, { ...query, limit: limit + 1 }, after === undefined ? undefined : behind(after));
  const certificates = rows.slice(0, limit);
  const last = certificates.at(-1);
  return { certificates, next: rows.length > limit && last !== undefined ? placeOf(last) : null };
}

/** A day without payments has no currency, and comes last of it. */
function placeOf({ day, currency }: CertificateRecord): string {
  return currency === null ? day : `${day} ${currency}`;
}

function behind(after: string): SQL | undefined {
  // The ledger's rows may name any currency: Core takes every text.
  const [, day = '', currency] = /^(\d{4}-\d\d-\d\d)(?: (\P{Cc}{1,400}))?$/u.exec(after) ?? [];
  if (day === '' || !isDay(day)) throw cursorUnknown(after, 'no place in this list');
  const older = lt(dayCertificates.day, day);
  if (currency === undefined) return older;
  const ofDay = or(gt(dayCertificates.currency, currency), isNull(dayCertificates.currency));
  return or(older, and(eq(dayCertificates.day, day), ofDay));
}

/** `2026-02-30` is none, and PostgreSQL has no year 0. */
function isDay(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && utcDay(new Date(time)) === text && text >= '0001';
}

async function selectNewest(
  db: Drizzle,
  query: CertificatesQuery,
  place: SQL | undefined,
): Promise<CertificateRecord[]> {
  const { from, to, state, limit } = query;
  const { findings: _findings, ...columns } = getTableColumns(certificates);
  const newest = db
    .select({ certificate: columns, reopened: dayCertificates.reopened, acceptedFindings })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(
      and(
        ...(from === undefined ? [] : [gte(dayCertificates.day, from)]),
        ...(to === undefined ? [] : [lte(dayCertificates.day, to)]),
        ...(state === undefined ? [] : [eq(dayCertificates.state, state)]),
        place,
      ),
    )
    .orderBy(desc(dayCertificates.day), asc(dayCertificates.currency));
  const rows = await (limit === null ? newest : newest.limit(limit));
  return rows.map(toRecord);
}

/** @returns null when the day was never proven, or never in that currency */
export async function readDay(db: Drizzle, { day, currency }: DayQuery): Promise<DayCertificates | null> {
  const ofCurrency = currency === undefined ? undefined : eq(certificates.currency, currency);
  const rows = await db
    .select({ certificate: getTableColumns(certificates), reopened: dayCertificates.reopened, acceptedFindings })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(and(eq(dayCertificates.day, day), ofCurrency))
    .orderBy(asc(certificates.currency));
  const { id, state, trigger, provedAt, findingsCount, reopens, reopenedBecause } = certificates;
  const ofDay = and(eq(certificates.day, day), ofCurrency);
  const history = await db
    .select({ id, currency: certificates.currency, state, trigger, provedAt, findingsCount, reopens, reopenedBecause })
    .from(certificates)
    .where(ofDay)
    .orderBy(desc(provedAt), asc(certificates.currency))
    .limit(HISTORY_MAX);
  if (history.length === 0) return null;
  const found = rows.map((row) => ({ ...toRecord(row), findings: row.certificate.findings }));
  return { certificates: found, history, historyCount: await db.$count(certificates, ofDay) };
}

/** When the rotation last proved a day; null when it never did. */
export async function lastRotationAt(db: Drizzle): Promise<Date | null> {
  const [row] = await db
    .select({ provedAt: certificates.provedAt })
    .from(certificates)
    .where(eq(certificates.trigger, 'rotation'))
    .orderBy(desc(certificates.provedAt))
    .limit(1);
  return row?.provedAt ?? null;
}

/** Of these days, those with a posting that is still on its way. */
export async function daysWithPending(db: Drizzle, days: readonly string[]): Promise<Set<string>> {
  if (days.length === 0) return new Set();
  const rows = await db.execute<{ day: string }>(sql`
    select asked.day from json_array_elements_text(${JSON.stringify(days)}::json) as asked (day)
    where exists (
      select 1 from stripe_blnk_sync.postings posting
      where posting.state = 'pending' and (posting.effective_at at time zone 'UTC')::date = asked.day::date
    )`);
  return new Set(rows.map(({ day }) => day));
}

function toRecord({
  certificate,
  reopened,
  acceptedFindings,
}: {
  readonly certificate: Omit<CertificateRow, 'findings'>;
  readonly reopened: boolean;
  readonly acceptedFindings: readonly DayFinding[];
}): CertificateRecord {
  const { stripeSum, ledgerSum, postingsSum, movement, unexplained, ...rest } = certificate;
  return {
    ...rest,
    ...{ stripeSum: BigInt(stripeSum), ledgerSum: BigInt(ledgerSum), postingsSum: BigInt(postingsSum) },
    movement: movement === null ? null : BigInt(movement),
    unexplained: unexplained === null ? null : BigInt(unexplained),
    reopened,
    accepted: acceptedFindings.flatMap(({ paymentId, kind, accepted }) => {
      return accepted === undefined ? [] : [{ paymentId, kind, ...accepted }];
    }),
  };
}
