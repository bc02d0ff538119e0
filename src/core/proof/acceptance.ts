/**
 * A difference that a person accepts: which findings may be accepted, and whether a later proof found the same again. Pure.
 * An acceptance covers the finding and rows of the ledger that were signed and nothing else: whatever changes is a
 * difference again. It never states what the ledger should hold, so nothing is posted by it.
 */

import type { SYNC_ERROR_CODES } from '../base/error-codes.js';
import { commandLine } from '../base/own-command.js';
import { formatTime } from '../base/time-text.js';
import { describeRows, type SeenRow } from '../repair/repair-plan.js';
import type { DayFinding, FindingKind } from './certificate.js';

/** A finding as it was signed. Amounts in minor units as text: it is kept as JSON. */
export interface AcceptedDifference {
  readonly kind: FindingKind;
  /** What Stripe showed; null when it showed nothing. */
  readonly stripe: { readonly amount: string; readonly currency: string } | null;
  readonly ledger: readonly SeenRow[];
}

export interface Acceptance {
  readonly id: string;
  /** `2026-11-21`. */
  readonly day: string;
  /** As in the findings: the PaymentIntent; for an extra without one its reference. */
  readonly paymentId: string;
  readonly differences: readonly AcceptedDifference[];
  readonly by: string;
  readonly at: Date;
  readonly why: string;
}

/** An acceptance with its end: one that was taken back is kept. */
export interface AcceptanceRecord extends Acceptance {
  readonly takenBackAt: Date | null;
  readonly takenBackBy: string | null;
  readonly takenBackWhy: string | null;
}

/** What a person names: a PaymentIntent, or the reference of a row of the ledger; the day where there are several. */
export interface DifferenceQuery {
  readonly payment: string;
  /** `2026-11-21`. */
  readonly day?: string;
}

export interface Signature extends DifferenceQuery {
  readonly by: string;
  readonly why: string;
}

export interface AcceptanceRefusal {
  readonly kind: 'refused';
  /** Stable: programs read it. */
  readonly code: keyof typeof SYNC_ERROR_CODES.accepting;
  readonly problem: string;
}

export type AcceptOutcome = { readonly kind: 'accepted'; readonly acceptance: AcceptanceRecord } | AcceptanceRefusal;

export type TakeBackOutcome =
  | { readonly kind: 'taken_back'; readonly acceptances: readonly AcceptanceRecord[] }
  | AcceptanceRefusal;

/** Why nothing is repaired of a payment while it is in force. */
export function acceptedText({ by, day, why, paymentId }: Acceptance): string {
  const back = commandLine(`accept ${paymentId} --day ${day} --take-back --why <text>`);
  return `a difference of it was accepted by ${by} on ${day} (${why}); take it back first: ${back}`;
}

const SETTLES = 'It settles by itself; prove the day again later.';
const IS_EXCEPTION = 'The day is sealed with it as an exception already, and lists it.';
const NOT_OF_A_PAYMENT = 'It is about the whole day, and no payment of it can be accepted for that.';

/** Null: a person may accept it. Else what is to be done instead. */
function insteadOf(kind: FindingKind): string | null {
  return INSTEAD[kind]();
}

const say = (text: string) => () => text;

const INSTEAD: Readonly<Record<FindingKind, () => string | null>> = {
  missing: () => null,
  burnt: () => null,
  different: () => null,
  doubled: () => null,
  extra: () => null,
  unreadable: () =>
    `Look at it in Stripe; when nothing is to be posted: ${commandLine('parked dismiss <reference> --why <text>')}`,
  pending: say(SETTLES),
  parked: () =>
    `Decide about its posting: ${commandLine('parked retry')}, or ${commandLine('parked dismiss <reference> --why <text>')}, which seals the day with an exception.`,
  queued: say('Blnk has not decided about it: it may still be applied. Prove the day again when it has.'),
  not_collected: say(SETTLES),
  dismissed: say(IS_EXCEPTION),
  effective_date: say(IS_EXCEPTION),
  other_reference: say(IS_EXCEPTION),
  day_key: say(IS_EXCEPTION),
  parked_in_ledger: say(IS_EXCEPTION),
  movement: say(NOT_OF_A_PAYMENT),
  not_seen: say(NOT_OF_A_PAYMENT),
};

