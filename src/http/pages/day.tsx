/** One day in full: what was proven of it, by currency, with every finding, and what may be asked for about it. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount } from '../../core/base/time-text.js';
import { type DayFinding, stateOfFinding, worstFirst } from '../../core/proof/certificate.js';
import type { DayCertificates, FullCertificate } from '../../db/reads/certificates.js';
import { dayAnswer } from '../../views/finding-text.js';
import { Findings, type FindingsShown } from './day-findings.js';
import { STATE_WORDS, StateOf } from './day-strip.js';
import { Facts, Id, Live, Money, State, Table, Text, Time } from './parts.js';

export interface DayShown {
  readonly day: string;
  /** Null: it was never proven. */
  readonly found: DayCertificates | null;
  /** Which of the payments that it names have a page. */
  readonly stored: ReadonlySet<string>;
  /** When a person asked for a proof that did not begin yet; null when nobody did. */
  readonly waitsSince: Date | null;
  readonly isBeforeStart: boolean;
  readonly mayAct: boolean;
  readonly now: Date;
}

export const Day: FC<DayShown> = ({ day, found, stored, waitsSince, isBeforeStart, mayAct, now }) => (
  <>
    <h1>Certificate of {day}</h1>
    <Live id="waits">
      {waitsSince === null ? (
        ''
      ) : (
        <p class="notice">
          A proof was asked for <Time at={waitsSince} now={now} isZoned />; a worker makes it.
        </p>
      )}
    </Live>
    <Live id="ask">{mayAct ? <AskAbout day={day} certificates={found?.certificates ?? []} /> : ''}</Live>
    <Live id="certificates">
      {found === null ? (
        <p class="notice">
          This day was never proven.{' '}
          {isBeforeStart
            ? 'It is before the start of this mirror: such a day is proven by itself only where a payment of it is mirrored.'
            : 'A day is proven by itself two days after it ended.'}
        </p>
      ) : (
        <Proven {...{ day, found, mayAct, stored }} />
      )}
    </Live>
  </>
);

const AskAbout: FC<{ readonly day: string; readonly certificates: readonly FullCertificate[] }> = ({
  day,
  certificates,
}) => (
  <div class="actions">
    <form method="post" action="/days/prove">
      <input type="hidden" name="from" value={day} />
      <input type="hidden" name="to" value={day} />
      <button type="submit">Prove now</button>
    </form>
    {certificates.some(({ state }) => state === 'broken') ? (
      <form method="post" action="/repairs/plan">
        <input type="hidden" name="from" value={day} />
        <input type="hidden" name="to" value={day} />
        <button type="submit">Plan a repair</button>
      </form>
    ) : (
      ''
    )}
  </div>
);

interface ProvenShown extends Pick<DayShown, 'day' | 'mayAct' | 'stored'> {
  readonly found: DayCertificates;
}

const Proven: FC<ProvenShown> = ({ day, found, mayAct, stored }) => (
  <>
    <p class="notice">
      {day} is {dayAnswer(found.certificates)}.
    </p>
    <WhatNow certificates={found.certificates} />
    {worstFirst(found.certificates).map((certificate) => (
      <CertificateOf {...{ certificate, stored, signs: mayAct ? day : null }} />
    ))}
    <h2>Proofs of this day</h2>
    <Table
      caption={`${formatCount(found.historyCount)} in all, the newest first`}
      columns={[
        { title: 'Proven', cell: ({ provedAt }) => <Time at={provedAt} isZoned /> },
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

/** Of what no repair mends: what ends it. */
const WhatNow: FC<{ readonly certificates: readonly FullCertificate[] }> = ({ certificates }) => {
  const kinds = new Set(certificates.flatMap(({ findings }) => findings.filter(isUndecided).map(({ kind }) => kind)));
  const steps = (Object.keys(WAYS_OUT) as Array<keyof typeof WAYS_OUT>).filter((kind) => kinds.has(kind));
  if (steps.length === 0) return null;
  return (
    <ul>
      {steps.map((kind) => (
        <li>
          <strong>{kind}</strong>: {WAYS_OUT[kind]}
        </li>
      ))}
    </ul>
  );
};

function isUndecided(finding: DayFinding): boolean {
  return stateOfFinding(finding) === 'open';
}

const PARKED_PAGE = <a href="/parked">dismiss it on the page of what is parked</a>;

const WAYS_OUT = {
  unreadable: (
    <>
      look at the payment in Stripe. Update this software and prove the day again; or, where it belongs in no ledger,{' '}
      {PARKED_PAGE} with the reason. No repair mends it.
    </>
  ),
  parked: (
    <>a person decides: post it by a retry, or {PARKED_PAGE} with the reason. Then the day is proven again by itself.</>
  ),
  pending: <>its posting is on the way; the day is proven again by itself.</>,
  queued: <>whoever queued or scheduled it in Blnk commits or voids it there; the day is proven again by itself.</>,
} as const;

const CertificateOf: FC<FindingsShown> = ({ certificate, signs, stored }) => {
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
            { title: 'Hash', cell: ({ hash }) => <Id value={hash} /> },
          ]}
          rows={sides}
          empty=""
        />
      )}
      <Facts
        of={[
          ['Proven', <Time at={certificate.provedAt} isZoned />],
          ['Because', certificate.trigger.replaceAll('_', ' ')],
          ['Stripe as of', <Time at={certificate.stripeAsOf} isZoned />],
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
        <Agreed certificate={certificate} />
      ) : (
        <Findings {...{ certificate, signs, stored }} />
      )}
    </section>
  );
};

const Agreed: FC<{ readonly certificate: FullCertificate }> = ({ certificate: { reopened } }) =>
  reopened ? (
    <p class="attention-text">! Both sides agreed when they were compared; something of the day changed since.</p>
  ) : (
    <p class="good-text">✓ Both sides agree, payment by payment.</p>
  );
