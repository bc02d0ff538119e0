/** Makes the certificate of one currency from what the pieces of its day came to and from the source balance's movement. Pure. */

import { formatMoney } from '../base/money.js';
import { dayWindow } from '../base/window.js';
import {
  type Certificate,
  type CertificateState,
  compareFindings,
  type DayFinding,
  FINDINGS_KEPT_MAX,
  stateOfFinding,
  worstState,
} from './certificate.js';
import { isBeforeStart, isoSeconds } from './day-row.js';
import type { TalliedCurrency, TalliedDay } from './tally-day.js';

/** Minor units by which the source balance fell over the day; or why that could not be seen, null when it is too early. */
export type Movement =
  | { readonly kind: 'seen'; readonly amount: bigint }
  | { readonly kind: 'not_seen'; readonly why: string | null };

export interface CertifyFacts {
  readonly day: string;
  readonly tallied: Pick<TalliedDay, 'ofOtherMirrors' | 'notJudged'>;
  readonly movement: Movement;
  /** Why the movement of source balances without any payment on this day could not be seen; null when it was. */
  readonly idleUnseen: string | null;
  /** Stripe's clock when it was listed. */
  readonly stripeAsOf: Date;
  /** Stripe shows nothing new of the day any more. */
  readonly isOver: boolean;
  readonly startsAt: Date;
}

export function certify(part: TalliedCurrency, facts: CertifyFacts): Certificate {
  const { day, movement } = facts;
  const amount = movement.kind === 'seen' ? movement.amount : null;
  const unexplained = amount === null ? null : amount - part.explained;
  const further = ofTheWholeDay(part, facts);
  // Those that a long list lost are no worse than those that it kept.
  const findings = [...part.findings, ...further].sort(compareFindings);
  return {
    day,
    currency: part.currency,
    state: worstState([...findings.map(stateOfFinding), ...statesOfTheDay(part, facts)]),
    stripe: part.stripe,
    ledger: part.ledger,
    postings: part.own,
    movement: amount,
    unexplained,
    findings: findings.slice(0, FINDINGS_KEPT_MAX),
    findingsCount: part.findingsCount + further.length,
    notSeen: [...notSeenOf(facts), ...limitsOf(facts)],
  };
}

function ofTheWholeDay({ currency, explained }: TalliedCurrency, facts: CertifyFacts): DayFinding[] {
  const about = { paymentId: null, stripe: null, ledger: [] };
  const findings = notSeenOf(facts).map((detail): DayFinding => ({ ...about, kind: 'not_seen', detail }));
  const { movement } = facts;
  if (movement.kind === 'seen' && movement.amount !== explained && currency !== null) {
    const say = (amount: bigint) => formatMoney({ amount, currency });
    const detail =
      `the source balance fell by ${say(movement.amount)}, the ledger's rows of this day explain ${say(explained)}; ` +
      `${say(movement.amount - explained)} were moved by rows that belong to no payment of this day`;
    findings.push({ ...about, kind: 'movement', detail });
  }
  return findings;
}

/** Of a day before the start the mirror claims what it was to post itself: what succeeded after the hand-over. */
function statesOfTheDay({ stripe }: TalliedCurrency, { day, startsAt, isOver }: CertifyFacts): CertificateState[] {
  const isNotOurs = isBeforeStart(day, startsAt) && stripe.count === 0;
  return [...(isNotOurs ? (['not_covered'] as const) : []), ...(isOver ? [] : (['open'] as const))];
}

/** What a whole proof would have seen. */
function notSeenOf({ movement, idleUnseen, tallied: { notJudged } }: CertifyFacts): string[] {
  const missing = movement.kind === 'not_seen' && movement.why !== null ? [movement.why] : [];
  if (idleUnseen !== null) missing.push(idleUnseen);
  if (notJudged > 0) missing.push(`${notJudged} rows of the ledger name payments that Stripe was not asked about`);
  return missing;
}

/** What this proof does not claim to say. */
function limitsOf({ day, startsAt, isOver, stripeAsOf, tallied: { ofOtherMirrors } }: CertifyFacts): string[] {
  const { from } = dayWindow(day);
  const limits: string[] = [];
  if (!isOver) limits.push(`the day was not over: it was ${isoSeconds(stripeAsOf)} at Stripe`);
  if (isBeforeStart(day, startsAt)) {
    const claimed = 'of this day only those that it was to post itself are compared';
    limits.push(`the mirror starts later, with payments created from ${isoSeconds(startsAt)} on: ${claimed}`);
  } else if (from < startsAt) limits.push(`payments created before ${isoSeconds(startsAt)} are not mirrored`);
  if (ofOtherMirrors > 0) limits.push(`${ofOtherMirrors} rows of other mirrors were not judged`);
  return limits;
}
