/**
 * The words of a certificate: the comparison of one UTC day and currency on both sides, as of a time. Comparing is
 * `compare-day.ts`; this defines what can come out of it.
 */

/**
 * `not_covered`: the mirror does not claim this day, or has not read it to its end. `open`: something of it is not decided
 * yet. `sealed`: both sides are equal. `sealed_with_exceptions`: equal but for what is listed and known. `broken`: the
 * ledger differs from Stripe. The best first: of several currencies the worst is the day's.
 */
export const CERTIFICATE_STATES = ['sealed', 'sealed_with_exceptions', 'open', 'not_covered', 'broken'] as const;

export type CertificateState = (typeof CERTIFICATE_STATES)[number];

/**
 * Who asked for the proof: a person, the second day after the day closed, the 75th, the rotation, a late success, a
 * difference that was accepted or taken back, or a repair that was applied.
 */
export const PROOF_TRIGGERS = [
  'manual',
  'two_days',
  'seventy_five_days',
  'rotation',
  'reopened',
  'acceptance',
  'decision',
  'repair',
] as const;

export type ProofTrigger = (typeof PROOF_TRIGGERS)[number];

/** Every kind with what it means, and what it makes of the day. */
export const FINDING_KINDS = {
  missing: { state: 'broken', meaning: 'succeeded in Stripe, and nothing in the ledger' },
  burnt: {
    state: 'broken',
    meaning: 'its reference was used by somebody and rejected by Blnk, or voided; it is not in the ledger',
  },
  different: {
    state: 'broken',
    meaning: 'in the ledger with another amount, currency, source, destination or status, or in parts',
  },
  doubled: { state: 'broken', meaning: 'in the ledger more than once' },
  extra: { state: 'broken', meaning: 'in the ledger, and no succeeded payment of this account' },
  unreadable: { state: 'open', meaning: 'Stripe shows it without something that must not be guessed' },
  pending: { state: 'open', meaning: 'not in the ledger yet; its posting is on the way' },
  parked: { state: 'open', meaning: 'not in the ledger; its posting is parked, and a person has to decide' },
  queued: { state: 'open', meaning: 'somebody queued, scheduled or booked it inflight, and it is not decided' },
  not_collected: { state: 'not_covered', meaning: 'not in the ledger; the mirror has not read that far yet' },
  dismissed: { state: 'sealed_with_exceptions', meaning: 'not in the ledger, by the decision of a person' },
  effective_date: {
    state: 'sealed_with_exceptions',
    meaning: 'in the ledger with the right money and another or no effective date',
  },
  other_reference: {
    state: 'sealed_with_exceptions',
    meaning: 'in the ledger with the right money under a reference that is not the payment',
  },
  day_key: { state: 'sealed_with_exceptions', meaning: 'in the ledger, but its stripe_day was changed' },
  parked_in_ledger: {
    state: 'sealed_with_exceptions',
    meaning: 'in the ledger as it should be, though its posting is parked or dismissed here',
  },
  movement: {
    state: 'sealed_with_exceptions',
    meaning: 'the source balance moved by more or less than the payments explain',
  },
  not_seen: { state: 'sealed_with_exceptions', meaning: 'a part of the proof could not be seen' },
} as const satisfies Record<string, { readonly state: CertificateState; readonly meaning: string }>;

export type FindingKind = keyof typeof FINDING_KINDS;

/** One thing that keeps a day from being sealed without exception. Amounts in minor units as text, times in ISO 8601: it is kept as JSON. */
export interface DayFinding {
  readonly kind: FindingKind;
  /** The PaymentIntent; for an extra without one its reference; null for what is about the whole day. */
  readonly paymentId: string | null;
  /** What Stripe shows; null when it shows nothing. */
  readonly stripe: { readonly amount: string; readonly currency: string; readonly created: string } | null;
  /** The rows of the ledger that it is about. */
  readonly ledger: readonly FoundRow[];
  /** What differs, which values, in words for a person. */
  readonly detail: string;
  /** Of a payment that Stripe does not show whole: the currency that it does show. Left out of all others. */
  readonly ofCurrency?: string;
  /** Set when a person accepted this very difference: it is an exception then, whatever its kind. */
  readonly accepted?: FindingAcceptance;
}

