/** What a turn of proofs came to, as events: a first start has years of days to prove, so that equal ones share a line. */

import { type CertificateState, worstState } from '../../core/proof/certificate.js';
import type { Events } from '../../observability/events.js';
import type { ProvenDay } from '../../prove/prove-days.js';
import { kindsOf } from '../../views/finding-text.js';

const CURRENCIES_TOLD_MAX = 5;
const DAYS_TOLD_MAX = 31;

interface ToldDay extends ProvenDay {
  readonly state: CertificateState;
}

export function tellProofs(events: Events, proven: readonly ProvenDay[]): void {
  if (proven.length === 0) return;
  const days = proven.map((day) => ({ ...day, state: worstState(day.certificates.map(({ state }) => state)) }));
  for (const { day, certificates } of days) {
    for (const { currency, reopenedBecause, state } of certificates) {
      if (reopenedBecause !== null) events.dayReopened({ day, currency, because: reopenedBecause, state });
    }
  }
  for (const day of days) if (day.state === 'broken') tellBroken(events, day);
  tellSealed(events, days);
  tellOpen(events, days);
  const of = (state: CertificateState) => days.filter((day) => day.state === state).length;
  events.daysProven({
    ...{ days: days.length, sealed: of('sealed'), sealedWithExceptions: of('sealed_with_exceptions') },
    ...{ open: of('open'), broken: of('broken'), notCovered: of('not_covered') },
  });
}

function tellBroken(events: Events, { day, trigger, certificates }: ToldDay): void {
  const what = certificates.flatMap((one) => {
    const kinds = kindsOf(one.findings, 'broken');
    return kinds === '' ? [] : [`${one.currency ?? ''}: ${kinds}`];
  });
  const findings = certificates.reduce((sum, { findingsCount }) => sum + findingsCount, 0);
  events.dayBroken({ day, trigger, findings, what: what.slice(0, CURRENCIES_TOLD_MAX).join('; ') });
}

/** Of the rotation all were sealed before. */
function tellSealed(events: Events, days: readonly ToldDay[]): void {
  const isSealed = ({ state }: ToldDay) => state === 'sealed' || state === 'sealed_with_exceptions';
  const sealed = days.filter((day) => isSealed(day) && day.trigger !== 'rotation');
  if (sealed.length === 0) return;
  const exceptions = sealed.filter(({ state }) => state === 'sealed_with_exceptions').length;
  events.daysSealed({ count: sealed.length, exceptions, days: namesOf(sealed) });
}

function tellOpen(events: Events, days: readonly ToldDay[]): void {
  const open = days.filter(({ state }) => state === 'open');
  if (open.length === 0) return;
  const findings = open.flatMap(({ certificates }) => certificates.flatMap((one) => one.findings));
  events.daysOpen({ count: open.length, days: namesOf(open), what: kindsOf(findings, 'open') });
}

function namesOf(days: readonly ToldDay[]): string[] {
  return days
    .map(({ day }) => day)
    .sort()
    .reverse()
    .slice(0, DAYS_TOLD_MAX);
}
