/** Where is a payment, and is it in the ledger exactly once? */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import { utcDay } from '../../core/base/window.js';
import { PARKING_REASONS } from '../../core/posting/posting.js';
import type { PaymentSides } from '../../db/reads/parked.js';
import type { PaymentPage, PaymentRecord } from '../../db/reads/payments.js';
import type { PaymentState } from '../../db/schema/views.js';
import type { ComparedPayment } from '../../operations/compare-payment.js';
import { actionLines } from '../../views/action-text.js';
import { jsonLines } from '../../views/payment-text.js';
import { plainText } from '../../views/text-width.js';
import { PAYMENT_STATES } from '../api/schemas.js';
import { Compared, CompareNow } from './compare.js';
import { Choice, type Column, Facts, Id, Live, Money, Older, State, Table, Text, Time, type Tone } from './parts.js';

export const TONES: Readonly<Record<PaymentState, Tone>> = {
  ...{ pending: 'quiet', posted: 'good', parked: 'attention', dismissed: 'quiet' },
};

const WORDS: Readonly<Record<PaymentState, string>> = {
  ...{ pending: 'to be posted', posted: 'in the ledger', parked: 'parked', dismissed: 'dismissed' },
};

/** Of every list of payments. */
export const PAYMENT_COLUMN: Column<PaymentRecord> = {
  title: 'Payment',
  cell: ({ reference }) => <Id value={reference} href={`/payments/${encodeURIComponent(reference)}`} />,
};

export const AMOUNT_COLUMN: Column<PaymentRecord> = {
  ...{ title: 'Amount', isNumber: true },
  cell: ({ amountMinor, currency }) => <Money amount={amountMinor} currency={currency} />,
};

export const PaymentTable: FC<{ readonly payments: readonly PaymentRecord[]; readonly empty: string }> = ({
  payments,
  empty,
}) => (
  <Table
    columns={[
      { title: 'State', cell: ({ state }) => <State tone={TONES[state]}>{WORDS[state]}</State> },
      ...[PAYMENT_COLUMN, AMOUNT_COLUMN],
      { title: 'Created', cell: ({ created }) => <Time at={created} /> },
      { title: 'Balance', cell: ({ customerBalance }) => <Text of={customerBalance} /> },
      {
        title: 'Transaction',
        cell: ({ transactionId }) => (transactionId === null ? '' : <Id value={transactionId} short={16} />),
      },
      { title: 'Reason', cell: ({ reason }) => reason ?? '' },
    ]}
    rows={payments}
    empty={empty}
  />
);

export interface PaymentsAsked {
  readonly q?: string;
  readonly state?: string;
  readonly currency?: string;
  readonly from?: string;
  readonly to?: string;
  readonly after?: string;
}

export const Payments: FC<{
  readonly page: PaymentPage;
  readonly asked: PaymentsAsked;
  readonly older: string | null;
  readonly first: string;
}> = ({ page, asked, older, first }) => (
  <>
    <h1>Payments</h1>
    <form method="get" class="filters">
      <label>
        Find
        <input type="search" name="q" value={asked.q ?? ''} placeholder="pi_…, cus_…, transaction or reference" />
      </label>
      <Choice name="state" label="State" options={PAYMENT_STATES} chosen={asked.state} />
      <label>
        Currency
        <input name="currency" value={asked.currency ?? ''} size={4} maxlength={3} pattern="[A-Za-z]{3}" />
      </label>
      <label>
        Created from
        <input type="date" name="from" value={asked.from ?? ''} />
      </label>
      <label>
        to
        <input type="date" name="to" value={asked.to ?? ''} />
      </label>
      <button type="submit">Find</button>
      <a href="/payments">Clear</a>
    </form>
    <Live id="list">
      <PaymentTable payments={page.payments} empty={emptyText(asked)} />
    </Live>
    <Older href={older} isFirst={asked.after === undefined} first={first} />
  </>
);

/** Says what was asked for: what is not found is not always not there. */
function emptyText({ q, state, currency, from, to }: PaymentsAsked): string {
  const filters = [state, currency, from && `from ${from}`, to && `to ${to}`].filter(Boolean);
  const of = filters.length === 0 ? '' : ` of those that are ${filters.join(', ')}`;
  if (q !== undefined && q !== '') {
    return `No payment is found by ${plainText(q)}${of}. Found are PaymentIntents, references, customers, balances and transactions that this mirror knows.`;
  }
  return of === '' ? 'No payment is known yet.' : `No payment is known${of}.`;
}

