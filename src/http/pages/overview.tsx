/** Is everything in the ledger, and up to when? The verdict first, then what it is made of. */
import type { FC } from 'hono/jsx';
import { formatCount, formatDuration } from '../../core/base/time-text.js';
import { utcDay } from '../../core/base/window.js';
import { type Need, worstSeverity } from '../../core/verdict/need.js';
import { exitCodeOf, type Verdict, verdictOf } from '../../core/verdict/verdict.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import type { DayTotalRecord } from '../../db/reads/days.js';
import type { RunRecord } from '../../db/reads/runs.js';
import type { StatusRecord } from '../../db/reads/status.js';
import { accountsText, identitiesText } from '../../views/status-text.js';
import { plainText } from '../../views/text-width.js';
import { DayChart } from './chart.js';
import { LastDays } from './day-strip.js';
import { Choice, Live, Money, Sign, Table, Text, type Tone } from './parts.js';
import { RunTable } from './runs.js';

export interface OverviewFacts {
  readonly status: StatusRecord;
  readonly runs: readonly RunRecord[];
  readonly days: readonly DayTotalRecord[];
  readonly certificates: readonly CertificateRecord[];
  /** Of runs that began today; as many as are shown. */
  readonly failed: readonly RunRecord[];
  /** Of the chart; null: all of them together. */
  readonly currency: string | null;
  readonly mayAct: boolean;
}

/** The largest; the others stand on a page of their own. */
const CURRENCIES_SHOWN = 6;
/** Of runs that failed today; more are not counted. */
export const FAILED_MAX = 50;

export const Overview: FC<OverviewFacts> = ({ status, runs, days, certificates, failed, currency, mayAct }) => {
  const verdict = verdictOf(status);
  const totals = [...status.totals].sort((a, b) => b.postedCount - a.postedCount);
  return (
    <>
      <h1>Is everything in the ledger?</h1>
      <Live id="answer">
        <Answer verdict={verdict} status={status} />
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
        <LastDays certificates={certificates} />
      </Live>
      <h2>Payments a day</h2>
      <CurrencyForm currencies={totals.map((total) => total.currency)} chosen={currency} />
      <DayChart days={days} currency={currency} />
      <h2>In the ledger</h2>
      <Live id="sums">
        <Sums totals={totals.slice(0, CURRENCIES_SHOWN)} />
        {totals.length > CURRENCIES_SHOWN ? (
          <details>
            <summary>{formatCount(totals.length - CURRENCIES_SHOWN)} more currencies</summary>
            <Sums totals={totals.slice(CURRENCIES_SHOWN)} />
          </details>
        ) : (
          ''
        )}
      </Live>
      <h2>Last runs that found something</h2>
      <Live id="runs">
        <Failed runs={failed} today={utcDay(status.now)} />
        <RunTable runs={runs} now={status.now} />
      </Live>
      <p>
        <a href="/runs">All runs</a>
      </p>
    </>
  );
};

const Sums: FC<{ readonly totals: StatusRecord['totals'] }> = ({ totals }) => (
  <Table
    caption="By currency"
    columns={[
      { title: 'Currency', cell: ({ currency }) => <a href={`/payments?currency=${currency}`}>{currency}</a> },
      { title: 'Payments', isNumber: true, cell: ({ postedCount }) => formatCount(postedCount) },
      {
        title: 'Sum',
        isNumber: true,
        cell: ({ posted, currency }) => <Money amount={posted} currency={currency} />,
      },
      { title: 'Pending', isNumber: true, cell: ({ pendingCount }) => formatCount(pendingCount) },
      { title: 'Parked or dismissed', isNumber: true, cell: ({ parkedCount }) => formatCount(parkedCount) },
    ]}
    rows={totals}
    empty="Nothing is in the ledger yet."
  />
);

/** Kept in the address, and without a script: choosing is one more click. */
const CurrencyForm: FC<{ readonly currencies: readonly string[]; readonly chosen: string | null }> = ({
  currencies,
  chosen,
}) =>
  currencies.length < 2 ? null : (
    <form method="get" class="filters">
      <Choice name="currency" label="Currency" options={currencies} chosen={chosen} none="all together" />
      <button type="submit">Show</button>
    </form>
  );

/** What failed today is said before what succeeded. */
const Failed: FC<{ readonly runs: readonly RunRecord[]; readonly today: string }> = ({ runs, today }) => {
  if (runs.length === 0) return null;
  const count = runs.length < FAILED_MAX ? formatCount(runs.length) : `${FAILED_MAX} or more`;
  return (
    <p>
      <Sign tone="bad" />{' '}
      <a href={`/runs?status=failed&from=${today}&to=${today}`}>
        {count} {runs.length === 1 ? 'run' : 'runs'} failed today
      </a>
      ; the newest: <Text of={runs[0]?.error?.slice(0, 160) ?? null} />
    </p>
  );
};

