/** What pages are made of: times, amounts, states and tables. Everything shown is text: nothing is ever taken for markup. */
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatDuration, formatTime } from '../../core/base/time-text.js';
import { plainText } from '../../views/text-width.js';

/** How something stands: said in words and by a sign, and only then by colour. */
export type Tone = 'good' | 'attention' | 'bad' | 'quiet';

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', attention: '!', bad: '✕', quiet: '·' };

export const State: FC<{ readonly tone: Tone; readonly children: Child }> = ({ tone, children }) => (
  <span class={`state ${tone}`}>
    <span aria-hidden="true">{SIGNS[tone]} </span>
    {children}
  </span>
);

export const Sign: FC<{ readonly tone: Tone }> = ({ tone }) => (
  <span class={`sign ${tone}-text`} aria-hidden="true">
    {SIGNS[tone]}
  </span>
);

interface Shown {
  readonly at: Date | null;
  readonly now?: Date;
  /** On what is printed and handed on, each time says that it is UTC. */
  readonly isZoned?: boolean;
}

/** UTC, because days are UTC days; how long ago beside it where `now` is given. */
export const Time: FC<Shown> = ({ at, now, isZoned = false }) => {
  if (at === null) return <span class="quiet">–</span>;
  const ago = now === undefined ? '' : agoText(now.getTime() - at.getTime());
  return (
    <time datetime={at.toISOString()} title={`${at.toISOString()}`}>
      {formatTime(at)}
      {isZoned ? ' UTC' : ''}
      {ago === '' ? (
        ''
      ) : (
        <span class="quiet" data-ago>
          {' '}
          ({ago})
        </span>
      )}
    </time>
  );
};

function agoText(ms: number): string {
  return ms < 0 ? '' : `${formatDuration(Math.floor(ms / 1_000) * 1_000)} ago`;
}

/** The amount and its currency; digits as the currency has them. */
export const Money: FC<{ readonly amount: bigint | null; readonly currency: string | null }> = ({
  amount,
  currency,
}) => (amount === null || currency === null ? <span class="quiet">–</span> : <>{formatMoney({ amount, currency })}</>);

export const Id: FC<{ readonly value: string; readonly href?: string; readonly short?: number }> = ({
  value,
  href,
  short,
}) => {
  const text = plainText(short === undefined ? value : value.slice(0, short));
  return (
    <span class={short === undefined ? 'id' : 'id short'} title={short === undefined ? undefined : value}>
      {href === undefined ? text : <a href={href}>{text}</a>}
    </span>
  );
};

/** A payment that a proof or a person named. It leads to its page where there is one: not of what only another side has. */
export const Payment: FC<{ readonly id: string; readonly stored: ReadonlySet<string> }> = ({ id, stored }) =>
  stored.has(id) ? <Id value={id} href={`/payments/${encodeURIComponent(id)}`} /> : <Id value={id} />;

/** What vendors, customers or people wrote: control characters are spelled out. */
export const Text: FC<{ readonly of: string | null }> = ({ of }) =>
  of === null || of === '' ? <span class="quiet">–</span> : <>{plainText(of)}</>;

export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  cell(row: Row): Child;
}

/** On a phone each row is a block with its titles. */
export function Table<Row>({
  columns,
  rows,
  caption,
  empty,
}: {
  readonly columns: ReadonlyArray<Column<Row>>;
  readonly rows: readonly Row[];
  readonly caption?: string;
  readonly empty: Child;
}) {
  if (rows.length === 0) return <p class="notice">{empty}</p>;
  return (
    <section class="scroll" aria-label={caption ?? 'Table'} tabindex={0}>
      <table class="blocks">
        {caption === undefined ? '' : <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map(({ title, isNumber = false }) => (
              <th scope="col" class={isNumber ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {columns.map(({ title, isNumber = false, cell }) => (
                <td data-label={title} class={isNumber ? 'number' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What is `null` is left out. */
export const Facts: FC<{ readonly of: ReadonlyArray<readonly [name: string, value: Child]> }> = ({ of }) => (
  <dl class="list">
    {of
      .filter(([, value]) => value !== null)
      .map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
  </dl>
);

/** A part of the page that is brought up to date while somebody looks. */
export const Live: FC<PropsWithChildren<{ readonly id: string }>> = ({ id, children }) => (
  <div id={id} data-live>
    {children}
  </div>
);

interface Pager {
  readonly href: string | null;
  readonly isFirst: boolean;
  readonly first: string;
}

export const Older: FC<Pager> = ({ href, isFirst, first }) => (
  <p class="pager">
    {isFirst ? '' : <a href={first}>← Newest</a>}
    {href === null ? '' : <a href={href}>Older →</a>}
  </p>
);

/** Of lists that are in another order than that of time. */
export const Further: FC<Pager> = ({ href, isFirst, first }) => (
  <p class="pager">
    {isFirst ? '' : <a href={first}>← From the first</a>}
    {href === null ? '' : <a href={href}>Further →</a>}
  </p>
);

/** A filter of a list, kept in the address. `none` stands for all of them; null: one is always chosen. */
export const Choice: FC<{
  readonly name: string;
  readonly label: string;
  readonly options: readonly string[];
  readonly chosen: string | null | undefined;
  readonly none?: string | null;
}> = ({ name, label, options, chosen, none = 'any' }) => (
  <label>
    {label}
    <select name={name}>
      {none === null ? '' : <option value="">{none}</option>}
      {options.map((option) => (
        <option value={option} selected={option === chosen}>
          {option}
        </option>
      ))}
    </select>
  </label>
);
