/** Can a month be closed, and if not because of which day? A line for each day, with its currencies folded. */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import type { ProofsRequested } from '../../operations/request-proofs.js';
import { DayStrip, LOOKS, StateOf } from './day-strip.js';
import { type Closing, groupByDay, isClosed, type Month, type MonthDays, type ShownDay } from './month.js';
import { Choice, Live, Money, State, Table, Time } from './parts.js';

export interface DaysShown extends MonthDays {
  readonly certificates: readonly CertificateRecord[];
  readonly closing: Closing;
  readonly month: Month;
  readonly months: readonly Month[];
  readonly mayAct: boolean;
}

export const Days: FC<DaysShown> = ({ certificates, days, closing, month, months, mayAct }) => {
  const byDay = groupByDay(certificates);
  const proven = days.filter(({ day }) => byDay.has(day)).reverse();
  const [open, closed] = [proven.filter((shown) => !isClosed(shown)), proven.filter(isClosed)];
  const provable = days.filter(({ look }) => look !== 'not_over').map(({ day }) => day);
  return (
    <>
      <h1>Days of {month}</h1>
      <form method="get" class="filters">
        <Choice name="month" label="Month" options={months} chosen={month} none={null} />
        <button type="submit">Show</button>
      </form>
      <Live id="closing">
        <Answer closing={closing} />
        {days.length === 0 ? '' : <DayStrip days={days} />}
      </Live>
      {mayAct && provable.length > 0 ? <ProveForm from={provable[0] ?? ''} to={provable.at(-1) ?? ''} /> : ''}
      <Live id="lines">
        {proven.length > 0 || days.length === 0 ? (
          ''
        ) : (
          <p class="notice">No day of this month was proven yet. A day is proven by itself two days after it ended.</p>
        )}
        <Lines title="Not sealed" days={open} byDay={byDay} />
        <Lines title="Sealed" days={closed} byDay={byDay} />
      </Live>
    </>
  );
};

/** The answer first: yes, or no because of which days. */
const Answer: FC<{ readonly closing: Closing }> = ({ closing: { tone, answer, because } }) => (
  <section class={`answer ${tone}`} aria-label="Can the month be closed">
    <p class="first">{answer}</p>
    {because.map((sentence) => (
      <p>{sentence}</p>
    ))}
  </section>
);

interface LinesShown {
  readonly title: string;
  readonly days: readonly ShownDay[];
  readonly byDay: ReadonlyMap<string, readonly CertificateRecord[]>;
}

const Lines: FC<LinesShown> = ({ title, days, byDay }) =>
  days.length === 0 ? null : (
    <>
      <h2>{title}</h2>
      {days.map((shown) => (
        <Line shown={shown} certificates={byDay.get(shown.day) ?? []} />
      ))}
    </>
  );

/** The newest certificate of each currency, folded. */
const Line: FC<{ readonly shown: ShownDay; readonly certificates: readonly CertificateRecord[] }> = ({
  shown: { day, look },
  certificates,
}) => {
  const sum = (count: (row: CertificateRecord) => number) => certificates.reduce((all, row) => all + count(row), 0);
  const [payments, findings] = [sum(({ stripeCount }) => stripeCount), sum(({ findingsCount }) => findingsCount)];
  const currencies = certificates.filter(({ currency }) => currency !== null).length;
  return (
    <details class="day" id={`day-${day}`}>
      <summary>
        {day} <State tone={LOOKS[look].tone}>{LOOKS[look].words}</State>{' '}
        <span class="quiet">
          {counted(payments, 'payment')}
          {currencies > 1 ? ` in ${formatCount(currencies)} currencies` : ''}
          {findings > 0 ? `, ${counted(findings, 'finding')}` : ''}
        </span>
      </summary>
      <p>
        <a href={`/days/${day}`}>The certificate of {day}</a>
      </p>
      <Table
        caption={`The newest certificates of ${day}`}
        columns={[
          { title: 'Currency', cell: ({ currency }) => currency ?? 'no payments' },
          { title: 'State', cell: (certificate) => <StateOf certificate={certificate} /> },
          { title: 'Payments', isNumber: true, cell: ({ stripeCount }) => formatCount(stripeCount) },
          {
            title: 'Stripe',
            isNumber: true,
            cell: ({ stripeSum, currency }) => <Money amount={stripeSum} currency={currency} />,
          },
          {
            title: 'Ledger',
            isNumber: true,
            cell: ({ ledgerSum, currency }) => <Money amount={ledgerSum} currency={currency} />,
          },
          { title: 'Findings', isNumber: true, cell: ({ findingsCount }) => formatCount(findingsCount) },
          { title: 'Proven', cell: ({ provedAt }) => <Time at={provedAt} /> },
        ]}
        rows={certificates}
        empty=""
      />
    </details>
  );
};

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Asks a worker: it is done by the time it comes to it. */
const ProveForm: FC<{ readonly from: string; readonly to: string }> = ({ from, to }) => (
  <form method="post" action="/days/prove" class="filters">
    <label>
      Prove from
      <input type="date" name="from" value={from} required />
    </label>
    <label>
      to
      <input type="date" name="to" value={to} required />
    </label>
    <button type="submit">Prove now</button>
    <span class="quiet">A worker compares both sides of these days once more.</span>
  </form>
);

/** What came of asking for the proofs of several days. */
export const ProofsAsked: FC<{ readonly asked: ProofsRequested; readonly month: Month }> = ({
  asked: { days, requested, queueFault },
  month,
}) => {
  const waiting = days.length - requested.length;
  return (
    <>
      <h1>Proofs of {counted(days.length, 'day')} are asked for</h1>
      <ul>
        <li>
          {days[0]} to {days.at(-1)}: a worker compares both sides, one day after the other.
        </li>
        {waiting === 0 ? (
          ''
        ) : (
          <li>{counted(waiting, 'day')} waited for a proof already, and are not asked for twice.</li>
        )}
        {queueFault === null ? '' : <li>The queue could not be told; a worker finds them within a minute.</li>}
      </ul>
      <p>
        <a href={`/days?month=${month}`}>Days of {month}</a>
      </p>
    </>
  );
};
