/**
 * Keeps certificates: rows are added, never changed (but for a time that a wrong clock wrote, in
 * `db/workers/future-times.ts`). Of a day that was sealed before and is not the same any more, the new row names the
 * certificate that it takes back, and why.
 */
import { and, asc, desc, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Certificate } from '../../core/proof/certificate.js';
import { isSealed, type LatePostings, reopenedBecause } from '../../core/proof/reopening.js';
import type { CertificateStore, FinishedProof, KeptCertificate } from '../../prove/ports.js';
import type { Drizzle } from '../connection/open.js';
import { type CertificateRow, certificates } from '../schema/certificates.js';
import { postings, roleOf } from '../schema/postings.js';

type Kept = Pick<KeptCertificate, 'reopens' | 'reopenedBecause'>;

/** More than are named: the rest is counted. */
const LATE_READ_MAX = 25;

/** @param version of this software, kept with each certificate */
export function createCertificateStore(db: Drizzle, version: string): CertificateStore {
  return {
    async beginProof(day) {
      // A millisecond early, because times are kept in whole ones: what is stored from now on is never taken for known.
      const [row] = await db.execute<{ now: string }>(
        sql`select (floor(extract(epoch from clock_timestamp()) * 1000) - 1)::text as now`,
      );
      const provedAt = new Date(Number(row?.now));
      const earlier = await newestProof(db, day, null);
      const earlierCurrencies = earlier.flatMap(({ currency }) => currency ?? []);
      return { provedAt, lastProvedAt: earlier[0]?.provedAt ?? null, earlierCurrencies };
    },

    async keepProof(proof) {
      const earlier = await newestProof(db, proof.day, proof.provedAt);
      const kept: KeptCertificate[] = [];
      for (const certificate of proof.certificates) {
        kept.push({ ...certificate, ...(await takenBack(db, certificate, earlier)), id: uuidv7() });
      }
      // One statement: all of them are kept, or none. Nothing that was read above has to hold until then.
      await db.insert(certificates).values(kept.map((one) => ({ ...rowOf(proof, one), version })));
      return kept;
    },
  };
}

/** The certificates of the day's newest proof, of those that began by a time. */
async function newestProof(db: Drizzle, day: string, before: Date | null): Promise<readonly CertificateRow[]> {
  const ofDay = eq(certificates.day, day);
  const newest = db
    .select({ proofId: certificates.proofId })
    .from(certificates)
    .where(before === null ? ofDay : and(ofDay, lte(certificates.provedAt, before)))
    .orderBy(desc(certificates.provedAt), desc(certificates.id))
    .limit(1);
  return db
    .select()
    .from(certificates)
    .where(and(ofDay, inArray(certificates.proofId, newest)))
    .orderBy(asc(certificates.currency));
}

async function takenBack(
  db: Drizzle,
  certificate: Certificate,
  earlierProof: readonly CertificateRow[],
): Promise<Kept> {
  const nothing = { reopens: null, reopenedBecause: null };
  const earlier = earlierOf(certificate.currency, earlierProof);
  if (earlier === null || !isSealed(earlier.state)) return nothing;
  const late = await latePostings(db, certificate, earlier.provedAt);
  const why = reopenedBecause(earlier, certificate, late);
  return why === null ? nothing : { reopens: earlier.id, reopenedBecause: why };
}

/**
 * What the earlier proof said of this currency. One that it did not have was sealed as empty with the rest of the day: then
 * its first certificate stands for it.
 */
function earlierOf(currency: string | null, proof: readonly CertificateRow[]) {
  const same = proof.find((row) => row.currency === currency);
  if (same !== undefined) return { ...same, stripe: sideOf(same, 'stripe'), ledger: sideOf(same, 'ledger') };
  const [first] = proof;
  if (first === undefined || !proof.every(({ state }) => isSealed(state))) return null;
  const empty = { count: 0, sum: 0n, hash: '' };
  return { ...first, findings: [], stripe: empty, ledger: empty };
}

function sideOf(row: CertificateRow, side: 'stripe' | 'ledger') {
  return { count: row[`${side}Count`], sum: BigInt(row[`${side}Sum`]), hash: row[`${side}Hash`] };
}

async function latePostings(db: Drizzle, { day, currency }: Certificate, since: Date): Promise<LatePostings> {
  const stored = and(
    sql`(${postings.effectiveAt} at time zone 'UTC')::date = ${day}::date`,
    gt(postings.storedAt, since),
    sql`${postings.currency} is not distinct from ${currency}`,
  );
  const { reference, storedAt } = postings;
  const late = await db
    .select({ reference, role: roleOf(), storedAt })
    .from(postings)
    .where(stored)
    .orderBy(asc(storedAt), asc(reference))
    .limit(LATE_READ_MAX);
  if (late.length < LATE_READ_MAX) return { late, lateCount: late.length };
  const [row] = await db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(postings)
    .where(stored);
  return { late, lateCount: row?.count ?? late.length };
}

function rowOf(proof: FinishedProof, certificate: KeptCertificate) {
  const { stripe, ledger, postings: own, movement, unexplained, ...rest } = certificate;
  const { proofId, trigger, provedAt, stripeRequests, ledgerRequests, stripeAsOf } = proof;
  return {
    ...rest,
    ...{ proofId, trigger, provedAt, stripeRequests, ledgerRequests, stripeAsOf },
    ...{ stripeCount: stripe.count, stripeSum: stripe.sum.toString(), stripeHash: stripe.hash },
    ...{ ledgerCount: ledger.count, ledgerSum: ledger.sum.toString(), ledgerHash: ledger.hash },
    ...{ postingsCount: own.count, postingsSum: own.sum.toString(), postingsHash: own.hash },
    movement: movement?.toString() ?? null,
    unexplained: unexplained?.toString() ?? null,
  };
}
