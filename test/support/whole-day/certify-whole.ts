/**
 * A certificate as it was made when both sides of a day were in memory: everything sorted and added up at once. The certificates
 * of days that are proven in pieces are held against it.
 */
import { formatMoney } from '../../../src/core/base/money.js';
import { dayWindow } from '../../../src/core/base/window.js';
import type { LedgerRecord } from '../../../src/core/ledger/row.js';
import { type Acceptance, coverAccepted } from '../../../src/core/proof/acceptance.js';
import {
  type Certificate,
  type CertificateState,
  compareFindings,
  compareText,
  type DayFinding,
  FINDINGS_KEPT_MAX,
  type SideTotals,
  stateOfFinding,
  worstState,
} from '../../../src/core/proof/certificate.js';
import type { Movement } from '../../../src/core/proof/certify-day.js';
import { compareSides, type DaySides } from '../../../src/core/proof/compare-day.js';
import type { SideLine } from '../../../src/core/proof/day-payment.js';
import { isoSeconds, paymentsOfRows } from '../../../src/core/proof/day-row.js';

export interface WholeCurrency {
  readonly currency: string | null;
  readonly findings: readonly DayFinding[];
  readonly stripe: readonly SideLine[];
  readonly ledger: readonly SideLine[];
  readonly own: readonly SideLine[];
  readonly explained: bigint;
}

export interface WholeDay {
  readonly currencies: readonly WholeCurrency[];
  readonly idle: readonly WholeCurrency[];
  readonly ofOtherMirrors: number;
  readonly notJudged: number;
}

/** @param sides of the whole day */
export function compareWhole(sides: Omit<DaySides, 'groupOf'>, earlierCurrencies: readonly string[]): WholeDay {
  const known = new Set([...sides.payments, ...sides.unreadable].map(({ id }) => id));
  const paymentOf = paymentsOfRows(sides.rows, (id) => known.has(id));
  const groupOf = (row: LedgerRecord) => paymentOf(row) ?? row.reference;
  const compared = compareSides({ ...sides, groupOf });
  const empty = { findings: [], stripe: [], ledger: [], own: [] };
  const parts = new Map<string | null, Omit<WholeCurrency, 'currency' | 'explained'>>(
    earlierCurrencies.map((currency) => [currency, empty]),
  );
  for (const [currency, part] of compared.currencies) parts.set(currency, part);
  const idle = [...sides.sources.keys()].filter((currency) => !parts.has(currency));
  if (parts.size === 0) parts.set(null, empty);
  const whole = (currency: string | null, part = parts.get(currency) ?? empty): WholeCurrency => {
    const explained = currency === null ? 0n : (compared.explained.get(currency) ?? 0n);
    return { ...part, currency, findings: [...part.findings, ...compared.everywhere], explained };
  };
  return {
    currencies: [...parts.keys()].sort((a, b) => compareText(a ?? '', b ?? '')).map((currency) => whole(currency)),
    idle: idle.map((currency) => whole(currency)),
    ...{ ofOtherMirrors: compared.ofOtherMirrors, notJudged: compared.notJudged },
  };
}

/** Count, sum and hash of one side; the same for the same set of lines in any order. */
export function totalsOf(lines: readonly SideLine[], hash: (lines: Iterable<string>) => string): SideTotals {
  const texts = lines.map(({ id, amount, currency, effectiveDate }) => {
    return `${id}|${amount ?? 'unknown'}|${currency}|${effectiveDate === null ? 'none' : isoSeconds(effectiveDate)}`;
  });
  return {
    count: lines.length,
    sum: lines.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n),
    hash: hash(texts.sort(compareText)),
  };
}

export interface CertifyFacts {
  readonly day: string;
  readonly compared: Pick<WholeDay, 'ofOtherMirrors' | 'notJudged'>;
  readonly movement: Movement;
  /** Why the movement of source balances without any payment on this day could not be seen; null when it was. */
  readonly idleUnseen: string | null;
  /** Stripe's clock when it was listed. */
  readonly stripeAsOf: Date;
  /** Stripe shows nothing new of the day any more. */
  readonly isOver: boolean;
  readonly startsAt: Date;
  /** Those of this day that are in force. */
  readonly acceptances: readonly Acceptance[];
  hash(lines: Iterable<string>): string;
}

export function certifyWhole(part: WholeCurrency, facts: CertifyFacts): Certificate {
  const { day, movement, hash } = facts;
  const amount = movement.kind === 'seen' ? movement.amount : null;
  const unexplained = amount === null ? null : amount - part.explained;
  const found = coverAccepted(part.findings, facts.acceptances);
  const findings = [...found, ...ofTheWholeDay(part, facts)].sort(compareFindings);
  return {
    day,
    currency: part.currency,
    state: worstState([...findings.map(stateOfFinding), ...statesOfTheDay(part, facts)]),
    stripe: totalsOf(part.stripe, hash),
    ledger: totalsOf(part.ledger, hash),
    postings: totalsOf(part.own, hash),
    movement: amount,
    unexplained,
    findings: findings.slice(0, FINDINGS_KEPT_MAX),
    findingsCount: findings.length,
    notSeen: [...notSeenOf(facts), ...limitsOf(facts)],
  };
}

function ofTheWholeDay({ currency, explained }: WholeCurrency, facts: CertifyFacts): DayFinding[] {
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

function statesOfTheDay({ stripe }: WholeCurrency, { day, startsAt, isOver }: CertifyFacts): CertificateState[] {
  const beforeStart = dayWindow(day).to <= startsAt && stripe.length === 0;
  return [...(beforeStart ? (['not_covered'] as const) : []), ...(isOver ? [] : (['open'] as const))];
}

/** What a whole proof would have seen. */
function notSeenOf({ movement, idleUnseen, compared: { notJudged } }: CertifyFacts): string[] {
  const missing = movement.kind === 'not_seen' && movement.why !== null ? [movement.why] : [];
  if (idleUnseen !== null) missing.push(idleUnseen);
  if (notJudged > 0) missing.push(`${notJudged} rows of the ledger name payments that Stripe was not asked about`);
  return missing;
}

/** What this proof does not claim to say. */
function limitsOf({ day, startsAt, isOver, stripeAsOf, compared: { ofOtherMirrors } }: CertifyFacts): string[] {
  const { from, to } = dayWindow(day);
  const limits: string[] = [];
  if (!isOver) limits.push(`the day was not over: it was ${isoSeconds(stripeAsOf)} at Stripe`);
  if (to <= startsAt) {
    const claimed = 'of this day only those that it was to post itself are compared';
    limits.push(`the mirror starts later, with payments created from ${isoSeconds(startsAt)} on: ${claimed}`);
  } else if (from < startsAt) limits.push(`payments created before ${isoSeconds(startsAt)} are not mirrored`);
  if (ofOtherMirrors > 0) limits.push(`${ofOtherMirrors} rows of other mirrors were not judged`);
  return limits;
}
