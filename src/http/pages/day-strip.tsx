/** How each of the last days was proven, as a strip: a sign, the day of the month, and in words for whoever cannot see it. */
import type { FC } from 'hono/jsx';
import type { CertificateState } from '../../core/proof/certificate.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import { type DayLook, type ShownDay, toDays, toShown } from './month.js';
import { State, type Tone } from './parts.js';

export const STATE_WORDS: Readonly<
  Record<CertificateState, { readonly tone: Tone; readonly sign: string; readonly words: string }>
> = {
  sealed: { tone: 'good', sign: '✓', words: 'sealed' },
  sealed_with_exceptions: { tone: 'attention', sign: '◐', words: 'sealed with exceptions' },
  open: { tone: 'attention', sign: '…', words: 'open' },
  broken: { tone: 'bad', sign: '✕', words: 'broken' },
  not_covered: { tone: 'quiet', sign: '▢', words: 'not covered' },
};

const WORST_FIRST: readonly DayLook[] = [
  ...(['broken', 'not_covered', 'open', 'again', 'unproven'] as const),
  ...(['not_over', 'sealed_with_exceptions', 'sealed'] as const),
];
const DAYS_SHOWN = 31;

/** Of days without a certificate too. */
export const LOOKS: Readonly<Record<DayLook, (typeof STATE_WORDS)[CertificateState]>> = {
  ...STATE_WORDS,
  again: { tone: 'attention', sign: '…', words: 'to be proven again' },
  unproven: { tone: 'quiet', sign: '?', words: 'not proven yet' },
  not_over: { tone: 'quiet', sign: '·', words: 'not over yet' },
};

export const DayStrip: FC<{ readonly days: readonly ShownDay[] }> = ({ days }) => {
  const looks = WORST_FIRST.filter((look) => days.some((shown) => shown.look === look));
  return (
    <>
      <ol class="days">
        {days.map(({ day, look }) => {
          const { tone, sign, words } = LOOKS[look];
          const text = `${day}: ${words}`;
          return (
            <li>
              <a class={tone} href={`/days/${day}`} title={text}>
                <span class="heard">{text}</span>
                <span aria-hidden="true">
                  {sign}
                  <br />
                  {day.slice(8)}
                </span>
              </a>
            </li>
          );
        })}
      </ol>
      <p class="legend">
        {looks.map((look) => (
          <span>
            {LOOKS[look].sign} {LOOKS[look].words}
          </span>
        ))}
      </p>
    </>
  );
};

/** Those that were proven last. */
export const LastDays: FC<{ readonly certificates: readonly CertificateRecord[] }> = ({ certificates }) => {
  const days = toDays(certificates).slice(-DAYS_SHOWN).map(toShown);
  if (days.length === 0)
    return <p class="notice">No day was proven yet. A day is proven by itself two days after it ended.</p>;
  return <DayStrip days={days} />;
};

export const StateOf: FC<{ readonly certificate: Pick<CertificateRecord, 'state' | 'reopened'> }> = ({
  certificate: { state, reopened },
}) => {
  const { tone, words } = STATE_WORDS[state];
  return reopened ? <State tone="attention">to be proven again</State> : <State tone={tone}>{words}</State>;
};
