/** Payments of each day as bars, drawn here; the same numbers stand in a table beneath, for whoever reads no pictures. */
import type { FC } from 'hono/jsx';
import { formatMoney } from '../../core/base/money.js';
import { formatCount } from '../../core/base/time-text.js';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import type { DayTotalRecord } from '../../db/reads/days.js';
import { type Column, Table } from './parts.js';

interface Bar {
  readonly day: string;
  readonly posted: number;
  readonly pending: number;
  readonly parked: number;
}

const HEIGHT = 100;
const WIDTH_OF_DAY = 10;
const GAP = 2;

/** @param currency of which all days are; null: of all together, which have no sum */
export const DayChart: FC<{ readonly days: readonly DayTotalRecord[]; readonly currency: string | null }> = ({
  days,
  currency,
}) => {
  const bars = toBars(days);
  const highest = Math.max(1, ...bars.map(({ posted, pending, parked }) => posted + pending + parked));
  const sums = new Map(currency === null ? [] : days.map(({ day, posted }) => [day, posted]));
  if (bars.length === 0)
    return (
      <p class="notice">No payment {currency === null ? '' : `in ${currency} `}was created in the last 30 days.</p>
    );
  const label = `Payments a day from ${bars[0]?.day} to ${bars.at(-1)?.day}, at most ${formatCount(highest)}`;
  return (
    <>
      <svg
        class="chart"
        role="img"
        aria-label={label}
        viewBox={`0 0 ${bars.length * WIDTH_OF_DAY - GAP} ${HEIGHT}`}
        preserveAspectRatio="none"
      >
        {bars.map((bar, index) => (
          <BarOf bar={bar} index={index} highest={highest} />
        ))}
      </svg>
      <p class="axis">
        <span>{bars[0]?.day}</span>
        <span>{bars.length > 1 ? bars.at(-1)?.day : ''}</span>
      </p>
      <p class="legend">
        <span class="key posted">in the ledger</span>
        <span class="key pending">to be posted</span>
        <span class="key parked">parked or dismissed</span>
        <span>the highest day has {formatCount(highest)}</span>
      </p>
      <details>
        <summary>As a table</summary>
        <Table
          columns={[
            { title: 'Day', cell: ({ day }) => <a href={`/payments?from=${day}&to=${day}`}>{day}</a> },
            { title: 'In the ledger', isNumber: true, cell: ({ posted }) => formatCount(posted) },
            ...(currency === null ? [] : [sumColumn(sums, currency)]),
            { title: 'To be posted', isNumber: true, cell: ({ pending }) => formatCount(pending) },
            { title: 'Parked or dismissed', isNumber: true, cell: ({ parked }) => formatCount(parked) },
          ]}
          rows={[...bars].reverse()}
          caption="Payments by the UTC day of their creation"
          empty="No days."
        />
        <p>
          <a href={currency === null ? '/totals.csv' : `/totals.csv?currency=${currency}`}>Sums of all days as CSV</a>
        </p>
      </details>
    </>
  );
};

function sumColumn(sums: ReadonlyMap<string, bigint>, currency: string): Column<Bar> {
  return {
    ...{ title: 'Sum in the ledger', isNumber: true },
    cell: ({ day }) => formatMoney({ amount: sums.get(day) ?? 0n, currency }),
  };
}

const BarOf: FC<{ readonly bar: Bar; readonly index: number; readonly highest: number }> = ({
  bar,
  index,
  highest,
}) => {
  let top = HEIGHT;
  const piece = (kind: 'posted' | 'pending' | 'parked') => {
    const height = (bar[kind] / highest) * HEIGHT;
    top -= height;
    return height === 0 ? (
      ''
    ) : (
      <rect class={kind} x={index * WIDTH_OF_DAY} y={top} width={WIDTH_OF_DAY - GAP} height={height} />
    );
  };
  return (
    <g>
      <title>{`${bar.day}: ${formatCount(bar.posted)} in the ledger, ${formatCount(bar.pending)} to be posted, ${formatCount(bar.parked)} parked or dismissed`}</title>
      {piece('posted')}
      {piece('pending')}
      {piece('parked')}
    </g>
  );
};

/** Every day of the stretch, those without payments too; of all currencies together. */
function toBars(days: readonly DayTotalRecord[]): Bar[] {
  const byDay = new Map<string, Bar>();
  for (const { day, postedCount, pendingCount, parkedCount } of days) {
    const bar = byDay.get(day) ?? { day, posted: 0, pending: 0, parked: 0 };
    byDay.set(day, {
      ...{ day, posted: bar.posted + postedCount, pending: bar.pending + pendingCount },
      parked: bar.parked + parkedCount,
    });
  }
  const known = [...byDay.keys()].sort();
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  const count = Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => {
    const day = utcDay(new Date(Date.parse(first) + index * DAY_MS));
    return byDay.get(day) ?? { day, posted: 0, pending: 0, parked: 0 };
  });
}
