/** The pool of a worker while one of its connections is busy for long, as with the reading of a large day. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OwnDatabase, openEmptyDatabase } from '../support/own-database.js';

/** More than the pool has connections. */
const QUICK = 40;
const SLOW_SECONDS = 3;

let database: OwnDatabase;

beforeAll(async () => {
  database = await openEmptyDatabase();
});
afterAll(() => database.remove());

it('a transaction that stands still lets go of its locks before what waits for them fails', async () => {
  const rows = await database.sql<{ name: string; ms: number }[]>`
    select name, setting::int as ms from pg_settings
    where name in ('idle_in_transaction_session_timeout', 'statement_timeout')`;
  const { idle_in_transaction_session_timeout: idle = 0, statement_timeout: statement = 0 } = Object.fromEntries(
    rows.map(({ name, ms }) => [name, ms]),
  );
  expect(idle).toBeGreaterThan(0);
  expect(idle).toBeLessThan(statement);
});

describe('a slow statement', () => {
  it('keeps none waiting that another connection can answer', async () => {
    const { sql } = database;
    const sleeping = (seconds: number) => sql`select pg_sleep(${seconds})`;
    const answering = (n: number) => sql`select ${n}::int as n`;
    const all = Array.from({ length: QUICK }, (_, n) => n);
    // From the second time on a connection knows a statement, and the driver may send another one after it.
    await Promise.all(all.map(() => sleeping(0.05)));
    await Promise.all(all.map(answering));
    let isOver = false;
    const slow = sleeping(SLOW_SECONDS).then(() => {
      isOver = true;
    });
    const answers = await Promise.all(all.map(answering));
    expect(isOver).toBe(false);
    expect(answers.map(([row]) => row?.n)).toEqual(all);
    await slow;
  });
});
