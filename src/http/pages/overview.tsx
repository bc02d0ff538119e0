/** Is everything in the ledger, and up to when? The verdict first, then what it is made of. */
import type { FC } from 'hono/jsx';
import { formatCount, formatDuration } from '../../core/base/time-text.js';
import { type Need, worstSeverity } from '../../core/verdict/need.js';
import { type Verdict, verdictOf } from '../../core/verdict/verdict.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import type { DayTotalRecord } from '../../db/reads/days.js';
import type { RunRecord } from '../../db/reads/runs.js';
import type { StatusRecord } from '../../db/reads/status.js';
import { plainText } from '../../views/text-width.js';
import { DayChart } from './chart.js';
import { DayStrip } from './day-strip.js';
import { Live, Money, Sign, Table, type Tone } from './parts.js';
import { RunTable } from './runs.js';

export interface OverviewFacts {
  readonly status: StatusRecord;
  readonly runs: readonly RunRecord[];
  readonly days: readonly DayTotalRecord[];
  readonly certificates: readonly CertificateRecord[];
  readonly mayAct: boolean;
}

/** The largest; the others stand on a page of their own. */
const CURRENCIES_SHOWN = 6;

export const Overview: FC<OverviewFacts> = ({ status, runs, days, certificates, mayAct }) => {
  const verdict = verdictOf(status);
  const totals = [...status.totals].sort((a, b) => b.postedCount - a.postedCount);
  return (
    <>
      <h1>Is everything in the ledger?</h1>
      <Live id="answer">
        <Answer verdict={verdict} />
        <Figures status={status} />
      </Live>
      {mayAct ? (
        <form method="post" action="/sync" class="actions">
          <button type="submit" class="first">
            Sync now
          </button>
          <span class="quiet">Asks a worker to look for new payments at once.</span>
        </form>
      ) : (
        ''
      )}
      <h2>Days</h2>
      <Live id="days">
        <DayStrip certificates={certificates} />
      </Live>
      <h2>Payments a day</h2>
      <DayChart days={days} />
      <h2>In the ledger</h2>
      <Live id="sums">
        <Table
          caption={
            totals.length > CURRENCIES_SHOWN
              ? `The ${CURRENCIES_SHOWN} largest of ${totals.length} currencies`
              : 'By currency'
          }
          columns={[
            { title: 'Currency', cell: ({ currency }) => currency },
            { title: 'Payments', isNumber: true, cell: ({ postedCount }) => formatCount(postedCount) },
            {
              title: 'Sum',
              isNumber: true,
              cell: ({ posted, currency }) => <Money amount={posted} currency={currency} />,
            },
            { title: 'Pending', isNumber: true, cell: ({ pendingCount }) => formatCount(pendingCount) },
            { title: 'Parked', isNumber: true, cell: ({ parkedCount }) => formatCount(parkedCount) },
          ]}
          rows={totals.slice(0, CURRENCIES_SHOWN)}
          empty="Nothing is in the ledger yet."
        />
      </Live>
      <h2>Last runs that found something</h2>
      <Live id="runs">
        <RunTable runs={runs} now={status.now} />
      </Live>
      <p>
        <a href="/runs">All runs</a>
      </p>
    </>
  );
};

/** One sentence and one colour; every need has what to do. */
const Answer: FC<{ readonly verdict: Verdict }> = ({ verdict: { state, sentence, needs } }) => {
  const tone = state === 'complete' ? 'good' : toneOf(needs);
  return (
    <>
      <section class={`answer ${tone}`} aria-label="The answer">
        <p class="first">
          <Sign tone={tone} /> {HEADLINES[state]}
        </p>
        <p>{plainText(sentence)}</p>
      </section>
      {needs.length === 0 ? <p class="quiet">Nothing needs you.</p> : ''}
      <ul class="needs">
        {needs.map((need) => (
          <li>
            <Sign tone={SEVERITIES[need.severity]} /> {plainText(need.text)}{' '}
            {need.command === null ? '' : <code>{need.command}</code>} <PlaceOf code={need.code} />
          </li>
        ))}
      </ul>
    </>
  );
};

const HEADLINES: Readonly<Record<Verdict['state'], string>> = {
  complete: 'Everything is in the ledger',
  incomplete: 'Not everything is in the ledger',
  behind: 'All that is known is in the ledger; it is behind',
  reading: 'Still reading for the first time',
  unknown: 'Not known',
  not_started: 'Nothing is mirrored yet',
};

const SEVERITIES: Readonly<Record<Need['severity'], Tone>> = { error: 'bad', warning: 'attention', notice: 'quiet' };

function toneOf(needs: readonly Need[]): Tone {
  return SEVERITIES[worstSeverity(needs) ?? 'notice'];
}

/** Where a need is decided. */
const PlaceOf: FC<{ readonly code: string }> = ({ code }) => {
  if (code.startsWith('parked')) return <a href="/parked">Parked</a>;
  if (/^day|proof|broken/.test(code)) return <a href="/days">Days</a>;
  return null;
};

const Figures: FC<{ readonly status: StatusRecord }> = ({ status }) => {
  const pending = status.lanes.reduce((sum, lane) => sum + lane.pending, 0);
  const inDoubt = status.lanes.reduce((sum, lane) => sum + lane.inDoubt, 0);
  const parked = status.parked.reduce((sum, { waiting }) => sum + waiting, 0);
  const posted = status.totals.reduce((sum, { postedCount }) => sum + postedCount, 0);
  const { stripeReads, stripeReadsAllowed } = status;
  return (
    <dl class="facts">
      <Figure name="In the ledger" value={formatCount(posted)} />
      <Figure
        name="Behind"
        value={
          status.behindMs === null
            ? '–'
            : `${formatDuration(status.behindMs)}, ${formatDuration(status.lagMs)} by design`
        }
      />
      <Figure
        name="To be posted"
        value={inDoubt === 0 ? formatCount(pending) : `${formatCount(pending)}, ${formatCount(inDoubt)} in doubt`}
      />
      <Figure name="Parked" value={formatCount(parked)} />
      <Figure name="Days sealed" value={sealedText(status)} />
      <Figure name="Workers" value={status.workers.length === 0 ? 'none' : formatCount(status.workers.length)} />
      <Figure
        name="Stripe reads in 30 days"
        value={
          stripeReadsAllowed === null
            ? formatCount(stripeReads)
            : `${formatCount(stripeReads)} of ${formatCount(stripeReadsAllowed)}`
        }
      />
    </dl>
  );
};

function sealedText({ proofs: { days, unsealed } }: StatusRecord): string {
  return days === 0 ? 'none proven yet' : `${formatCount(days - unsealed.length)} of ${formatCount(days)}`;
}

const Figure: FC<{ readonly name: string; readonly value: string }> = ({ name, value }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
