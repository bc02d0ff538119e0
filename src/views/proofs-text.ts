/** What `status` prints about proofs in one line. Never more than the certificates show. Pure. */

import { commandLine } from '../core/base/own-command.js';
import { formatCount } from '../core/base/time-text.js';
import type { CertificateState } from '../core/proof/certificate.js';
import { daysText } from '../core/verdict/days-text.js';
import type { ProofFacts, UnsealedDay } from '../core/verdict/facts.js';

/** `every day from 2026-11-01 to 2026-11-18 is sealed`, or which are not. */
export function provenText({ from, to, days, unproven, unsealed, exceptions }: ProofFacts): string {
  if (from === null || to === null)
    return `no day yet: a day is proven two days after it closed, or by: ${commandLine('prove')}`;
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

const ofState = (state: CertificateState) => (day: UnsealedDay) => !day.reopened && day.state === state;

const KINDS: ReadonlyArray<{ readonly says: string; has(day: UnsealedDay): boolean }> = [
  { says: 'broken', has: ofState('broken') },
  { says: 'open', has: ofState('open') },
  { says: 'not covered', has: ofState('not_covered') },
  { says: 'reopened, to be proven again', has: ({ reopened }) => reopened },
];