/** One sentence and one colour; every need has what to do. */
const Answer: FC<{ readonly verdict: Verdict; readonly status: StatusRecord }> = ({ verdict, status }) => {
  const { sentence, needs } = verdict;
  const tone = toneOf(verdict);
  return (
    <>
      <section class={`answer ${tone}`} aria-label="The answer">
        <p class="first">
          <Sign tone={tone} /> {headlineOf(verdict, status)}
        </p>
        <p>{plainText(sentence)}</p>
      </section>
      {needs.length === 0 ? <p class="quiet">Nothing needs you.</p> : ''}
      <ul class="needs">
        {groupsOf(needs).map((group) => (
          <li>
            <NeedGroup needs={group} />
          </li>
        ))}
      </ul>
    </>
  );
};

const HEADLINES: Readonly<Record<Exclude<Verdict['state'], 'complete' | 'behind'>, string>> = {
  incomplete: 'Not everything is in the ledger',
  reading: 'Still reading for the first time',
  unknown: 'Not known',
  not_started: 'Nothing is mirrored yet',
};

const SEVERITIES: Readonly<Record<Need['severity'], Tone>> = { error: 'bad', warning: 'attention', notice: 'quiet' };

/** The worse of what the state and the needs say: nothing is green while `status` exits with 1. */
function toneOf({ state, needs }: Pick<Verdict, 'state' | 'needs'>): Tone {
  const worst = worstSeverity(needs) ?? 'notice';
  return worst === 'notice' && state === 'complete' ? 'good' : SEVERITIES[worst];
}

/** Claims no more than the sentence beneath it. */
function headlineOf({ state, needs }: Verdict, { outstanding, proofs }: StatusRecord): string {
  const decided = outstanding.dismissed + proofs.accepted > 0 ? ', but for what was decided' : '';
  if (state === 'behind') return `All that is known is in the ledger${decided}; it is behind`;
  if (state !== 'complete') return HEADLINES[state];
  const needed = exitCodeOf({ needs }) === 0 ? '' : '; something else needs you';
  return `Everything is in the ledger${decided}${needed}`;
}

/** Of one kind each, in the order of the first of it: the worst comes first. */
function groupsOf(needs: readonly Need[]): (readonly Need[])[] {
  const groups = new Map<string, Need[]>();
  for (const need of needs) groups.set(need.code, [...(groups.get(need.code) ?? []), need]);
  return [...groups.values()];
}

/** Several of a kind are one line that opens. */
const NeedGroup: FC<{ readonly needs: readonly Need[] }> = ({ needs }) => {
  const [first] = needs;
  if (first === undefined) return null;
  if (needs.length === 1) {
    return (
      <>
        <Sign tone={SEVERITIES[first.severity]} /> <OneNeed need={first} /> <PlaceOf code={first.code} />
      </>
    );
  }
  return (
    <>
      <Sign tone={SEVERITIES[first.severity]} />{' '}
      <details>
        <summary>
          {formatCount(needs.length)} lines of the kind <em>{first.code.replaceAll('_', ' ')}</em>; the first one:{' '}
          {plainText(first.text)}
        </summary>
        <ul>
          {needs.map((need) => (
            <li>
              <OneNeed need={need} />
            </li>
          ))}
        </ul>
      </details>{' '}
      <PlaceOf code={first.code} />
    </>
  );
};

const OneNeed: FC<{ readonly need: Need }> = ({ need: { text, command } }) => (
  <>
    {plainText(text)} {command === null ? '' : <code>{command}</code>}
  </>
);

/** Where a need is decided. */
const PlaceOf: FC<{ readonly code: string }> = ({ code }) => {
  if (code.startsWith('parked')) return <a href="/parked">→ Parked</a>;
  if (/^day|proof|broken/.test(code)) return <a href="/days">→ Days</a>;
  if (/^(?:reading|sync|standstill)/.test(code)) return <a href="/runs?status=failed">→ Runs</a>;
  if (/^(?:stripe|blnk|queue|no_worker|clock)/.test(code)) return <a href="/settings">→ Settings</a>;
  return null;
};

const Figures: FC<{ readonly status: StatusRecord }> = ({ status }) => {
  const pending = status.lanes.reduce((sum, lane) => sum + lane.pending, 0);
  const inDoubt = status.lanes.reduce((sum, lane) => sum + lane.inDoubt, 0);
  const parked = status.parked.reduce((sum, { waiting }) => sum + waiting, 0);
  const posted = status.totals.reduce((sum, { postedCount }) => sum + postedCount, 0);
  const { stripeReads, stripeReadsAllowed } = status;
  const identities = identitiesText(status.identities);
  const balances = accountsText(status.accounts);
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
      {balances === null ? null : <Figure name="Balances" value={balances} />}
      {identities === null ? null : <Figure name="Identities" value={identities} />}
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
