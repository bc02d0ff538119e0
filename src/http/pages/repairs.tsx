/** What would be posted, and may I? The plans, one of them item by item, and the page that repeats what is left of it. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount } from '../../core/base/time-text.js';
import { FINDING_KINDS } from '../../core/proof/certificate.js';
import type { ItemState, PlanOutcome, RepairAction } from '../../core/repair/repair-plan.js';
import type { RepairSums } from '../../core/repair/repair-sums.js';
import type { ItemStanding, RepairItemRecord, RepairRecord, RepairShown } from '../../db/reads/repairs.js';
import type { EndedWork, WorkInHand } from '../../operations/single-work.js';
import { Facts, Id, Live, Money, Older, State, Table, Text, Time, type Tone } from './parts.js';
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

export interface RepairsShown {
  readonly repairs: readonly RepairRecord[];
  readonly current: WorkInHand | null;
  readonly last: EndedWork | null;
  readonly whyNot: string | null;
  readonly mayAct: boolean;
  readonly now: Date;
  readonly older: string | null;
  readonly isFirst: boolean;
}

export const Repairs: FC<RepairsShown> = ({ repairs, current, last, whyNot, mayAct, now, older, isFirst }) => (
  <>
    <h1>Repairs: what would be posted</h1>
    <Live id="work">
      {current === null ? '' : <AtWork work={current} now={now} />}
      {current === null && last !== null && last.fault !== null ? <Ended work={last} now={now} /> : ''}
    </Live>
    {mayAct && current === null ? <PlanForm whyNot={whyNot} from="" to="" /> : ''}
    <Live id="list">
      <Table
        columns={[
          { title: 'Plan', cell: ({ id }) => <Id value={id} short={13} href={`/repairs/${id}`} /> },
          { title: 'State', cell: (repair) => <StateOf repair={repair} /> },
          { title: 'Days', cell: ({ fromDay, toDay }) => (fromDay === toDay ? fromDay : `${fromDay} to ${toDay}`) },
          { title: 'Left to post', isNumber: true, cell: ({ left }) => sumsText(left) },
          { title: 'For a person', isNumber: true, cell: ({ counts }) => formatCount(counts.reported ?? 0) },
          { title: 'Planned', cell: ({ plannedAt }) => <Time at={plannedAt} now={now} /> },
          { title: 'By', cell: ({ plannedBy }) => <Text of={plannedBy} /> },
        ]}
        rows={repairs}
        empty="There is no plan. One is made from what proofs found, and only ever adds postings: nothing is changed in the ledger."
      />
    </Live>
    <Older href={older} isFirst={isFirst} first="/repairs" />
  </>
);

const StateOf: FC<{ readonly repair: Pick<RepairRecord, 'counts' | 'left' | 'appliedAt'> }> = ({
  repair: { counts, left, appliedAt },
}) => {
  if (left.items > 0) return <State tone="attention">{`${formatCount(left.items)} to do`}</State>;
  if ((counts.refused ?? 0) > 0) return <State tone="bad">{`${formatCount(counts.refused ?? 0)} refused`}</State>;
  return appliedAt === null ? <State tone="quiet">nothing to do</State> : <State tone="good">applied</State>;
};

export const PlanForm: FC<{ readonly whyNot: string | null; readonly from: string; readonly to: string }> = ({
  whyNot,
  from,
  to,
}) =>
  whyNot === null ? (
    <form method="post" action="/repairs/plan" class="filters">
      <label>
        First day
        <input type="date" name="from" value={from} />
      </label>
      <label>
        Last day
        <input type="date" name="to" value={to} />
      </label>
      <button type="submit">Plan a repair</button>
      <span class="quiet">Without days: all that are not sealed. Reads both sides afresh and posts nothing.</span>
    </form>
  ) : (
    <p class="notice">No plan can be made from here: {whyNot}</p>
  );

const AtWork: FC<{ readonly work: WorkInHand; readonly now: Date }> = ({ work, now }) => {
  const { what, subject, by, since, progress } = work;
  return (
    <section class="answer" aria-label="At work">
      <p class="first">{what === 'plan' ? 'A plan is being made' : 'A plan is being applied'}</p>
      <p>
        {subject === null ? '' : <Id value={subject} short={13} href={`/repairs/${subject}`} />} Asked by{' '}
        <Text of={by.name} />, <Time at={since} now={now} />.{' '}
        {progress === null
          ? 'It has just begun.'
          : `${formatCount(progress.done)} of ${formatCount(progress.all)} ${PROGRESS[progress.what]}.`}{' '}
        It goes on although nobody waits.
      </p>
    </section>
  );
};

const PROGRESS = { parked: 'parked payments looked up', payments: 'payments read on both sides', items: 'items done' };

const Ended: FC<{ readonly work: EndedWork; readonly now: Date }> = ({ work: { what, fault, endedAt }, now }) => (
  <p class="answer attention">
    {what === 'plan' ? 'The last plan was not finished' : 'The last plan was not applied to its end'} (
    <Time at={endedAt} now={now} />
    ): <Text of={fault} />
  </p>
);

/** Nothing can be planned: what there is to say all the same. */
export const NothingPlanned: FC<{ readonly outcome: PlanOutcome }> = ({ outcome: { reported, left, days } }) => (
  <>
    <h1>There is nothing that a plan can do</h1>
    <p>
      {days.length === 0
        ? 'No day that was asked for is proven broken or open. Proofs are what repairs are made of.'
        : `${formatCount(days.length)} ${days.length === 1 ? 'day was' : 'days were'} looked at, and both sides of what they name were read afresh.`}
    </p>
    {reported.length === 0 ? '' : <h2>A person decides these</h2>}
    <Told rows={reported} />
    {left.length === 0 ? '' : <h2>These need nothing, or not yet</h2>}
    <Told rows={left} />
    <p>
      <a href="/repairs">All plans</a> · <a href="/days">Days</a>
    </p>
  </>
);

