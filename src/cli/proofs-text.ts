/** What `status` says about proofs: one line, and what needs a person. Never more than the certificates say. Pure. */
import type { CertificateState } from '../core/certificate.js';
import { formatCount } from '../core/time-text.js';
import { DAY_MS, utcDay } from '../core/window.js';
import type { ProofsRecord } from '../db/reads/certificates.js';

/** A day is proven two days after it closed; two more for outages that end by themselves. */
const PROOFS_LATE_MS = 5 * DAY_MS;

/** More days than a line holds are counted; `certificates list` has them all. */
const DAYS_NAMED_MAX = 3;

/** `every day from 2026-11-01 to 2026-11-18 is sealed`, or which are not. */
export function provenText({ from, to, days, unproven, unsealed, exceptions }: ProofsRecord): string {
  if (from === null || to === null)
    return 'no day yet: a day is proven two days after it closed, or by: stripe-blnk-sync prove';
  const range = from === to ? from : `from ${from} to ${to}`;
  const gap = unproven > 0 ? `; ${formatCount(unproven)} in between not proven yet` : '';
  const but = exceptions.length > 0 ? `; with exceptions: ${daysText(exceptions)}` : '';
  if (unsealed.length === 0 && unproven === 0) {
    return `${from === to ? from : `every day ${range}`} is sealed: Stripe and the ledger agree${but}`;
  }
  const others = KINDS.flatMap(({ says, has }) => {
    const found = unsealed.filter(has);
    return found.length === 0 ? [] : [`${says}: ${daysText(found.map(({ day }) => day))}`];
  });
  const sealed = `${formatCount(days - unsealed.length)} of ${formatCount(days)} days ${range} sealed`;
  return `${[sealed, ...others].join('; ')}${gap}${but}`;
}

export function brokenDays({ unsealed }: ProofsRecord): string[] {
  const broken = unsealed.filter(({ state }) => state === 'broken');
  if (broken.length === 0) return [];
  const days = broken.map(({ day }) => day);
  return [
    `${days.length === 1 ? '1 day is' : `${formatCount(days.length)} days are`} broken, the ledger differs from Stripe: ` +
      `${daysText(days)}. What differs: stripe-blnk-sync certificates show ${days[0]}; ` +
      'what would mend it, changing nothing yet: stripe-blnk-sync repair plan',
  ];
}

/** Proofs that stay away although payments are read: nothing else would say so, because nothing is wrong with what is there. */
export function lateProofs(
  { to }: ProofsRecord,
  { completeTo, startedAt }: { readonly completeTo: Date | null; readonly startedAt: Date | null },
): string[] {
  if (completeTo === null || startedAt === null) return [];
  const provenTo = to === null ? null : Date.parse(to) + DAY_MS;
  if (completeTo.getTime() - (provenTo ?? startedAt.getTime()) <= PROOFS_LATE_MS) return [];
  return [
    `${to === null ? 'No day was proven yet' : `No day after ${to} was proven`}, though payments are known to ${utcDay(completeTo)}. ` +
      'A worker proves them by itself, unless postings of these days are on their way; its log says why it cannot, or ask ' +
      'yourself: stripe-blnk-sync prove',
  ];
}

type Unsealed = ProofsRecord['unsealed'][number];

const ofState = (state: CertificateState) => (day: Unsealed) => !day.reopened && day.state === state;

const KINDS: ReadonlyArray<{ readonly says: string; has(day: Unsealed): boolean }> = [
  { says: 'broken', has: ofState('broken') },
  { says: 'open', has: ofState('open') },
  { says: 'not covered', has: ofState('not_covered') },
  { says: 'reopened, to be proven again', has: ({ reopened }) => reopened },
];

function daysText(days: readonly string[]): string {
  const named = days.slice(0, DAYS_NAMED_MAX);
  const more = days.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}
