/** One repair plan item by item, and the page that repeats what is left of it before it is done. */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import { FINDING_KINDS } from '../../core/proof/certificate.js';
import type { ItemState, RepairAction } from '../../core/repair/repair-plan.js';
import type { RepairSums } from '../../core/repair/repair-sums.js';
import type { ItemStanding, RepairItemRecord, RepairRecord, RepairShown } from '../../db/reads/repairs.js';
import type { WorkInHand } from '../../operations/single-work.js';
import { Facts, Further, Id, Live, Money, State, Table, Text, Time, type Tone } from './parts.js';
import { AtWork, PaymentOf, StateOf, signedMoney, sumsText } from './repairs.js';
import { YourName } from './signature.js';

const STATES: Readonly<Record<ItemState, { readonly tone: Tone; readonly words: string }>> = {
  planned: { tone: 'attention', words: 'to do' },
  done: { tone: 'good', words: 'done' },
  skipped: { tone: 'quiet', words: 'done already' },
  refused: { tone: 'bad', words: 'refused' },
  reported: { tone: 'quiet', words: 'for a person' },
};

const ACTIONS: Readonly<Record<RepairAction, string>> = {
  post: 'is posted',
  replace: 'is posted under another reference',
  correct: 'the difference is posted',
  mark_posted: 'is marked as posted here; nothing is posted',
  report: 'nothing: a person decides',
};

const STANDINGS: Readonly<Record<ItemStanding, string>> = {
  found: 'yes, a later proof shows it',
  gone: 'no, a later proof does not show it',
  not_proven: 'as planned; looked at again when it is applied',
};

export const Repair: FC<{
  readonly shown: RepairShown;
  /** Which of its payments have a page. */
  readonly stored: ReadonlySet<string>;
  readonly current: WorkInHand | null;
  readonly whyNot: string | null;
  readonly mayAct: boolean;
  readonly now: Date;
  readonly older: string | null;
  readonly isFirst: boolean;
}> = ({ shown: { repair, items }, stored, current, whyNot, mayAct, now, older, isFirst }) => (
  <>
    <Live id="standing">
      <h1>
        Plan <Id value={repair.id} short={13} /> <StateOf repair={repair} />
      </h1>
    </Live>
    <Live id="work">{current === null ? '' : <AtWork work={current} now={now} />}</Live>
    <Live id="plan">
      <Facts
        of={[
          ['Days', repair.fromDay === repair.toDay ? repair.fromDay : `${repair.fromDay} to ${repair.toDay}`],
          [
            'Planned',
            <>
              <Time at={repair.plannedAt} now={now} /> by <Text of={repair.plannedBy} />
            </>,
          ],
          [
            'Applied',
            repair.appliedAt === null ? null : (
              <>
                <Time at={repair.appliedAt} now={now} /> by <Text of={repair.appliedBy} />
              </>
            ),
          ],
          ['Left', repair.left.items === 0 ? 'nothing' : `${itemsText(repair.left)}: ${sumsText(repair.left)}`],
          ...Object.entries(repair.counts).map(([state, count]): [string, string] => [
            capitalized(STATES[state as ItemState].words),
            formatCount(count),
          ]),
        ]}
      />
    </Live>
    <Live id="apply">
      {mayAct && repair.left.items > 0 && current === null ? <ApplyForm repair={repair} whyNot={whyNot} /> : ''}
    </Live>
    <Live id="items">
      <Items items={items} stored={stored} />
    </Live>
    <Further href={older} isFirst={isFirst} first={`/repairs/${repair.id}`} />
  </>
);

const ApplyForm: FC<{ readonly repair: RepairRecord; readonly whyNot: string | null }> = ({ repair, whyNot }) =>
  whyNot === null ? (
    <form method="get" action={`/repairs/${repair.id}/apply`} class="actions">
      <button type="submit" class="first">
        Apply {itemsText(repair.left)}…
      </button>
      <span class="quiet">
        The next page repeats what is posted. Each is read again, and left alone where it changed.
      </span>
    </form>
  ) : (
    <p class="notice">It cannot be applied from here: {whyNot}</p>
  );

interface ItemsShown {
  readonly items: readonly RepairItemRecord[];
  readonly stored: ReadonlySet<string>;
}

const Items: FC<ItemsShown> = ({ items, stored }) => (
  <Table
    caption="In the order in which they are applied"
    columns={[
      { title: 'Item', isNumber: true, cell: ({ item }) => formatCount(item) },
      { title: 'State', cell: ({ state }) => <State tone={STATES[state].tone}>{STATES[state].words}</State> },
      { title: 'Day', cell: ({ day }) => <a href={`/days/${day}`}>{day}</a> },
      { title: 'Payment', cell: ({ paymentId }) => <PaymentOf id={paymentId} stored={stored} /> },
      { title: 'What is wrong', cell: ({ finding }) => FINDING_KINDS[finding].meaning },
      { title: 'What is done', cell: ({ action }) => ACTIONS[action] },
      { title: 'Reference', cell: ({ reference }) => (reference === null ? '' : <Id value={reference} />) },
      {
        title: 'Amount',
        isNumber: true,
        cell: ({ amount, currency }) => <Money amount={amount} currency={currency} />,
      },
      { title: 'Still so?', cell: ({ state, standing }) => (state === 'done' ? '' : STANDINGS[standing]) },
      { title: 'Why', cell: ({ detail }) => <Text of={detail} /> },
    ]}
    rows={items}
    empty="The plan has no items."
  />
);

/** What is about to be done, with its sums, and who does it. */
export const ConfirmApply: FC<{ readonly repair: RepairRecord; readonly problem: string | null }> = ({
  repair: { id, left },
  problem,
}) => (
  <>
    <h1>Apply {itemsText(left)}?</h1>
    {problem === null ? '' : <p class="answer bad">{problem}</p>}
    <p>
      {left.sums.length === 0
        ? 'Nothing is posted: what the ledger holds already is marked so here.'
        : 'These sums are posted to the ledger; nothing in it is changed or removed.'}
    </p>
    {left.sums.length === 0 ? (
      ''
    ) : (
      <Table
        columns={[
          { title: 'Currency', cell: ({ currency }) => currency },
          { title: 'Is posted', isNumber: true, cell: (money) => <strong>{signedMoney(money)}</strong> },
        ]}
        rows={left.sums}
        empty=""
      />
    )}
    <form method="post" action={`/repairs/${id}/apply`}>
      <input type="hidden" name="items" value={String(left.items)} />
      {left.sums.map(({ currency, amount }) => (
        <input type="hidden" name="sum" value={`${currency} ${amount}`} />
      ))}
      <YourName />
      <p class="actions">
        <button type="submit" class="first">
          Apply {itemsText(left)}
        </button>
        <a href={`/repairs/${id}`}>Cancel</a>
      </p>
    </form>
  </>
);

function capitalized(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function itemsText({ items }: RepairSums): string {
  return `${formatCount(items)} ${items === 1 ? 'item' : 'items'}`;
}
