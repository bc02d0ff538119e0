/** What a person has to decide, and the page that repeats it before it is done. */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import { PARKING_REASONS, type ParkingReason } from '../../core/posting/posting.js';
import type { ParkedFacts } from '../../core/verdict/facts.js';
import type { ParkedPage } from '../../db/reads/parked.js';
import { Id, Live, Older, State, Table, Text, Time } from './parts.js';
import { AMOUNT_COLUMN, PAYMENT_COLUMN } from './payments.js';
import { Why, YourName } from './signature.js';

export interface ParkedAsked {
  readonly reason?: string;
  readonly dismissed?: string;
  readonly after?: string;
}

export const Parked: FC<{
  readonly page: ParkedPage;
  readonly reasons: readonly ParkedFacts[];
  readonly asked: ParkedAsked;
  /** The reason that was asked for, where there is none such. */
  readonly unknown: string | undefined;
  readonly now: Date;
  readonly mayAct: boolean;
  readonly older: string | null;
  readonly first: string;
}> = ({ page, reasons, asked, unknown, now, mayAct, older, first }) => (
  <>
    <h1>Parked: what needs a decision</h1>
    <Live id="reasons">
      <Table
        caption="By reason"
        columns={[
          {
            title: 'Reason',
            cell: ({ reason }) => (reason === null ? 'none stored' : <a href={`/parked?reason=${reason}`}>{reason}</a>),
          },
          { title: 'What it is', cell: ({ reason }) => (reason === null ? '' : PARKING_REASONS[reason]) },
          { title: 'To be decided', isNumber: true, cell: ({ waiting }) => formatCount(waiting) },
          { title: 'Dismissed', isNumber: true, cell: ({ dismissed }) => formatCount(dismissed) },
        ]}
        rows={reasons}
        empty="Nothing is parked: nothing needs you."
      />
    </Live>
    <Filters asked={asked} />
    {page.payments.length === 0 ? (
      <p class="notice">
        {unknown !== undefined ? (
          <>
            There is no reason <Text of={unknown} />; those that there are can be chosen above.
          </>
        ) : asked.reason === undefined ? (
          'Nothing is parked.'
        ) : (
          `Nothing is parked as ${asked.reason}.`
        )}
      </p>
    ) : (
      <Chosen page={page} now={now} mayAct={mayAct} />
    )}
    {mayAct && asked.reason !== undefined && asked.dismissed !== 'true' && page.count > 0 ? (
      <form method="post" action="/parked/confirm" class="actions">
        <input type="hidden" name="reason" value={asked.reason} />
        <button type="submit" name="what" value="retry">
          Retry all {formatCount(page.count)} of this reason…
        </button>
        <button type="submit" name="what" value="dismiss">
          Dismiss all {formatCount(page.count)} of this reason…
        </button>
      </form>
    ) : (
      ''
    )}
    <Older href={older} isFirst={asked.after === undefined} first={first} />
  </>
);

const Filters: FC<{ readonly asked: ParkedAsked }> = ({ asked }) => (
  <form method="get" class="filters">
    <label>
      Reason
      <select name="reason">
        <option value="">any</option>
        {Object.keys(PARKING_REASONS).map((reason) => (
          <option value={reason} selected={reason === asked.reason}>
            {reason}
          </option>
        ))}
      </select>
    </label>
    <label>
      Dismissed
      <select name="dismissed">
        <option value="">left out</option>
        <option value="true" selected={asked.dismissed === 'true'}>
          shown
        </option>
      </select>
    </label>
    <button type="submit">Filter</button>
    <a href="/parked">Clear</a>
  </form>
);

/** Leads to a page that repeats what is about to be done. */
const Chosen: FC<{ readonly page: ParkedPage; readonly now: Date; readonly mayAct: boolean }> = ({
  page,
  now,
  mayAct,
}) => (
  <form method="post" action="/parked/confirm">
    <p class="quiet">
      {formatCount(page.payments.length)} of {formatCount(page.count)}
    </p>
    <Table
      columns={[
        {
          title: 'Choose',
          cell: ({ reference, state }) =>
            state === 'parked' && mayAct ? (
              <input type="checkbox" name="reference" value={reference} aria-label={`Choose ${reference}`} />
            ) : (
              ''
            ),
        },
        ...[PAYMENT_COLUMN, AMOUNT_COLUMN],
        { title: 'Stored', cell: ({ storedAt }) => <Time at={storedAt} now={now} /> },
        {
          title: 'Reason',
          cell: ({ reason, state }) => (
            <>
              {reason} {state === 'dismissed' ? <State tone="quiet">dismissed</State> : ''}
            </>
          ),
        },
        {
          title: 'Detail',
          cell: ({ reasonDetail, dismissedBy, dismissedWhy }) => (
            <Text of={dismissedBy === null ? reasonDetail : `${dismissedBy}: ${dismissedWhy}`} />
          ),
        },
      ]}
      rows={page.payments}
      empty="Nothing is parked."
    />
    {mayAct ? (
      <p class="actions">
        <button type="submit" name="what" value="retry">
          Retry the chosen…
        </button>
        <button type="submit" name="what" value="dismiss">
          Dismiss the chosen…
        </button>
      </p>
    ) : (
      ''
    )}
  </form>
);

