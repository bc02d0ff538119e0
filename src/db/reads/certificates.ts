/** Reads what was proven: the newest certificates of days, one day with its history, and how far proofs reach. */
import { and, asc, desc, eq, getTableColumns, gte, lte, sql } from 'drizzle-orm';
import { type CertificateState, worstState } from '../../core/certificate.js';
import { isSealed } from '../../core/reopening.js';
import type { DayStanding } from '../../prove/ports.js';
import type { Drizzle } from '../open.js';
import { type CertificateRow, certificates, dayCertificates } from '../schema/certificates.js';

/** A certificate without its findings. Sums in minor units. */
export interface CertificateRecord extends Omit<CertificateRow, 'findings' | SumName> {
  readonly stripeSum: bigint;
  readonly ledgerSum: bigint;
  readonly postingsSum: bigint;
  readonly movement: bigint | null;
  readonly unexplained: bigint | null;
  /** A payment of the day was stored after it was sealed, and the day is not proven again yet. */
  readonly reopened: boolean;
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

/** An earlier proof of the day. */
export type EarlierProof = Pick<
  CertificateRow,
  'id' | 'currency' | 'state' | 'trigger' | 'provedAt' | 'findingsCount' | 'reopens' | 'reopenedBecause'
>;

export interface DayCertificates {
  /** Of the newest proof, by currency. */
  readonly certificates: readonly FullCertificate[];
  /** Of all proofs, the newest one's included, newest first. */
  readonly history: readonly EarlierProof[];
}

/** How far proofs reach. Days count once, with the state of their worst currency. */
export interface ProofsRecord {
  /** First and last day with a certificate; null without any. */
  readonly from: string | null;
  readonly to: string | null;
  readonly days: number;
  /** Days between the two that have none. */
  readonly unproven: number;
  /** Days that are sealed but for what is listed and known, newest first. */
  readonly exceptions: readonly string[];
  /** Days that are not sealed, or were reopened, newest first. */
  readonly unsealed: ReadonlyArray<{
    readonly day: string;
    readonly state: CertificateState;
    readonly reopened: boolean;
  }>;
}

const HISTORY_MAX = 100;

/** The newest of each day and currency, newest day first. */
export async function listCertificates(db: Drizzle, query: CertificatesQuery): Promise<CertificateRecord[]> {
  const { from, to, state, limit } = query;
  const { findings: _findings, ...columns } = getTableColumns(certificates);
  const newest = db
    .select({ certificate: columns, reopened: dayCertificates.reopened })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(
      and(
        ...(from === undefined ? [] : [gte(dayCertificates.day, from)]),
        ...(to === undefined ? [] : [lte(dayCertificates.day, to)]),
        ...(state === undefined ? [] : [eq(dayCertificates.state, state)]),
      ),
    )
    .orderBy(desc(dayCertificates.day), asc(dayCertificates.currency));
  const rows = await (limit === null ? newest : newest.limit(limit));
  return rows.map(toRecord);
}

/** @returns null when the day was never proven, or never in that currency */
export async function readDay(
  db: Drizzle,
  { day, currency }: { readonly day: string; readonly currency?: string },
): Promise<DayCertificates | null> {
  const ofCurrency = currency === undefined ? undefined : eq(certificates.currency, currency);
  const rows = await db
    .select({ certificate: getTableColumns(certificates), reopened: dayCertificates.reopened })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(and(eq(dayCertificates.day, day), ofCurrency))
    .orderBy(asc(certificates.currency));
  const { id, state, trigger, provedAt, findingsCount, reopens, reopenedBecause } = certificates;
  const history = await db
    .select({ id, currency: certificates.currency, state, trigger, provedAt, findingsCount, reopens, reopenedBecause })
    .from(certificates)
    .where(and(eq(certificates.day, day), ofCurrency))
    .orderBy(desc(provedAt), asc(certificates.currency))
    .limit(HISTORY_MAX);
  return history.length === 0
    ? null
    : { certificates: rows.map((row) => ({ ...toRecord(row), findings: row.certificate.findings })), history };
}

/** What the newest proof of each day came to; one probe of an index for each day. */
export async function readStandings(db: Drizzle): Promise<DayStanding[]> {
  const rows = await db.execute<{
    day: string;
    proved_at: string;
    states: CertificateState[];
    stored_since: boolean;
  }>(sql`
    select newest.day::text as day, newest.proved_at::text as proved_at, newest.states, coalesce((
      select max(posting.stored_at) from postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at, false) as stored_since
    from (
      select certificate.day, min(certificate.proved_at) as proved_at, array_agg(certificate.state) as states
      from (
        select distinct on (day) day, proof_id from certificates order by day, proved_at desc, id desc
      ) proof
      join certificates certificate on certificate.day = proof.day and certificate.proof_id = proof.proof_id
      group by certificate.day
    ) newest
    order by newest.day desc`);
  return rows.map(({ day, proved_at, states, stored_since }) => {
    return { day, provedAt: new Date(proved_at), states, storedSince: stored_since };
  });
}

export async function readProofs(db: Drizzle): Promise<ProofsRecord> {
  const standings = await readStandings(db);
  const [from, to] = [standings.at(-1)?.day ?? null, standings.at(0)?.day ?? null];
  const spanned = from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return {
    from,
    to,
    days: standings.length,
    unproven: spanned - standings.length,
    exceptions: standings
      .filter(({ states, storedSince }) => !storedSince && worstState(states) === 'sealed_with_exceptions')
      .map(({ day }) => day),
    unsealed: standings.flatMap(({ day, states, storedSince }) => {
      const state = worstState(states);
      const reopened = isSealed(state) && storedSince;
      return isSealed(state) && !reopened ? [] : [{ day, state, reopened }];
    }),
  };
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
      select 1 from postings posting
      where posting.state = 'pending' and (posting.effective_at at time zone 'UTC')::date = asked.day::date
    )`);
  return new Set(rows.map(({ day }) => day));
}

function toRecord({
  certificate,
  reopened,
}: {
  readonly certificate: Omit<CertificateRow, 'findings'>;
  readonly reopened: boolean;
}): CertificateRecord {
  const { stripeSum, ledgerSum, postingsSum, movement, unexplained, ...rest } = certificate;
  return {
    ...rest,
    ...{ stripeSum: BigInt(stripeSum), ledgerSum: BigInt(ledgerSum), postingsSum: BigInt(postingsSum) },
    movement: movement === null ? null : BigInt(movement),
    unexplained: unexplained === null ? null : BigInt(unexplained),
    reopened,
  };
}
