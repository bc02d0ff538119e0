/** That no statement of any question reads all postings or all runs, on a mirror of some size. */
import { expect } from 'vitest';
import type { Size } from './large-mirror.js';
import type { OwnDatabase } from './own-database.js';
import { plansOf, readings } from './plans.js';
import { questionsOf } from './reading-questions.js';

/**
 * Of a customer's payments those that are pending are looked through: an index of them would cost each payment a tenth more on its
 * way into the ledger, for a question that people seldom ask in the middle of a backfill.
 */
const LOOKS_THROUGH_PENDING = 'payments of a customer';

/** Far above what any page shows, far below all. */
const ROWS_MAX = { postings: 5_000, sync_runs: 1_000 };

/** @param runTotalsMax `run_totals` are few where few runs have many postings, and are read whole then */
export async function expectNothingReadWhole(database: OwnDatabase, size: Size, runTotalsMax: number): Promise<void> {
  const rowsMax: Readonly<Record<string, number>> = { ...ROWS_MAX, run_totals: runTotalsMax };
  const readWhole = (relation: string, node: string) => node === 'Seq Scan' && relation in ROWS_MAX;
  const found: string[] = [];
  const isBackfill = size.pending > ROWS_MAX.postings;
  for (const question of Object.keys(questionsOf(database.db, database.sql, size))) {
    if (isBackfill && question === LOOKS_THROUGH_PENDING) continue;
    const plans = await plansOf(
      database,
      (db, sql) => questionsOf(db, sql, size)[question]?.() ?? Promise.reject(new Error(question)),
    );
    expect(plans.length, question).toBeGreaterThan(0);
    for (const { query, plan } of plans) {
      for (const { relation, node, rows } of readings(plan)) {
        if (readWhole(relation, node) || rows > (rowsMax[relation] ?? Infinity)) {
          found.push(`${question}: ${node} of ${relation}, ${rows} rows: ${query}`);
        }
      }
    }
  }
  expect(found).toEqual([]);
}
