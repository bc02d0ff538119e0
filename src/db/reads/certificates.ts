/** Reads what was proven: the newest certificates of days, one day with its history, and how far proofs reach. */
import { and, asc, desc, eq, getTableColumns, gt, gte, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import {
  type CertificateState,
  type DayFinding,
  type FindingAcceptance,
  type FindingKind,
  worstState,
} from '../../core/proof/certificate.js';
import { isSealed } from '../../core/proof/reopening.js';
import type { ProofFacts } from '../../core/verdict/facts.js';
import type { DayStanding } from '../../prove/ports.js';
import type { Drizzle, Transaction } from '../connection/open.js';
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
  if (day === '' || Number.isNaN(Date.parse(day))) throw cursorUnknown(after, 'no place in this list');
  const older = lt(dayCertificates.day, day);
  if (currency === undefined) return older;
  const ofDay = or(gt(dayCertificates.currency, currency), isNull(dayCertificates.currency));
  return or(older, and(eq(dayCertificates.day, day), ofDay));
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

/** What the newest proof of each day came to; one probe of an index for each day, and one look at all that was ever decided about. */
export async function readStandings(db: Drizzle | Transaction): Promise<DayStanding[]> {
  const rows = await db.execute<{
    day: string;
    proved_at: string;
    states: CertificateState[];
    stored_since: boolean;
    acceptance_since: boolean;
    decided_since: boolean;
    repaired_since: boolean;
  }>(sql`
    -- Materialized, because a plan may ask for a joined subquery once for each day.
    with decided as materialized (
      select (effective_at at time zone 'UTC')::date as day, max(decision.at) as at
      from stripe_blnk_sync.postings cross join lateral (values
        (dismissed_at), ((past_dismissals -> -1 ->> 'endedAt')::timestamptz), (case when dismissed_at is not null then posted_at end)
      ) decision (at)
      -- What a clock wrote that was ahead counts when its time has come: until then no proof would be later than it.
      where (dismissed_at is not null or past_dismissals is not null) and decision.at <= now() group by 1
    )
    select newest.day::text as day, newest.proved_at::text as proved_at, newest.states, coalesce((
      select max(posting.stored_at) from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at, false) as stored_since, coalesce((
      select max(greatest(acceptance.accepted_at, acceptance.taken_back_at)) from stripe_blnk_sync.acceptances acceptance
      where acceptance.day = newest.day
    ) > newest.proved_at, false) as acceptance_since, coalesce(decided.at > newest.proved_at, false) as decided_since,
      coalesce(repaired.at > newest.proved_at, false) as repaired_since
    from (
      select certificate.day, min(certificate.proved_at) as proved_at, array_agg(certificate.state) as states
      from (
        select distinct on (day) day, proof_id from stripe_blnk_sync.certificates order by day, proved_at desc, id desc
      ) proof
      join stripe_blnk_sync.certificates certificate on certificate.day = proof.day and certificate.proof_id = proof.proof_id
      group by certificate.day
    ) newest
    left join (
      select day, max(done_at) as at from stripe_blnk_sync.repair_items where state = 'done' group by day
    ) repaired on repaired.day = newest.day
    left join decided on decided.day = newest.day
    order by newest.day desc`);
  return rows.map((row) => ({
    ...{ day: row.day, provedAt: new Date(row.proved_at), states: row.states },
    ...{ storedSince: row.stored_since, acceptanceSince: row.acceptance_since },
    ...{ decidedSince: row.decided_since, repairedSince: row.repaired_since },
  }));
}

export async function readProofs(db: Drizzle): Promise<ProofFacts> {
  const standings = await readStandings(db);
  const [from, to] = [standings.at(-1)?.day ?? null, standings.at(0)?.day ?? null];
  const spanned = from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return {
    from,
    to,
    days: standings.length,
    unproven: spanned - standings.length,
    exceptions: standings
      .filter((standing) => !isChanged(standing) && worstState(standing.states) === 'sealed_with_exceptions')
      .map(({ day }) => day),
    accepted: await countAccepted(db),
    unsealed: standings.flatMap((standing) => {
      const { day } = standing;
      const state = worstState(standing.states);
      const changedSince = isChanged(standing);
      const reopened = isSealed(state) && changedSince;
      return isSealed(state) && !reopened ? [] : [{ day, state, reopened, changedSince }];
    }),
  };
}

/** Payments of Stripe of which the newest proofs show a difference that a person accepted. */
async function countAccepted(db: Drizzle): Promise<number> {
  const [row] = await db.execute<{ payments: number }>(sql`
    select count(distinct finding ->> 'paymentId')::int as payments
    from stripe_blnk_sync.day_certificates newest
    join stripe_blnk_sync.certificates certificate on certificate.id = newest.certificate_id
    cross join jsonb_array_elements(certificate.findings) finding
    where newest.day in (select day from stripe_blnk_sync.acceptances where taken_back_at is null)
      and finding ? 'accepted' and finding ->> 'stripe' is not null`);
  return row?.payments ?? 0;
}

/** What it rests on is not what it was: it is proven again at once. */
function isChanged({ storedSince, acceptanceSince, decidedSince, repairedSince }: DayStanding): boolean {
  return storedSince || acceptanceSince || decidedSince || repairedSince;
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
