/** Can a month be closed, and if not because of which day? */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import { DayStrip, type ProvenDay, STATE_WORDS, StateOf, toDays } from './day-strip.js';
import { Choice, Live, Money, Table, Time } from './parts.js';

/** `2026-11`. */
export type Month = string;

export const Days: FC<{
  readonly certificates: readonly CertificateRecord[];
  readonly month: Month;
  readonly months: readonly Month[];
  readonly mayAct: boolean;
}> = ({ certificates, month, months, mayAct }) => {
  const days = toDays(certificates);
  return (
    <>
      <h1>Days of {month}</h1>
      <form method="get" class="filters">
        <Choice name="month" label="Month" options={months} chosen={month} none={null} />
        <button type="submit">Show</button>
      </form>
      <Live id="closing">
        <Closing days={days} month={month} />
        <DayStrip certificates={certificates} />
      </Live>
      {mayAct ? <ProveForm from={days[0]?.day ?? `${month}-01`} to={days.at(-1)?.day ?? `${month}-01`} /> : ''}
      <Table
        caption="The newest certificate of each day and currency"
        columns={[
          { title: 'Day', cell: ({ day }) => <a href={`/days/${day}`}>{day}</a> },
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
        empty="No day of this month was proven yet. A day is proven by itself two days after it ended."
      />
    </>
  );
};

/** The answer first: yes, or no because of which days. */
const Closing: FC<{ readonly days: readonly ProvenDay[]; readonly month: Month }> = ({ days, month }) => {
  const bad = days.filter(({ state, reopened }) => state === 'broken' || state === 'open' || reopened);
  const exceptions = days.filter(({ state }) => state === 'sealed_with_exceptions');
  const length = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
  const missing = length - days.length;
  const isClosable = bad.length === 0 && missing === 0;
  const isBroken = bad.some(({ state }) => state === 'broken');
  return (
    <section
      class={`answer ${isClosable ? 'good' : isBroken ? 'bad' : 'attention'}`}
      aria-label="Can the month be closed"
    >
      <p class="first">{isClosable ? `${month} can be closed` : `${month} cannot be closed yet`}</p>
      <p>
        {formatCount(days.length - bad.length)} of {length} days sealed
        {exceptions.length > 0 ? `, ${formatCount(exceptions.length)} of them with exceptions that are explained` : ''}
        {bad.length > 0
          ? `; because of ${bad.map(({ day, state }) => `${day.slice(8)} (${STATE_WORDS[state].words})`).join(', ')}`
          : ''}
        {missing > 0 ? `; ${formatCount(missing)} not proven yet` : ''}.
      </p>
    </section>
  );
};

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
