/**
 * Keeps which differences people accepted. A person signs what the newest proof of the day shows, so nothing is asked of
 * Stripe or Blnk here; the next proof shows whether it is still so. Writes no posting, and changes none.
 */
import { and, asc, desc, eq, isNull, or, type SQL, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { commandLine } from '../../core/base/own-command.js';
import { formatTime } from '../../core/base/time-text.js';
import {
  type Acceptability,
  type AcceptanceRecord,
  type AcceptanceRefusal,
  type AcceptOutcome,
  coverAccepted,
  type DifferenceQuery,
  judgeAcceptable,
  type Signature,
  type TakeBackOutcome,
} from '../../core/proof/acceptance.js';
import { type DayFinding, FINDING_KINDS } from '../../core/proof/certificate.js';
import type { AcceptedSide } from '../../prove/ports.js';
import type { Drizzle } from '../connection/open.js';
import { type AcceptanceRow, acceptances } from '../schema/acceptances.js';
import { certificates, dayCertificates } from '../schema/certificates.js';
import { postings } from '../schema/postings.js';

export interface AcceptanceStore extends AcceptedSide {
  accept(signature: Signature): Promise<AcceptOutcome>;
  /** Ends all that is in force of the payment on the day. */
  takeBack(signature: Signature): Promise<TakeBackOutcome>;
}

/** @param version of this software, kept with each acceptance */
export function createAcceptanceStore(db: Drizzle, version: string): AcceptanceStore {
  const inForce = (day: string | null) =>
    selectAcceptances(db, and(day === null ? undefined : eq(acceptances.day, day), notTakenBack));
  return {
    inForce,

    async accept(signature) {
      const shown = await findShown(db, signature);
      if ('kind' in shown) return shown;
      const { day, proofId, paymentId, findings } = shown;
      // What was accepted after the proof counts too: the same is not signed twice.
      const judged = judgeAcceptable(coverAccepted(findings, await inForce(day)));
      if (judged.kind !== 'acceptable') return notJudged(judged, shown);
      const [row] = await db
        .insert(acceptances)
        .values({
          ...{ id: uuidv7(), day, paymentId, proofId, version, differences: judged.differences },
          ...{ acceptedAt: sql`clock_timestamp()`, acceptedBy: signature.by, acceptedWhy: signature.why },
        })
        .returning();
      if (row === undefined) throw new RangeError('an insert answered without its row');
      return { kind: 'accepted', acceptance: toRecord(row) };
    },

    async takeBack({ payment, day, by, why }) {
      const named = or(eq(acceptances.paymentId, payment), holds(acceptances.differences, payment));
      const found = await selectAcceptances(db, and(named, day === undefined ? undefined : eq(acceptances.day, day)));
      const standing = found.filter(({ takenBackAt }) => takenBackAt === null);
      const days = [...new Set(standing.map((one) => one.day))];
      if (days.length > 1) return severalDays(payment, days);
      const [last] = found;
      if (standing.length === 0) {
        const before =
          last === undefined || last.takenBackAt === null
            ? ''
            : `: ${last.takenBackBy} took it back at ${formatTime(last.takenBackAt)} UTC`;
        return refused('not_accepted', `Nothing of ${payment} is accepted${before}. Nothing was changed.`);
      }
      const rows = await db
        .update(acceptances)
        .set({ takenBackAt: sql`clock_timestamp()`, takenBackBy: by, takenBackWhy: why })
        .where(and(named, eq(acceptances.day, days[0] ?? ''), notTakenBack))
        .returning();
      return { kind: 'taken_back', acceptances: rows.map(toRecord) };
    },
  };
}

/** The others are counted. */
const DAYS_NAMED_MAX = 5;

const notTakenBack = isNull(acceptances.takenBackAt);

/** Newest first. */
export async function selectAcceptances(db: Drizzle, where: SQL | undefined): Promise<AcceptanceRecord[]> {
  const rows = await db
    .select()
    .from(acceptances)
    .where(where)
    .orderBy(desc(acceptances.acceptedAt), desc(acceptances.id));
  return rows.map(toRecord);
}

/** Newest first, those that were taken back included. */
export function acceptancesOfPayment(db: Drizzle, paymentId: string): Promise<AcceptanceRecord[]> {
  return selectAcceptances(db, eq(acceptances.paymentId, paymentId));
}

interface Shown {
  readonly day: string;
  readonly proofId: string;
  readonly paymentId: string;
  /** All that the newest proof of the day has of the payment, of any currency. */
  readonly findings: readonly DayFinding[];
}

async function findShown(db: Drizzle, { payment, day }: DifferenceQuery): Promise<Shown | AcceptanceRefusal> {
  const { findings } = certificates;
  const rows = await db
    .select({ day: certificates.day, proofId: certificates.proofId, findings })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(
      and(
        or(sql`${findings} @> ${JSON.stringify([{ paymentId: payment }])}::jsonb`, holds(findings, payment)),
        day === undefined ? undefined : eq(certificates.day, day),
      ),
    )
    .orderBy(asc(certificates.day), asc(certificates.currency));
  const days = [...new Set(rows.map((row) => row.day))];
  const [first] = rows;
  if (first === undefined) return nothingShown(db, { payment, ...(day === undefined ? {} : { day }) });
  if (days.length > 1) return severalDays(payment, days);
  const all = rows.flatMap((row) => row.findings);
  const isNamed = all.some(({ paymentId }) => paymentId === payment);
  const paymentId = isNamed
    ? payment
    : all.find(({ ledger }) => ledger.some(({ reference }) => reference === payment))?.paymentId;
  if (paymentId === undefined || paymentId === null) return nothingShown(db, { payment, day: first.day });
  const ofPayment = all.filter((finding) => finding.paymentId === paymentId);
  return { day: first.day, proofId: first.proofId, paymentId, findings: ofPayment };
}

/** A row of the ledger with this reference is in one of them. */
function holds(column: typeof certificates.findings | typeof acceptances.differences, reference: string): SQL {
  return sql`${column} @> ${JSON.stringify([{ ledger: [{ reference }] }])}::jsonb`;
}

/** Why no finding of the newest proofs is about it. */
async function nothingShown(db: Drizzle, { payment, day }: DifferenceQuery): Promise<AcceptanceRefusal> {
  const [posting] = await db
    .select({ day: sql<string>`((${postings.effectiveAt} at time zone 'UTC')::date)::text` })
    .from(postings)
    .where(or(eq(postings.reference, payment), eq(postings.objectId, payment)))
    .limit(1);
  const of = day ?? posting?.day;
  if (of === undefined) {
    const known = 'no payment here has this reference, and no newest proof of a day names it';
    return nothing(payment, `${known}. Days with findings: ${commandLine('certificates list')}`);
  }
  const prove = commandLine(`prove --from ${of} --to ${of}`);
  const newest = await db
    .select({ provedAt: certificates.provedAt, findings: certificates.findings, count: certificates.findingsCount })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(eq(dayCertificates.day, of));
  const [proof] = newest;
  if (proof === undefined) return nothing(payment, `its day, ${of}, was never proven. Prove it: ${prove}`);
  const when = `the proof of ${of} that began at ${formatTime(proof.provedAt)} UTC`;
  if (newest.some(({ findings, count }) => count > findings.length)) {
    return nothing(
      payment,
      `${when} has more findings than it keeps, and this is none of those kept. Repair the others first`,
    );
  }
  return nothing(payment, `${when} found no difference of it. When the ledger changed since: ${prove}`);
}

function nothing(payment: string, why: string): AcceptanceRefusal {
  return refused('nothing_to_accept', `There is nothing of ${payment} to accept: ${why}. Nothing was changed.`);
}

function notJudged(
  judged: Exclude<Acceptability, { kind: 'acceptable' }>,
  { paymentId, day }: Pick<Shown, 'paymentId' | 'day'>,
): AcceptanceRefusal {
  switch (judged.kind) {
    case 'already_accepted': {
      const when = `${formatTime(new Date(judged.at))} UTC`;
      return refused(judged.kind, `${paymentId} on ${day}: ${judged.by} accepted this very difference at ${when}.`);
    }
    case 'not_acceptable': {
      const { finding, instead } = judged;
      const what = `${finding} (${FINDING_KINDS[finding].meaning})`;
      return refused(judged.kind, `${paymentId} on ${day} is ${what}, which cannot be accepted. ${instead}`);
    }
    default:
      return judged satisfies never;
  }
}

function severalDays(payment: string, days: readonly string[]): AcceptanceRefusal {
  const named = days.slice(0, DAYS_NAMED_MAX).join(', ') + (days.length > DAYS_NAMED_MAX ? ', …' : '');
  return refused(
    'several_days',
    `${payment} is named on ${days.length} days: ${named}. Say which one: --day ${days[0]}`,
  );
}

function refused(code: AcceptanceRefusal['code'], problem: string): AcceptanceRefusal {
  return { kind: 'refused', code, problem };
}

function toRecord({ acceptedAt: at, acceptedBy: by, acceptedWhy: why, ...row }: AcceptanceRow): AcceptanceRecord {
  const { id, day, paymentId, differences, takenBackAt, takenBackBy, takenBackWhy } = row;
  return { id, day, paymentId, differences, at, by, why, takenBackAt, takenBackBy, takenBackWhy };
}
