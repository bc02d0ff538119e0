/** What would be posted, and may I? The plans, and what is at work. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount } from '../../core/base/time-text.js';
import type { PlanOutcome } from '../../core/repair/repair-plan.js';
import type { RepairSums } from '../../core/repair/repair-sums.js';
import type { RepairRecord } from '../../db/reads/repairs.js';
import type { EndedWork, WorkInHand } from '../../operations/single-work.js';
import { Id, Live, Older, Payment, State, Table, Text, Time } from './parts.js';

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
      {current === null && last !== null ? <Ended work={last} now={now} /> : ''}
    </Live>
    <Live id="new">{mayAct && current === null ? <PlanForm whyNot={whyNot} from="" to="" /> : ''}</Live>
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

export const StateOf: FC<{ readonly repair: Pick<RepairRecord, 'counts' | 'left' | 'appliedAt'> }> = ({
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

export const AtWork: FC<{ readonly work: WorkInHand; readonly now: Date }> = ({ work, now }) => {
  const { what, subject, by, since, progress } = work;
  return (
    <section class="answer" aria-label="At work" data-work>
      <p class="first">{what === 'plan' ? 'A plan is being made' : 'A plan is being applied'}</p>
      <p>
        {subject === null ? '' : <Id value={subject} short={13} href={`/repairs/${subject}`} />} Asked by{' '}
        <Text of={by.name} />, <Time at={since} now={now} />.{' '}
        {progress === null
          ? 'Nothing is counted yet.'
          : `${formatCount(progress.done)} of ${formatCount(progress.all)} ${PROGRESS[progress.what]}.`}{' '}
        It goes on although nobody waits.
      </p>
    </section>
  );
};

const PROGRESS = { parked: 'parked payments looked up', payments: 'payments read on both sides', items: 'items done' };

/** Of what has a result there is nothing to say: the list has it. */
const Ended: FC<{ readonly work: EndedWork; readonly now: Date }> = ({ work: { what, fault, told, endedAt }, now }) => {
  if (fault === null && told === null) return null;
  const failed = what === 'plan' ? 'The last plan was not finished' : 'The last plan was not applied to its end';
  return (
    <p class={fault === null ? 'notice' : 'answer attention'}>
      {fault === null ? 'The last search found nothing that a plan can do' : failed} (
      <Time at={endedAt} now={now} />
      ): <Text of={fault ?? told} />
    </p>
  );
};

/** Nothing can be planned: what there is to say all the same. */
export const NothingPlanned: FC<{ readonly outcome: PlanOutcome; readonly stored: ReadonlySet<string> }> = ({
  outcome: { reported, left, days },
  stored,
}) => (
  <>
    <h1>There is nothing that a plan can do</h1>
    <p>
      {days.length === 0
        ? 'No day that was asked for is proven broken or open. Proofs are what repairs are made of.'
        : `${formatCount(days.length)} ${days.length === 1 ? 'day was' : 'days were'} looked at, and both sides of what they name were read afresh.`}
    </p>
    {reported.length === 0 ? '' : <h2>A person decides these</h2>}
    <Told rows={reported} stored={stored} />
    {left.length === 0 ? '' : <h2>These need nothing, or not yet</h2>}
    <Told rows={left} stored={stored} />
    <p>
      <a href="/repairs">All plans</a> · <a href="/days">Days</a>
    </p>
  </>
);

const TOLD_MAX = 200;

/** The payments that the page of this outcome names. */
export function paymentsTold({ reported, left }: Pick<PlanOutcome, 'reported' | 'left'>): string[] {
  return [reported, left].flatMap((rows) => rows.slice(0, TOLD_MAX).map(({ paymentId }) => paymentId));
}

const Told: FC<{
  readonly rows: ReadonlyArray<{ readonly day: string; readonly paymentId: string; readonly detail: string }>;
  readonly stored: ReadonlySet<string>;
}> = ({ rows, stored }) =>
  rows.length === 0 ? null : (
    <Table
      caption={
        rows.length > TOLD_MAX ? `The first ${TOLD_MAX} of ${formatCount(rows.length)}` : formatCount(rows.length)
      }
      columns={[
        { title: 'Day', cell: ({ day }) => <a href={`/days/${day}`}>{day}</a> },
        { title: 'Payment', cell: ({ paymentId }) => <PaymentOf id={paymentId} stored={stored} /> },
        { title: 'What', cell: ({ detail }) => <Text of={detail} /> },
      ]}
      rows={rows.slice(0, TOLD_MAX)}
      empty=""
    />
  );

export const PaymentOf: FC<{ readonly id: string; readonly stored: ReadonlySet<string> }> = ({ id, stored }) =>
  id === 'day' ? <>the whole day</> : <Payment id={id} stored={stored} />;

export function sumsText({ items, sums }: RepairSums): string {
  if (items === 0) return '–';
  return sums.length === 0 ? 'nothing is posted' : sums.map(signedMoney).join(', ');
}

export function signedMoney(money: RepairSums['sums'][number]): string {
  return `${money.amount > 0n ? '+' : ''}${formatMoney(money)}`;
}
