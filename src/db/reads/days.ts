/** Sums of days, as `daily_totals` has them: what a chart and a table of days are made of. */
import { and, asc, desc, eq, gte, isNotNull, lte } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';
import { dailyTotals } from '../schema/views.js';

export interface DayTotalsQuery {
  /** First and last UTC day, `2026-11-21`. */
  readonly from: string;
  readonly to: string;
  readonly currency?: string;
}

/** One day and currency; amounts in minor units. `parked` includes the dismissed ones. */
export interface DayTotalRecord {
  readonly day: string;
  readonly currency: string;
  readonly postedCount: number;
  readonly posted: bigint;
  readonly pendingCount: number;
  readonly pending: bigint;
  readonly parkedCount: number;
  readonly parked: bigint;
  readonly dismissedCount: number;
}

/** Newest day first, by currency within a day. Payments whose currency cannot be read are left out. */
export async function readDayTotals(db: Drizzle, { from, to, currency }: DayTotalsQuery): Promise<DayTotalRecord[]> {
  const rows = await db
    .select()
    .from(dailyTotals)
    .where(
      and(
        ...[gte(dailyTotals.day, from), lte(dailyTotals.day, to), isNotNull(dailyTotals.currency)],
        ...(currency === undefined ? [] : [eq(dailyTotals.currency, currency)]),
      ),
    )
    .orderBy(desc(dailyTotals.day), asc(dailyTotals.currency));
  return rows.map((row) => ({
    ...{ day: row.day, currency: row.currency ?? '' },
    ...{ postedCount: row.postedCount, posted: BigInt(row.postedMinor) },
    ...{ pendingCount: row.pendingCount, pending: BigInt(row.pendingMinor) },
    ...{ parkedCount: row.parkedCount, parked: BigInt(row.parkedMinor), dismissedCount: row.dismissedCount },
  }));
}
