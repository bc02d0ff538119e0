/** What a proof found, as people read it: each thing once, though several certificates of its day may have it. Pure. */

import { formatMoney } from '../core/base/money.js';
import { formatCount, formatTime } from '../core/base/time-text.js';
import {
  type CertificateState,
  type DayFinding,
  FINDING_KINDS,
  type FindingAcceptance,
  isOfAnyCurrency,
  stateOfFinding,
  worstFirst,
  worstState,
} from '../core/proof/certificate.js';
import { isSealed } from '../core/proof/reopening.js';
import type { FullCertificate } from '../db/reads/certificates.js';
import { plainText } from './text-width.js';

/** A finding with the currency that it is about: a code, `any`, a number of them, or nothing. */
export interface ToldFinding extends DayFinding {
  readonly currency: string;
}

/** @returns what to tell, and how many there are with those that were not kept */
export function findingsOfDay(certificates: readonly FullCertificate[]): {
  readonly findings: readonly ToldFinding[];
  readonly count: number;
} {
  const told = new Map<string, { readonly finding: DayFinding; readonly currencies: string[] }>();
  let count = 0;
  for (const { currency, findings, findingsCount } of certificates) {
    count += findingsCount;
    for (const finding of findings) {
      const key = keyOf(finding, currency);
      const earlier = told.get(key);
      if (earlier === undefined) told.set(key, { finding, currencies: [currency ?? ''] });
      else {
        earlier.currencies.push(currency ?? '');
        count -= 1;
      }
    }
  }
  const findings = [...told.values()].map(({ finding, currencies }) => {
    const several = currencies.length > 1 ? `${currencies.length} currencies` : (currencies[0] ?? '');
    return { ...finding, currency: isOfAnyCurrency(finding) ? 'any' : several };
  });
  return { findings, count };
}

/** One payment that may be of any currency, or one thing that could not be seen, is one; all else belongs to its currency. */
function keyOf(finding: DayFinding, currency: string | null): string {
  const { kind, paymentId, detail } = finding;
  const isShared = isOfAnyCurrency(finding) || kind === 'not_seen';
  return JSON.stringify([
    kind,
    paymentId,
    detail,
    isShared ? null : currency,
    finding.ledger.map((row) => row.reference),
  ]);
}

/** A line for each, and the rows of the ledger beneath it. */
export function findingsInFull(findings: readonly DayFinding[]): string[] {
  return findings.flatMap(({ kind, paymentId, detail, ledger, accepted }) => [
    `${plainText(paymentId ?? 'the day')}: ${kind}: ${FINDING_KINDS[kind].meaning}`,
    ...(detail === '' ? [] : [`  ${plainText(detail)}`]),
    ...(accepted === undefined ? [] : [`  ${acceptedText(accepted)}`]),
    ...ledger.map(
      (row) =>
        `  in the ledger: ${plainText(row.reference)} (${plainText(row.transactionId)}), ${row.status}, ` +
        `${amountOf(row)}, ${plainText(row.source)} to ${plainText(row.destination)}`,
    ),
  ]);
}

function amountOf({ amount, currency }: DayFinding['ledger'][number]): string {
  return amount === null
    ? `no amount in ${plainText(currency)}`
    : plainText(formatMoney({ amount: BigInt(amount), currency }));
}

/** Currencies that an answer names; the others stand below it. */
const CAUSES_NAMED_MAX = 5;

/**
 * How a day stands and because of what: `open, because of TND (1 parked), USD (1 unreadable)`. Of one that is sealed no more:
 * `to be proven again (was sealed), because something of EUR changed since`.
 * @param certificates its newest, one for each currency
 */
export function dayAnswer(
  certificates: ReadonlyArray<{
    readonly currency: string | null;
    readonly state: CertificateState;
    readonly reopened: boolean;
    readonly findings: readonly DayFinding[];
  }>,
): string {
  const worst = worstState(certificates.map((one) => one.state));
  const state = worst.replaceAll('_', ' ');
  const reopened = certificates.filter((one) => one.reopened);
  if (isSealed(worst) && reopened.length > 0) {
    const changed = namedOf(reopened.map(({ currency }) => currency ?? 'no currency'));
    return `to be proven again (was ${state}), because something of ${changed} changed since`;
  }
  const causes = worstFirst(certificates.filter((one) => one.state !== 'sealed')).map((one) => {
    const kinds = kindsOf(one.findings, one.state);
    return `${one.currency ?? 'no currency'}${kinds === '' ? '' : ` (${kinds})`}`;
  });
  if (causes.length === 0) return state;
  return `${state}, because of ${namedOf(causes)}`;
}

function namedOf(currencies: readonly string[]): string {
  const more = currencies.length - CAUSES_NAMED_MAX;
  return `${currencies.slice(0, CAUSES_NAMED_MAX).join(', ')}${more > 0 ? ` and ${formatCount(more)} more currencies` : ''}`;
}

/** `2 parked, 1 pending`: those that made the state what it is; empty when none did. */
export function kindsOf(findings: readonly DayFinding[], state: CertificateState): string {
  const counts = new Map<string, number>();
  for (const finding of findings) {
    if (stateOfFinding(finding) === state) counts.set(finding.kind, (counts.get(finding.kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${formatCount(count)} ${kind.replaceAll('_', ' ')}`).join(', ');
}

/** `accepted at 2026-11-28 17:00:12 UTC by ann: refunded in Blnk`. */
export function acceptedText({ at, by, why }: FindingAcceptance): string {
  return plainText(`accepted at ${formatTime(new Date(at))} UTC by ${by}: ${why}`);
}
