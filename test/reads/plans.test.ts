/**
 * What people ask must not grow with what is stored: no statement of theirs, nor of those that a worker asks each minute, reads
 * all postings or all runs. Looked at in the plan of each statement, on a mirror of tens of thousands.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillLargeMirror } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { plansOf, type Questions, readings } from '../support/plans.js';
import { questionsOf } from '../support/reading-questions.js';

/**
 * Of a customer's payments those that are pending are looked through: an index of them would cost each payment a tenth more on its
 * way into the ledger, for a question that people seldom ask in the middle of a backfill.
 */
const LOOKS_THROUGH_PENDING = 'payments of a customer';

/** `run_totals` are few where few runs have many postings, and are read whole then. */
const SIZES = [
  {
    what: 'years, nearly all of them posted',
    postings: 50_000,
    runs: 5_000,
    days: 365,
    pending: 200,
    runTotalsMax: 1_000,
  },
  {
    what: 'a backfill, nearly all of it pending',
    postings: 50_000,
    runs: 5_000,
    days: 30,
    pending: 45_000,
    runTotalsMax: Infinity,
  },
];
/** Of 50,000 postings and 5,000 runs: far above what any page shows, far below all. */
const ROWS_MAX = { postings: 5_000, sync_runs: 1_000 };

describe.each(SIZES)('$what', ({ what: _, runTotalsMax, ...size }) => {
  const rowsMax: Readonly<Record<string, number>> = { ...ROWS_MAX, run_totals: runTotalsMax };
  const readWhole = (relation: string, node: string) => node === 'Seq Scan' && relation in ROWS_MAX;
  let database: OwnDatabase;
  let questions: Questions;
  beforeAll(async () => {
    database = await openMigratedDatabase();
    await fillLargeMirror(database.sql, database.db, size);
    questions = questionsOf(database.db, database.sql, size);
  }, 120_000);
  afterAll(() => database.remove());

  it('no statement of any question reads all postings or all runs', async () => {
    const found: string[] = [];
    const isBackfill = size.pending > ROWS_MAX.postings;
    for (const question of Object.keys(questions)) {
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
  });
});
