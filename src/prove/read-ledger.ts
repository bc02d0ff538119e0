/**
 * The ledger's side of a day: rows by their day key, what is not among them by reference, and what others wrote. Everything
 * is kept by transaction, so that a row which comes twice, by two questions or by pages that shifted, counts once.
 */
import { type DayRow, isApplied, roleOf } from '../core/day-row.js';
import { queuedChildOf } from '../core/settlement.js';
import type { Window } from '../core/window.js';
import type { LedgerSide } from './ports.js';

/** An answer has at most 100 rows, and each payment is asked for by three references. */
const PAYMENTS_A_REQUEST = 33;

export interface LedgerDay {
  rows(): DayRow[];
  /** Asks by reference for those payments whose own reference is not among the applied rows. */
  findMissing(paymentIds: Iterable<string>): Promise<void>;
}

export interface LedgerDayRequest {
  readonly day: string;
  readonly window: Window;
  readonly mirrorId: string;
}

export async function readLedgerDay(
  ledger: LedgerSide,
  { day, window, mirrorId }: LedgerDayRequest,
): Promise<LedgerDay> {
  const found = new Map<string, DayRow>();
  const add = (rows: readonly DayRow[]): void => {
    for (const row of rows) found.set(`${row.transactionId} ${row.reference}`, row);
  };
  for await (const page of ledger.listDay(day)) add(page);
  for await (const page of ledger.listForeign(window)) add(page);
  return {
    rows: () => [...found.values()],
    async findMissing(paymentIds) {
      const applied = new Set([...found.values()].filter(isApplied).map(({ reference }) => reference));
      const missing = [...paymentIds].filter((id) => !applied.has(id));
      const unsettled: string[] = [];
      for (let at = 0; at < missing.length; at += PAYMENTS_A_REQUEST) {
        const ids = missing.slice(at, at + PAYMENTS_A_REQUEST);
        const rows = await ledger.findRecords(ids.flatMap((id) => [id, queuedChildOf(id), `${id}:r1`]));
        add(rows);
        unsettled.push(...ids.filter((id) => mayHaveMore(id, rows, { day, mirrorId })));
      }
      for (const id of unsettled) add(await ledger.listOfPayment(id));
    },
  };
}

/**
 * Rows that the day's list does not have: of a payment whose day key was changed, and further replacements of one whose
 * references are burnt and of which nothing else was seen.
 */
function mayHaveMore(
  id: string,
  rows: readonly DayRow[],
  { day, mirrorId }: { readonly day: string; readonly mirrorId: string },
): boolean {
  const principals = rows.filter((row) => roleOf(row, id) === 'principal');
  const lostDay = principals.some((row) => row.mirrorId === mirrorId && row.day !== day);
  return lostDay || (principals.length > 0 && !principals.some(isApplied));
}