/** Who accepted a difference, when (ISO 8601) and why; `id` of the row in `acceptances`. */
export interface FindingAcceptance {
  readonly id: string;
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/** A row of the ledger as it is kept. Amounts in minor units as text, times in ISO 8601. */
export interface FoundRow {
  readonly reference: string;
  readonly transactionId: string;
  readonly status: string;
  readonly amount: string | null;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: string | null;
}

/** One side of a day in one currency. */
export interface SideTotals {
  readonly count: number;
  /** Minor units. */
  readonly sum: bigint;
  /** SHA-256 in hex over the sorted lines `id|amount|currency|effective date`. */
  readonly hash: string;
}

export interface Certificate {
  /** `2026-11-21`, UTC day of the payments' creation. */
  readonly day: string;
  /** Null for a day without any payment on any side. */
  readonly currency: string | null;
  readonly state: CertificateState;
  readonly stripe: SideTotals;
  readonly ledger: SideTotals;
  /** What our own `postings` say; compared last, and nothing of the rest is computed from it. */
  readonly postings: SideTotals;
  /** By how much the source balance fell over the day, minor units; null when it could not be seen. */
  readonly movement: bigint | null;
  /** The part of it that the ledger's rows of this day do not explain; null when it could not be seen. */
  readonly unexplained: bigint | null;
  /** At most FINDINGS_KEPT_MAX of them; `findingsCount` has them all. */
  readonly findings: readonly DayFinding[];
  readonly findingsCount: number;
  /** What could not be seen, and why: said instead of claimed. */
  readonly notSeen: readonly string[];
}

/** What the finding makes of the day. */
export function stateOfFinding({ kind, accepted }: Pick<DayFinding, 'kind' | 'accepted'>): CertificateState {
  return accepted === undefined ? FINDING_KINDS[kind].state : 'sealed_with_exceptions';
}

/** Whether the finding is about a payment whose currency Stripe does not show: every certificate of its day lists it, and it counts once. */
export function isOfAnyCurrency({ kind, paymentId, stripe, ofCurrency }: DayFinding): boolean {
  const isNotWhole = paymentId !== null && stripe === null && (kind === 'unreadable' || kind === 'dismissed');
  return isNotWhole && ofCurrency === undefined;
}

/** A day on which everything is missing must not make a row of many megabytes. */
export const FINDINGS_KEPT_MAX = 5_000;

const STATES_WORST_FIRST = [...CERTIFICATE_STATES].reverse();

/** The worst of them; sealed when there is none. */
export function worstState(states: Iterable<CertificateState>): CertificateState {
  const found = new Set(states);
  return STATES_WORST_FIRST.find((state) => found.has(state)) ?? 'sealed';
}

/** Those of the worst state first, and else as they were. */
export function worstFirst<Of extends { readonly state: CertificateState }>(rows: readonly Of[]): Of[] {
  const rank = ({ state }: Of) => STATES_WORST_FIRST.indexOf(state);
  return [...rows].sort((one, other) => rank(one) - rank(other));
}

/** What is worst first, then by payment; so that a cut list keeps what matters, and equal proofs read equal. */
export function compareFindings(a: DayFinding, b: DayFinding): number {
  return severityOf(a) - severityOf(b) || compareText(textOf(a), textOf(b));
}

function severityOf(finding: DayFinding): number {
  return STATES_WORST_FIRST.indexOf(stateOfFinding(finding));
}

function textOf({ kind, paymentId, detail }: DayFinding): string {
  return `${paymentId ?? ''} ${kind} ${detail}`;
}

/** By code units: the same order on every machine. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