const TOLD_MAX = 200;

const Told: FC<{
  readonly rows: ReadonlyArray<{ readonly day: string; readonly paymentId: string; readonly detail: string }>;
}> = ({ rows }) =>
  rows.length === 0 ? null : (
    <Table
      caption={
        rows.length > TOLD_MAX ? `The first ${TOLD_MAX} of ${formatCount(rows.length)}` : formatCount(rows.length)
      }
      columns={[
        { title: 'Day', cell: ({ day }) => <a href={`/days/${day}`}>{day}</a> },
        { title: 'Payment', cell: ({ paymentId }) => <PaymentOf id={paymentId} /> },
        { title: 'What', cell: ({ detail }) => <Text of={detail} /> },
      ]}
      rows={rows.slice(0, TOLD_MAX)}
      empty=""
    />
  );

const PaymentOf: FC<{ readonly id: string }> = ({ id }) =>
  id === 'day' ? <>the whole day</> : <Id value={id} href={`/payments/${encodeURIComponent(id)}`} />;

export const Repair: FC<{
  readonly shown: RepairShown;
  readonly current: WorkInHand | null;
  readonly whyNot: string | null;
  readonly mayAct: boolean;
  readonly now: Date;
  readonly older: string | null;
  readonly isFirst: boolean;
}> = ({ shown: { repair, items }, current, whyNot, mayAct, now, older, isFirst }) => (
  <>
    <h1>
      Plan <Id value={repair.id} short={13} /> <StateOf repair={repair} />
    </h1>
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
            STATES[state as ItemState].words,
            formatCount(count),
          ]),
        ]}
      />
    </Live>
    {mayAct && repair.left.items > 0 && current === null ? <ApplyForm repair={repair} whyNot={whyNot} /> : ''}
    <Live id="items">
      <Items items={items} />
    </Live>
    <Older href={older} isFirst={isFirst} first={`/repairs/${repair.id}`} />
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

const Items: FC<{ readonly items: readonly RepairItemRecord[] }> = ({ items }) => (
  <Table
    caption="In the order in which they are applied"
    columns={[
      { title: 'Item', isNumber: true, cell: ({ item }) => formatCount(item) },
      { title: 'State', cell: ({ state }) => <State tone={STATES[state].tone}>{STATES[state].words}</State> },
      { title: 'Day', cell: ({ day }) => <a href={`/days/${day}`}>{day}</a> },
      { title: 'Payment', cell: ({ paymentId }) => <PaymentOf id={paymentId} /> },
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

function itemsText({ items }: RepairSums): string {
  return `${formatCount(items)} ${items === 1 ? 'item' : 'items'}`;
}

function sumsText({ items, sums }: RepairSums): string {
  if (items === 0) return '–';
  return sums.length === 0 ? 'nothing is posted' : sums.map(signedMoney).join(', ');
}

function signedMoney(money: RepairSums['sums'][number]): string {
  return `${money.amount > 0n ? '+' : ''}${formatMoney(money)}`;
}
