/** Can a month be closed? And one day in full: what was proven of it, by currency, with every finding. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount } from '../../core/base/time-text.js';
import { FINDING_KINDS } from '../../core/proof/certificate.js';
import type { CertificateRecord, DayCertificates, FullCertificate } from '../../db/reads/certificates.js';
import { DayStrip, type ProvenDay, STATE_WORDS, toDays } from './day-strip.js';
import { Facts, Id, Live, Money, State, Table, Text, Time } from './parts.js';

/** `2026-11`. */
export type Month = string;

export const Days: FC<{
  readonly certificates: readonly CertificateRecord[];
  readonly month: Month;
  readonly months: readonly Month[];
}> = ({ certificates, month, months }) => {
  const days = toDays(certificates);
  return (
    <>
      <h1>Days of {month}</h1>
      <form method="get" class="filters">
        <label>
          Month
          <select name="month">
            {months.map((one) => (
              <option value={one} selected={one === month}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Show</button>
        <a href={`/days.csv?month=${month}`}>CSV</a>
      </form>
      <Live id="closing">
        <Closing days={days} month={month} />
        <DayStrip certificates={certificates} />
      </Live>
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

const StateOf: FC<{ readonly certificate: Pick<CertificateRecord, 'state' | 'reopened'> }> = ({
  certificate: { state, reopened },
}) => {
  const { tone, words } = STATE_WORDS[state];
  return reopened ? <State tone="attention">to be proven again</State> : <State tone={tone}>{words}</State>;
};

export const Day: FC<{ readonly day: string; readonly found: DayCertificates }> = ({ day, found }) => (
  <>
    <h1>Certificate of {day}</h1>
    {found.certificates.map((certificate) => (
      <CertificateOf certificate={certificate} />
    ))}
    <h2>Proofs of this day</h2>
    <Table
      caption={`${formatCount(found.historyCount)} in all, the newest first`}
      columns={[
        { title: 'Proven', cell: ({ provedAt }) => <Time at={provedAt} /> },
        { title: 'Currency', cell: ({ currency }) => currency ?? 'no payments' },
        {
          title: 'State',
          cell: ({ state }) => <State tone={STATE_WORDS[state].tone}>{STATE_WORDS[state].words}</State>,
        },
        { title: 'Because', cell: ({ trigger }) => trigger.replaceAll('_', ' ') },
        { title: 'Findings', isNumber: true, cell: ({ findingsCount }) => formatCount(findingsCount) },
        {
          title: 'Reopens because',
          cell: ({ reopenedBecause }) => <Text of={reopenedBecause === null ? null : String(reopenedBecause)} />,
        },
      ]}
      rows={found.history}
      empty="There is none."
    />
  </>
);

const CertificateOf: FC<{ readonly certificate: FullCertificate }> = ({ certificate }) => {
  const { currency } = certificate;
  const sides = [
    { name: 'Stripe', count: certificate.stripeCount, sum: certificate.stripeSum, hash: certificate.stripeHash },
    { name: 'Ledger', count: certificate.ledgerCount, sum: certificate.ledgerSum, hash: certificate.ledgerHash },
    {
      name: 'Our postings',
      count: certificate.postingsCount,
      sum: certificate.postingsSum,
      hash: certificate.postingsHash,
    },
  ];
  return (
    <section aria-label={`Certificate in ${currency ?? 'no currency'}`}>
      <h2>
        {currency ?? 'No payments'} <StateOf certificate={certificate} />
      </h2>
      {currency === null ? (
        ''
      ) : (
        <Table
          columns={[
            { title: 'Side', cell: ({ name }) => name },
            { title: 'Payments', isNumber: true, cell: ({ count }) => formatCount(count) },
            { title: 'Sum', isNumber: true, cell: ({ sum }) => formatMoney({ amount: sum, currency }) },
            { title: 'Hash', cell: ({ hash }) => <Id value={hash} short={24} /> },
          ]}
          rows={sides}
          empty=""
        />
      )}
      <Facts
        of={[
          ['Proven', <Time at={certificate.provedAt} />],
          ['Because', certificate.trigger.replaceAll('_', ' ')],
          ['Stripe as of', <Time at={certificate.stripeAsOf} />],
          [
            'Source balance fell by',
            certificate.movement === null ? null : <Money amount={certificate.movement} currency={currency} />,
          ],
          [
            'Not explained',
            certificate.unexplained === null ? null : <Money amount={certificate.unexplained} currency={currency} />,
          ],
          ['Not claimed', certificate.notSeen.length === 0 ? null : <Text of={certificate.notSeen.join('; ')} />],
        ]}
      />
      {certificate.findings.length === 0 ? (
        <p class="good-text">✓ Both sides agree, payment by payment.</p>
      ) : (
        <Table
          caption={`${formatCount(certificate.findingsCount)} findings${certificate.findings.length < certificate.findingsCount ? `, the first ${formatCount(certificate.findings.length)} are kept` : ''}`}
          columns={[
            { title: 'Finding', cell: ({ kind, accepted }) => `${kind}${accepted === undefined ? '' : ' (accepted)'}` },
            {
              title: 'Payment',
              cell: ({ paymentId }) =>
                paymentId === null ? '' : <Id value={paymentId} href={`/payments/${encodeURIComponent(paymentId)}`} />,
            },
            { title: 'What', cell: ({ detail }) => <Text of={detail} /> },
            { title: 'Means', cell: ({ kind }) => FINDING_KINDS[kind].meaning },
          ]}
          rows={certificate.findings.slice(0, 200)}
          empty=""
        />
      )}
    </section>
  );
};
