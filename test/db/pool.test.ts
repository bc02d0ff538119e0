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
