/**
 * As `plans.test.ts`, on a mirror of a million postings and 100,000 runs; and how long each statement takes there. The times are
 * printed and not asserted, because a shared machine's speed is no property of the code.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillLargeMirror } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { expectNothingReadWhole } from '../support/plan-checks.js';
import { timesOf } from '../support/plans.js';
import { questionsOf } from '../support/reading-questions.js';

const SIZE = { postings: 1_000_000, runs: 100_000, days: 365, pending: 1_000 };
const RUN_TOTALS_MAX = 20_000;
const ASKED = 100;

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
  await fillLargeMirror(database, SIZE);
}, 1_800_000);
afterAll(() => database?.remove());

it('no statement of any question reads all postings or all runs', { timeout: 300_000 }, async () => {
  await expectNothingReadWhole(database, SIZE, RUN_TOTALS_MAX);
});

it('tells how long each statement takes', { timeout: 900_000 }, async () => {
  const lines: string[] = [];
  for (const question of Object.keys(questionsOf(database.db, database.sql, SIZE))) {
    const ask: Parameters<typeof timesOf>[1] = (db, sql) =>
      questionsOf(db, sql, SIZE)[question]?.() ?? Promise.reject(new Error(question));
    for (const { query, p50Ms, p99Ms } of await timesOf(database, ask, ASKED)) {
      const [p50, p99] = [p50Ms, p99Ms].map((ms) => ms.toFixed(1).padStart(7));
      lines.push(`${question.padEnd(36)} p50 ${p50} ms  p99 ${p99} ms  ${query.slice(0, 120)}`);
    }
  }
  console.log(lines.join('\n'));
  expect(lines.length).toBeGreaterThan(30);
});
