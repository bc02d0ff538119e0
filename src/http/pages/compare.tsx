/** Both sides of a payment as they are now, field by field. */
import type { FC } from 'hono/jsx';
import { formatTime } from '../../core/base/time-text.js';
import {
  COMPARED_FIELDS,
  type ComparedField,
  type Comparison,
  type SideValues,
} from '../../core/ledger/compare-sides.js';
import type { ComparedPayment } from '../../operations/compare-payment.js';
import { Id, Money, Sign, Table, Text, type Tone } from './parts.js';

export const CompareNow: FC<{ readonly reference: string; readonly whyNot: string | null }> = ({
  reference,
  whyNot,
}) =>
  whyNot === null ? (
    <form method="post" action={`/payments/${encodeURIComponent(reference)}/compare`} class="actions">
      <button type="submit">Compare now</button>
      <span class="quiet">Reads the payment in Stripe (one read of the budget) and looks it up in the ledger.</span>
    </form>
  ) : (
    <p class="quiet">It cannot be compared from here: {whyNot}</p>
  );

const NAMES: Readonly<Record<ComparedField, string>> = {
  ...{ amount: 'Amount', currency: 'Currency', source: 'From', destination: 'To' },
  ...{ effectiveAt: 'Created, effective', status: 'Status' },
};

const VERDICTS: Readonly<Record<Comparison['verdict'], { readonly tone: Tone; readonly words: string }>> = {
  applied: { tone: 'good', words: 'Both sides are equal' },
  absent: { tone: 'attention', words: 'It is not in the ledger' },
  undecided: { tone: 'attention', words: 'Blnk has not decided about it' },
  unresolved: { tone: 'attention', words: 'The ledger does not show whose balances these are' },
  burnt: { tone: 'bad', words: 'Its reference is used up in the ledger' },
  conflict: { tone: 'bad', words: 'The sides differ' },
  unexpected: { tone: 'bad', words: 'The ledger has what it should not' },
  nothing: { tone: 'quiet', words: 'Neither side has it' },
};

export const Compared: FC<{ readonly compared: ComparedPayment; readonly at: Date }> = ({ compared, at }) => {
  const { verdict, detail, note, expected, ledger, differences, transactionId } = compared;
  const { tone, words } = VERDICTS[verdict];
  return (
    <section class={`answer ${tone}`} aria-label="Both sides now">
      <p class="first">
        <Sign tone={tone} /> {words}
      </p>
      {detail === null ? (
        ''
      ) : (
        <p>
          <Text of={detail} />
        </p>
      )}
      {note === null ? (
        ''
      ) : (
        <p>
          <Text of={note} />
        </p>
      )}
      {expected === null && ledger === null ? (
        ''
      ) : (
        <Table
          caption="Stripe, and the ledger"
          columns={[
            { title: 'Field', cell: (field) => NAMES[field] },
            { title: 'As Stripe shows it', cell: (field) => <Value side={expected} field={field} /> },
            { title: 'Ledger', cell: (field) => <Value side={ledger} field={field} /> },
            { title: 'Equal', cell: (field) => signOf(field, { expected, ledger, differences }) },
          ]}
          rows={COMPARED_FIELDS}
          empty=""
        />
      )}
      <p class="quiet">
        Compared at {formatTime(at)} UTC, with {compared.stripeRequests} read of Stripe and {compared.ledgerRequests}{' '}
        {compared.ledgerRequests === 1 ? 'request' : 'requests'} to Blnk
        {transactionId === null ? (
          ''
        ) : (
          <>
            ; transaction <Id value={transactionId} />
          </>
        )}
        . Nothing was changed.
      </p>
    </section>
  );
};

function signOf(
  field: ComparedField,
  { expected, ledger, differences }: Pick<Comparison, 'expected' | 'ledger' | 'differences'>,
) {
  if (expected === null || ledger === null) return <span class="quiet">–</span>;
  return differences.includes(field) ? (
    <strong class="bad-text">≠ differs</strong>
  ) : (
    <span class="good-text">= equal</span>
  );
}

const Value: FC<{ readonly side: SideValues | null; readonly field: ComparedField }> = ({ side, field }) => {
  if (side === null) return <span class="quiet">nothing</span>;
  if (field === 'amount') return <Money amount={side.amount} currency={side.currency} />;
  if (field === 'effectiveAt') return <>{side.effectiveAt === null ? 'none' : `${formatTime(side.effectiveAt)} UTC`}</>;
  return <Text of={side[field]} />;
};