export const Payment: FC<{
  readonly payment: PaymentSides;
  readonly compared: ComparedPayment | null;
  readonly now: Date;
  readonly mayAct: boolean;
  /** Null: both sides can be asked. */
  readonly whyNotCompared: string | null;
  readonly ledgerUrl: string | null;
}> = ({ payment, compared, now, mayAct, whyNotCompared, ledgerUrl }) => (
  <>
    <h1>
      <Id value={payment.reference} />
    </h1>
    {compared === null ? '' : <Compared compared={compared} at={now} />}
    <Live id="standing">
      <p>
        <State tone={TONES[payment.state]}>{WORDS[payment.state]}</State>{' '}
        <Money amount={payment.amountMinor} currency={payment.currency} />
        {payment.dashboardUrl === null ? (
          ''
        ) : (
          <>
            {' · '}
            <a href={payment.dashboardUrl} rel="noreferrer">
              In Stripe's dashboard
            </a>
          </>
        )}
        {ledgerUrl === null ? (
          ''
        ) : (
          <>
            {' · '}
            <a href={ledgerUrl} rel="noreferrer">
              In the ledger
            </a>
          </>
        )}
      </p>
      {payment.reason === null || payment.state === 'posted' ? (
        ''
      ) : (
        <section class="answer attention" aria-label="Why it is parked">
          <p class="first">{PARKING_REASONS[payment.reason]}</p>
          <p>
            <Text of={payment.reasonDetail} />
          </p>
          {payment.whatToDo === null ? '' : <p>{payment.whatToDo}</p>}
        </section>
      )}
      {payment.state === 'parked' && mayAct ? <Decide references={[payment.reference]} /> : ''}
    </Live>
    <Known payment={payment} now={now} />
    {mayAct ? <CompareNow reference={payment.reference} whyNot={whyNotCompared} /> : ''}
    <Live id="past">
      <Past payment={payment} />
    </Live>
  </>
);

const Known: FC<{ readonly payment: PaymentSides; readonly now: Date }> = ({ payment, now }) => {
  const day = utcDay(payment.created);
  return (
    <Live id="payment">
      <Facts
        of={[
          ['PaymentIntent', <Id value={payment.paymentId} />],
          ['Created', <Time at={payment.created} now={now} />],
          ['Stored', <Time at={payment.storedAt} now={now} />],
          ['First stored by', <Id value={payment.run} short={13} href={`/runs/${payment.run}`} />],
          ['From', <Text of={payment.sourceBalance} />],
          ['To', <Text of={payment.customerBalance} />],
          ['Attempts', formatCount(payment.attempts)],
          ['Last attempt', payment.lastAttemptAt === null ? null : <Time at={payment.lastAttemptAt} now={now} />],
          ['In doubt since', payment.inDoubtSince === null ? null : <Time at={payment.inDoubtSince} now={now} />],
          ['Last error', payment.lastError === null ? null : <Text of={payment.lastError} />],
          ['Transaction', payment.transactionId === null ? null : <Id value={payment.transactionId} />],
          ['Posted', payment.postedAt === null ? null : <Time at={payment.postedAt} now={now} />],
          ['Settled', payment.settledHow],
          ['Exception', payment.exception === null ? null : <Text of={payment.exception} />],
          [
            'Dismissed',
            payment.dismissedAt === null ? null : (
              <>
                <Time at={payment.dismissedAt} now={now} /> by <Text of={payment.dismissedBy} />:{' '}
                <Text of={payment.dismissedWhy} />
              </>
            ),
          ],
          ['Proof of its day', <a href={`/days/${day}`}>{day}</a>],
        ]}
      />
    </Live>
  );
};

/** What was found of it, what people did to it, and both of its sides as far as they are kept. */
const Past: FC<{ readonly payment: PaymentSides }> = ({ payment }) => (
  <>
    {payment.findings.length === 0 ? (
      ''
    ) : (
      <>
        <h2>What the newest proof found</h2>
        <ul>
          {payment.findings.map(({ kind, detail }) => (
            <li>
              {kind}: <Text of={detail} />
            </li>
          ))}
        </ul>
      </>
    )}
    {payment.actions.length === 0 ? (
      ''
    ) : (
      <>
        <h2>What people did</h2>
        <ul>
          {actionLines(payment.actions).map((line) => (
            <li>{line}</li>
          ))}
        </ul>
      </>
    )}
    {payment.stripeSide === null ? (
      ''
    ) : (
      <>
        <h2>As it was read from Stripe</h2>
        <pre>{jsonLines(payment.stripeSide).join('\n')}</pre>
      </>
    )}
    {payment.ledgerSide === null ? (
      ''
    ) : (
      <>
        <h2>As it is posted</h2>
        <pre>{jsonLines(payment.ledgerSide).join('\n')}</pre>
      </>
    )}
  </>
);

/** Leads to a page that repeats what is about to be done. */
export const Decide: FC<{ readonly references: readonly string[] }> = ({ references }) => (
  <form method="post" action="/parked/confirm" class="actions">
    {references.map((reference) => (
      <input type="hidden" name="reference" value={reference} />
    ))}
    <button type="submit" name="what" value="retry">
      Retry…
    </button>
    <button type="submit" name="what" value="dismiss">
      Dismiss…
    </button>
  </form>
);
