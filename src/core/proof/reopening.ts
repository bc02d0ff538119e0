/**
 * Whether a new certificate takes an earlier sealed one back, and why, in words for whoever trusted the earlier one.
 * Pure; who calls it has looked up which postings were stored in between.
 */

import { formatCount, formatTime } from '../base/time-text.js';
import type { PostingRole } from '../posting/posting.js';
import { type Certificate, type CertificateState, type DayFinding, FINDING_KINDS } from './certificate.js';

/** The part of an earlier certificate that a later one is held against. */
export type EarlierCertificate = Pick<Certificate, 'state' | 'stripe' | 'ledger' | 'findings'>;

/** A posting of that day and currency that was stored after the earlier proof began. */
export interface LatePosting {
  readonly reference: string;
  readonly role: PostingRole;
  readonly storedAt: Date;
}

/** More ids than a person reads are counted. */
const NAMED_MAX = 20;

export function isSealed(state: CertificateState): boolean {
  return state === 'sealed' || state === 'sealed_with_exceptions';
}

/** What was stored of a day after it was sealed. */
export interface LatePostings {
  /** At most a few more than are named. */
  readonly late: readonly LatePosting[];
  /** All of them. */
  readonly lateCount: number;
}

/**
 * @returns null when nothing is taken back: the earlier one was not sealed, or states the same still, or less than this one
 */
export function reopenedBecause(
  earlier: EarlierCertificate,
  now: EarlierCertificate,
  { late, lateCount }: LatePostings,
): string | null {
  if (!isSealed(earlier.state)) return null;
  const equal = sameTotals(earlier.stripe, now.stripe) && sameTotals(earlier.ledger, now.ledger);
  if (equal && (now.state === earlier.state || now.state === 'sealed')) return null;
  const fresh = newFindings(earlier.findings, now.findings);
  const accepted = new Set(earlier.findings.filter((finding) => finding.accepted !== undefined).map(subjectOf));
  const reasons = [
    ...late.slice(0, NAMED_MAX).map(describeLate),
    ...fresh.slice(0, NAMED_MAX).map((finding) => describeFinding(finding, accepted.has(subjectOf(finding)))),
  ];
  const unnamed = Math.max(0, lateCount - NAMED_MAX) + Math.max(0, fresh.length - NAMED_MAX);
  if (unnamed > 0) reasons.push(`and ${formatCount(unnamed)} more`);
  if (reasons.length === 0) reasons.push(...changedTotals(earlier, now));
  return reasons.join('; ');
}

function sameTotals(a: Certificate['stripe'], b: Certificate['stripe']): boolean {
  return a.count === b.count && a.sum === b.sum && (a.count === 0 || a.hash === b.hash);
}

function newFindings(earlier: readonly DayFinding[], now: readonly DayFinding[]): readonly DayFinding[] {
  const known = new Set(earlier.map(nameOf));
  return now.filter((finding) => !known.has(nameOf(finding)));
}

function nameOf(finding: DayFinding): string {
  return `${subjectOf(finding)} ${finding.accepted === undefined ? '' : 'accepted'}`;
}

function subjectOf({ kind, paymentId }: DayFinding): string {
  return `${kind} ${paymentId}`;
}

function describeLate({ reference, role, storedAt }: LatePosting): string {
  const when = `stored ${formatTime(storedAt)} UTC, after the day was sealed`;
  switch (role) {
    case 'original':
      return `${reference} succeeded late: ${when}`;
    case 'replacement':
    case 'correction':
      return `${reference}, a ${role}, was ${when}`;
    default:
      return role satisfies never;
  }
}

function describeFinding({ kind, paymentId, accepted }: DayFinding, wasAccepted: boolean): string {
  const what = `${paymentId ?? 'the day'} is ${kind.replaceAll('_', ' ')} now: ${FINDING_KINDS[kind].meaning}`;
  if (accepted !== undefined) return `${what}, as ${accepted.by} accepted it`;
  return wasAccepted ? `${what}, and no acceptance covers that any more` : what;
}

function changedTotals(earlier: EarlierCertificate, now: EarlierCertificate): string[] {
  const sides = [
    ['Stripe shows', earlier.stripe, now.stripe],
    ['the ledger holds', earlier.ledger, now.ledger],
  ] as const;
  const changed = sides.flatMap(([says, before, after]) => {
    if (sameTotals(before, after)) return [];
    if (before.count === after.count && before.sum === after.sum)
      return [`${says} the same count and sum, but other ids, amounts or dates`];
    return [
      `${says} ${formatCount(after.count)} payments of ${after.sum} minor units now, ` +
        `${formatCount(before.count)} of ${before.sum} when it was sealed`,
    ];
  });
  return changed.length > 0 ? changed : [`the day is ${now.state.replaceAll('_', ' ')} now`];
}
