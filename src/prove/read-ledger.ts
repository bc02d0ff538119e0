/**
 * The ledger's side of a day: rows by their day key, what is not among them by reference, and what others wrote. Everything
 * is kept by transaction, so that a row which comes twice, by two questions or by pages that shifted, counts once.
 */

import type { Window } from '../core/base/window.js';
import { childrenOf, findForms, GENERATIONS_MAX } from '../core/ledger/find-forms.js';
import { isApplied, isPlainlyOurs, type LedgerRecord, rowKey } from '../core/ledger/row.js';
import { roleOf } from '../core/proof/day-row.js';
import type { LedgerSide } from './ports.js';

/** Payments that are asked for at a time, each in all its forms. */
const PAYMENTS_A_REQUEST = 100;

export interface LedgerDay {
  rows(): LedgerRecord[];
  /** Asks by reference for those payments whose own reference is not among the applied rows. */
  findMissing(paymentIds: Iterable<string>): Promise<void>;
}

export interface LedgerDayRequest {
  readonly day: string;
  readonly window: Window;
  readonly mirrorId: string;
  /** Told after each page how many rows there are; may throw. */
  onSize(rows: number): Promise<void>;
}

export async function readLedgerDay(
  ledger: LedgerSide,
  { day, window, mirrorId, onSize }: LedgerDayRequest,
): Promise<LedgerDay> {
  const found = new Map<string, LedgerRecord>();
  const add = (rows: readonly LedgerRecord[]): void => {
    for (const row of rows) found.set(rowKey(row), row);
  };
  /** Rows whose commits, voids and refunds were asked for. */
  const followed = new Set<string>();
  const follow = async (): Promise<void> => {
    for (let generation = 0; generation < GENERATIONS_MAX; generation += 1) {
      const young = [...found.values()].filter(
        (row) => !isPlainlyOurs(row, { mirrorId }) && !followed.has(rowKey(row)),
      );
      if (young.length === 0) return;
      for (const row of young) followed.add(rowKey(row));
      add(await childrenOf(young, ledger, { mirrorId }));
    }
  };
  for (const pages of [ledger.listDay(day), ledger.listForeign(window)]) {
    for await (const page of pages) {
      add(page);
      await onSize(found.size);
    }
  }
  return {
    rows: () => [...found.values()],
    async findMissing(paymentIds) {
      const applied = new Set([...found.values()].filter(isApplied).map(({ reference }) => reference));
      const missing = [...paymentIds].filter((id) => !applied.has(id));
      const unsettled: string[] = [];
      for (let at = 0; at < missing.length; at += PAYMENTS_A_REQUEST) {
        const ids = missing.slice(at, at + PAYMENTS_A_REQUEST);
        const forms = await findForms(ids, ledger, { mirrorId });
        const replaced = await ledger.findByReference(ids.map((id) => `${id}:r1`));
        const rows = [...[...forms.values()].flat(), ...replaced];
        add(rows);
        unsettled.push(...ids.filter((id) => mayHaveMore(id, rows, { day, mirrorId })));
      }
      for (const id of unsettled) add(await ledger.listOfPayment(id));
      await follow();
    },
  };
}

/**
 * Rows that the day's list does not have: of a payment whose day key was changed, and further replacements of one whose
 * references are unusable and of which nothing else was seen.
 */
function mayHaveMore(
  id: string,
  rows: readonly LedgerRecord[],
  { day, mirrorId }: { readonly day: string; readonly mirrorId: string },
): boolean {
  const originals = rows.filter((row) => roleOf(row, id) === 'original');
  const lostDay = originals.some((row) => row.mirrorId === mirrorId && row.day !== day);
  return lostDay || (originals.length > 0 && !originals.some(isApplied));
}
