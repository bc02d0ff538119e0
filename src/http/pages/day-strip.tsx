/** How each of the last days was proven, as a strip: a sign, the day of the month, and in words for whoever cannot see it. */
import type { FC } from 'hono/jsx';
import type { CertificateState } from '../../core/proof/certificate.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import { State, type Tone } from './parts.js';

export const STATE_WORDS: Readonly<
  Record<CertificateState, { readonly tone: Tone; readonly sign: string; readonly words: string }>
> = {
  sealed: { tone: 'good', sign: '✓', words: 'sealed' },
  sealed_with_exceptions: { tone: 'attention', sign: '◐', words: 'sealed with exceptions' },
  open: { tone: 'attention', sign: '…', words: 'open' },
  broken: { tone: 'bad', sign: '✕', words: 'broken' },
  not_covered: { tone: 'quiet', sign: '▢', words: 'before the start' },
};

const WORST_FIRST: readonly CertificateState[] = ['broken', 'open', 'sealed_with_exceptions', 'sealed', 'not_covered'];
const DAYS_SHOWN = 31;

export interface ProvenDay {
  readonly day: string;
  readonly state: CertificateState;
  readonly reopened: boolean;
}

/** The worst of its currencies. */
export function toDays(certificates: readonly CertificateRecord[]): ProvenDay[] {
  const days = new Map<string, ProvenDay>();
  for (const { day, state, reopened } of certificates) {
    const known = days.get(day);
    const isWorse = known === undefined || WORST_FIRST.indexOf(state) < WORST_FIRST.indexOf(known.state);
    days.set(day, { day, state: isWorse ? state : known.state, reopened: reopened || (known?.reopened ?? false) });
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

export const DayStrip: FC<{ readonly certificates: readonly CertificateRecord[] }> = ({ certificates }) => {
  const days = toDays(certificates).slice(-DAYS_SHOWN);
  if (days.length === 0)
    return <p class="notice">No day was proven yet. A day is proven by itself two days after it ended.</p>;
  return (
    <>
      <ol class="days">
        {days.map(({ day, state, reopened }) => {
          const { tone, sign, words } = STATE_WORDS[state];
          const text = `${day}: ${reopened ? 'to be proven again' : words}`;
          return (
            <li>
              <a class={reopened ? 'attention' : tone} href={`/days/${day}`} title={text}>
                <span class="heard">{text}</span>
                <span aria-hidden="true">
                  {reopened ? '…' : sign}
                  <br />
                  {day.slice(8)}
                </span>
              </a>
            </li>
          );
        })}
      </ol>
      <p class="legend">
        {WORST_FIRST.map((state) => (
          <span>
            {STATE_WORDS[state].sign} {STATE_WORDS[state].words}
          </span>
        ))}
      </p>
    </>
  );
};

export const StateOf: FC<{ readonly certificate: Pick<CertificateRecord, 'state' | 'reopened'> }> = ({
  certificate: { state, reopened },
}) => {
  const { tone, words } = STATE_WORDS[state];
  return reopened ? <State tone="attention">to be proven again</State> : <State tone={tone}>{words}</State>;
};
