/** What ran and what failed; and of one run, whether it read everything and whether it adds up. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount, formatDuration } from '../../core/base/time-text.js';
import { FEEDS, type RunStatus, TRIGGERS } from '../../core/coverage/sync-run.js';
import type { PaymentPage } from '../../db/reads/payments.js';
import type { RunPage, RunRecord } from '../../db/reads/runs.js';
import { RUN_STATUSES } from '../api/schemas.js';
import { Choice, Facts, Further, Id, Live, Older, State, Table, Text, Time, type Tone } from './parts.js';
import { PaymentTable } from './payments.js';

const TONES: Readonly<Record<RunStatus, Tone>> = {
  ...{
    collecting: 'quiet',
    posting: 'quiet',
    succeeded: 'good',
    attention: 'attention',
    stopped: 'quiet',
    failed: 'bad',
  },
};

export const RunTable: FC<{ readonly runs: readonly RunRecord[]; readonly now: Date }> = ({ runs, now }) => (
  <Table
    columns={[
      { title: 'Status', cell: ({ status }) => <State tone={TONES[status]}>{status}</State> },
      { title: 'Run', cell: ({ id }) => <Id value={id} short={13} href={`/runs/${id}`} /> },
      { title: 'Started', cell: ({ startedAt }) => <Time at={startedAt} now={now} /> },
      { title: 'Feed', cell: ({ feed, trigger }) => `${feed}, ${trigger}` },
      { title: 'Found', isNumber: true, cell: ({ found }) => formatCount(found) },
      { title: 'New', isNumber: true, cell: ({ stored }) => formatCount(stored) },
      { title: 'Posted', isNumber: true, cell: ({ posted, alreadyThere }) => formatCount(posted + alreadyThere) },
      { title: 'Parked', isNumber: true, cell: ({ parked }) => formatCount(parked) },
      { title: 'Pending', isNumber: true, cell: ({ pending }) => formatCount(pending) },
      { title: 'Error', cell: ({ error }) => (error === null ? '' : <Text of={error.slice(0, 80)} />) },
    ]}
    rows={runs}
    empty="No runs."
  />
);

export interface RunsAsked {
  readonly feed?: string;
  readonly status?: string;
  readonly trigger?: string;
  readonly from?: string;
  readonly to?: string;
  readonly empty?: string;
  readonly after?: string;
}

/** A sync that somebody asked for, and the run that serves it; null while there is none. */
interface SyncAsked {
  readonly requestedAt: Date;
  readonly servedBy: string | null;
}

const SyncTold: FC<{ readonly sync: SyncAsked; readonly now: Date }> = ({ sync: { requestedAt, servedBy }, now }) => (
  <p class="notice">
    A sync was asked for <Time at={requestedAt} now={now} />.{' '}
    {servedBy === null ? (
      'Its run stands here as soon as a worker begins it.'
    ) : (
      <>
        Its run is <Id value={servedBy} short={13} href={`/runs/${servedBy}`} />.
      </>
    )}
  </p>
);

export const Runs: FC<{
  readonly page: RunPage;
  readonly asked: RunsAsked;
  readonly sync: SyncAsked | null;
  readonly now: Date;
  readonly older: string | null;
  readonly first: string;
}> = ({ page, asked, sync, now, older, first }) => (
  <>
    <h1>Runs</h1>
    <Live id="sync">{sync === null ? '' : <SyncTold sync={sync} now={now} />}</Live>
    <form method="get" class="filters">
      <Choice name="status" label="Status" options={RUN_STATUSES} chosen={asked.status} />
      <Choice name="feed" label="Feed" options={FEEDS} chosen={asked.feed} />
      <Choice name="trigger" label="Asked by" options={TRIGGERS} chosen={asked.trigger} />
      <label>
        Started from
        <input type="date" name="from" value={asked.from ?? ''} />
      </label>
      <label>
        to
        <input type="date" name="to" value={asked.to ?? ''} />
      </label>
      <label>
        Found nothing
        <select name="empty">
          <option value="">left out</option>
          <option value="true" selected={asked.empty === 'true'}>
            shown
          </option>
        </select>
      </label>
      <button type="submit">Filter</button>
      <a href="/runs">Clear</a>
    </form>
    <Live id="list">
      {page.runs.length === 0 ? (
        <p class="notice">
          No run is like that. Runs that found nothing new are left out unless they are asked for.{' '}
          <a href="/runs?empty=true">Show them</a>
        </p>
      ) : (
        <RunTable runs={page.runs} now={now} />
      )}
    </Live>
    <Older href={older} isFirst={asked.after === undefined} first={first} />
  </>
);

export const Run: FC<{
  readonly run: RunRecord;
  readonly parts: readonly RunRecord[];
  readonly payments: PaymentPage;
  readonly now: Date;
  readonly older: string | null;
  readonly isFirst: boolean;
}> = ({ run, parts, payments, now, older, isFirst }) => (
  <>
    <Live id="status">
      <h1>
        Run <Id value={run.id} short={13} /> <State tone={TONES[run.status]}>{run.status}</State>
      </h1>
    </Live>
    <Live id="run">
      {run.error === null ? (
        ''
      ) : (
        <p class="answer bad">
          <a href={`/runbook#${run.errorCode ?? ''}`}>{run.errorCode}</a>: <Text of={run.error} />
        </p>
      )}
      <Facts
        of={[
          ['Asked by', run.trigger],
          ['Feed', run.feed],
          [
            'Window',
            <>
              <Time at={run.windowFrom} /> to {run.windowTo === null ? 'the newest' : <Time at={run.windowTo} />}
            </>,
          ],
          ['Started', <Time at={run.startedAt} now={now} />],
          ['Read in', run.durationMs === null ? 'still reading' : formatDuration(run.durationMs)],
          [
            'Found',
            `${formatCount(run.found)} = ${formatCount(run.knownBefore)} known before + ${formatCount(run.stored)} stored`,
          ],
          [
            'Stored',
            `${formatCount(run.stored)} = ${formatCount(run.posted)} posted + ${formatCount(run.alreadyThere)} already there + ${formatCount(run.parked)} parked + ${formatCount(run.pending)} pending`,
          ],
          [
            'In the ledger',
            run.ledgerTotals.length === 0 ? null : run.ledgerTotals.map((money) => formatMoney(money)).join(', '),
          ],
          ['Stripe requests', formatCount(run.stripeRequests)],
          ['Version', run.version],
        ]}
      />
    </Live>
    <Live id="parts">
      {parts.length === 0 ? (
        ''
      ) : (
        <>
          <h2>Parts</h2>
          <RunTable runs={parts} now={now} />
        </>
      )}
    </Live>
    <h2>Payments that it stored first</h2>
    <Live id="payments">
      <PaymentTable payments={payments.payments} empty="This run stored no payment that was not known before." />
    </Live>
    <Further href={older} isFirst={isFirst} first={`/runs/${run.id}`} />
  </>
);
