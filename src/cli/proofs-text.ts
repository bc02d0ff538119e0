/** What `status` says about proofs: one line, and what needs a person. Never more than the certificates say. Pure. */
import type { CertificateState } from '../core/certificate.js';
import { formatCount } from '../core/time-text.js';
import type { ProofsRecord } from '../db/reads/certificates.js';

/** More days than a line holds are counted; `certificates list` has them all. */
const DAYS_NAMED_MAX = 3;

/** `every day from 2026-11-01 to 2026-11-18 is sealed`, or which are not. */
export function provenText({ from, to, days, unproven, unsealed }: ProofsRecord): string {
  if (from === null || to === null)
    return 'no day yet: a day is proven two days after it closed, or by: stripe-blnk-sync prove';
  const range = from === to ? from : `from ${from} to ${to}`;
  const gap = unproven > 0 ? `; ${formatCount(unproven)} in between not proven yet` : '';
  if (unsealed.length === 0 && unproven === 0) {
    return from === to ? `${from} is sealed` : `every day ${range} is sealed`;
  }
  const others = KINDS.flatMap(({ says, has }) => {
    const found = unsealed.filter(has);
    return found.length === 0 ? [] : [`${says}: ${daysText(found)}`];
  });
  const sealed = `${formatCount(days - unsealed.length)} of ${formatCount(days)} days ${range} sealed`;
  return `${[sealed, ...others].join('; ')}${gap}`;
}

export function brokenDays({ unsealed }: ProofsRecord): string[] {
  const broken = unsealed.filter(({ state }) => state === 'broken');
  if (broken.length === 0) return [];
  return [
    `${broken.length === 1 ? '1 day is' : `${formatCount(broken.length)} days are`} broken, the ledger differs from Stripe: ` +
      `${daysText(broken)}. See: stripe-blnk-sync repair plan`,
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

function daysText(days: readonly Unsealed[]): string {
  const named = days.slice(0, DAYS_NAMED_MAX).map(({ day }) => day);
  const more = days.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}