export type Acceptability =
  | { readonly kind: 'acceptable'; readonly differences: readonly AcceptedDifference[] }
  | { readonly kind: 'already_accepted'; readonly by: string; readonly at: string }
  | { readonly kind: 'not_acceptable'; readonly finding: FindingKind; readonly instead: string };

/**
 * What of a payment's findings on a day a person may accept. One that waits for something else refuses the whole: the
 * day could not be sealed.
 * @param findings all of one payment and day, of any of its currencies; at least one
 */
export function judgeAcceptable(findings: readonly DayFinding[]): Acceptability {
  const waiting = findings.find(({ kind }) => insteadOf(kind) !== null && insteadOf(kind) !== IS_EXCEPTION);
  if (waiting !== undefined) return refusal(waiting.kind);
  const differences = new Map<string, AcceptedDifference>();
  for (const finding of findings) {
    if (insteadOf(finding.kind) !== null || finding.accepted !== undefined) continue;
    const difference = differenceOf(finding);
    differences.set(keyOf(difference), difference);
  }
  if (differences.size > 0) return { kind: 'acceptable', differences: [...differences.values()] };
  const accepted = findings.find((finding) => finding.accepted !== undefined)?.accepted;
  if (accepted !== undefined) return { kind: 'already_accepted', by: accepted.by, at: accepted.at };
  const [first] = findings;
  if (first === undefined) throw new RangeError('no finding was given');
  return refusal(first.kind);
}

function refusal(finding: FindingKind): Acceptability {
  return { kind: 'not_acceptable', finding, instead: insteadOf(finding) ?? '' };
}

/**
 * Marks the findings that an acceptance covers, and notes of the others of the same payment that it covers them no more.
 * @param acceptances those in force, of the day of the findings
 */
export function coverAccepted(
  findings: readonly DayFinding[],
  acceptances: readonly Acceptance[],
): readonly DayFinding[] {
  if (acceptances.length === 0) return findings;
  return findings.map((finding) => {
    const ofPayment = acceptances.filter(({ paymentId }) => paymentId === finding.paymentId);
    if (ofPayment.length === 0 || insteadOf(finding.kind) !== null) return finding;
    const key = keyOf(differenceOf(finding));
    const covering = ofPayment.find(({ differences }) => differences.some((difference) => keyOf(difference) === key));
    if (covering === undefined) {
      const outdated = ofPayment.reduce((last, one) => (one.at > last.at ? one : last));
      return {
        ...finding,
        detail: [finding.detail, describeOutdated(outdated)].filter((text) => text !== '').join('; '),
      };
    }
    const { id, by, at, why } = covering;
    return { ...finding, accepted: { id, by, at: at.toISOString(), why } };
  });
}

function differenceOf({ kind, stripe, ledger }: DayFinding): AcceptedDifference {
  return {
    kind,
    stripe: stripe === null ? null : { amount: stripe.amount, currency: stripe.currency },
    ledger: ledger.map(({ reference, transactionId, status, amount, currency, source, destination }) => {
      return { reference, transactionId, status, amount, currency, source, destination };
    }),
  };
}

/** Equal for the same difference, in whatever order its rows were read. */
function keyOf({ kind, stripe, ledger }: AcceptedDifference): string {
  const rows = ledger.map(({ reference, transactionId, status, amount, currency, source, destination }) => {
    return JSON.stringify([reference, transactionId, status, amount, currency, source, destination]);
  });
  return JSON.stringify([kind, stripe && [stripe.amount, stripe.currency], rows.sort()]);
}

function describeOutdated({ by, at, differences }: Acceptance): string {
  const then = differences
    .map(({ kind, ledger }) => `${kind} with ${describeRows(ledger)} in the ledger`)
    .join(', and ');
  return `what ${by} accepted at ${formatTime(at)} UTC does not cover it: that was ${then}`;
}