export interface Decision {
  readonly what: 'retry' | 'dismiss';
  readonly references: readonly string[];
  /** All that are parked for it, instead of references. */
  readonly reason: ParkingReason | null;
  /** Of a reason: those after this one in the list; null: from the first on. */
  readonly after: string | null;
  /** How many it is about, now. */
  readonly count: number;
  /** Of a reason, with those that one request does not decide. */
  readonly all: number;
  /** How they stand; see `standingOf` of the reads. */
  readonly standing: string;
}

/** A viewer of the list may have looked away since: what is about to be done is said once more, with its number. */
export const Confirm: FC<{ readonly decision: Decision; readonly problem: string | null }> = ({
  decision,
  problem,
}) => {
  const { what, references, reason, after, count, all, standing } = decision;
  const words = `${formatCount(count)} ${count === 1 ? 'payment' : 'payments'}`;
  return (
    <>
      <h1>{what === 'retry' ? `Retry ${words}?` : `Leave ${words} out of the ledger?`}</h1>
      <p>
        {what === 'retry'
          ? 'They are posted again, after it was looked whether the ledger has them already. What is refused again is parked again.'
          : 'They are not posted. The decision is kept, with who made it and why, and stands on the certificates of their days.'}
      </p>
      {reason !== null && all > count ? (
        <p class="notice">
          {formatCount(all)} are parked as {reason}. One request decides {formatCount(count)} of them; the page after it
          leads to the next.
        </p>
      ) : (
        ''
      )}
      {problem === null ? '' : <p class="answer bad">{problem}</p>}
      <form method="post" action={`/parked/${what}`}>
        {reason === null ? '' : <input type="hidden" name="reason" value={reason} />}
        {after === null ? '' : <input type="hidden" name="after" value={after} />}
        <input type="hidden" name="standing" value={standing} />
        {references.map((reference) => (
          <input type="hidden" name="reference" value={reference} />
        ))}
        {what === 'dismiss' ? (
          <div class="filters">
            <Why />
            <YourName />
          </div>
        ) : (
          ''
        )}
        <p class="actions">
          <button type="submit" class="first">
            {what === 'retry' ? `Retry ${words}` : `Leave ${words} out`}
          </button>
          <a href="/parked">Cancel</a>
        </p>
      </form>
      <ul>
        {references.slice(0, 50).map((reference) => (
          <li>
            <Id value={reference} href={`/payments/${encodeURIComponent(reference)}`} />
          </li>
        ))}
        {references.length > 50 ? <li>and {formatCount(references.length - 50)} more</li> : ''}
      </ul>
    </>
  );
};

/** The rest stands with the actions. */
const LINES_SHOWN = 100;

/** Those of a reason that one request did not decide. */
export interface Rest {
  readonly what: Decision['what'];
  readonly reason: ParkingReason;
  readonly after: string;
  /** All that are parked for it now. */
  readonly parked: number;
}

export const Decided: FC<{
  readonly heading: string;
  readonly lines: readonly string[];
  readonly rest: Rest | null;
}> = ({ heading, lines, rest }) => (
  <>
    <h1>{heading}</h1>
    {rest === null ? '' : <GoOn rest={rest} />}
    <ul>
      {lines.slice(0, LINES_SHOWN).map((line) => (
        <li>
          <Text of={line} />
        </li>
      ))}
      {lines.length > LINES_SHOWN ? <li>and {formatCount(lines.length - LINES_SHOWN)} more</li> : ''}
    </ul>
    <p>
      <a href="/parked">Back to what is parked</a>
    </p>
  </>
);

const GoOn: FC<{ readonly rest: Rest }> = ({ rest: { what, reason, after, parked } }) => (
  <form method="post" action="/parked/confirm" class="actions">
    <input type="hidden" name="reason" value={reason} />
    <input type="hidden" name="after" value={after} />
    <button type="submit" name="what" value={what} class="first">
      {what === 'retry' ? 'Retry' : 'Dismiss'} the next…
    </button>
    <span class="quiet">
      {formatCount(parked)} {parked === 1 ? 'is' : 'are'} parked as {reason} still.
    </span>
  </form>
);
