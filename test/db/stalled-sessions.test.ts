/** Sessions whose process stands still in the middle of a statement, as after SIGSTOP between two messages of a driver. */
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { endStalledSessions } from '../../src/db/workers/stalled-sessions.js';
import { type OwnDatabase, openEmptyDatabase } from '../support/own-database.js';
import { until } from '../support/process/wait.js';

const LOCK = 4_711;

let database: OwnDatabase;

beforeAll(async () => {
  database = await openEmptyDatabase();
});
afterAll(() => database.remove());

/** With a lock in a transaction. */
async function connect(applicationName: string) {
  const { address } = database;
  const server = address.kind === 'url' ? { connectionString: address.url } : address;
  const client = new Client({ ...server, application_name: applicationName });
  // What is ended says so here, and in its next statement.
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  await client.query('begin');
  await client.query(`select pg_advisory_xact_lock_shared(${LOCK})`);
  return client;
}

/** The types of the parameters are asked for, and the answer is never looked at. */
function standStill(client: Client): void {
  const { connection } = client as unknown as {
    connection: { parse(query: { text: string; name: string; types: number[] }): void; flush(): void };
  };
  connection.parse({ text: 'select $1::int', name: '', types: [] });
  connection.flush();
}

async function holders(): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int from pg_locks where locktype = 'advisory' and objid = ${LOCK} and granted`;
  return row?.count ?? 0;
}

const waitsForItsClient = () => database.sql`
  select from pg_stat_activity where state = 'active' and wait_event = 'ClientRead' and datname = current_database()`;

describe('of a process that stands still in the middle of a statement', () => {
  it('the session is ended, and what it held is free; those of others, and what is idle, are left alone', async () => {
    const standing = await connect('stripe-blnk-sync worker');
    const foreign = await connect('somebody else');
    await connect('stripe-blnk-sync worker');
    standStill(standing);
    standStill(foreign);
    await until('both stand still', async () => (await waitsForItsClient()).count === 2);
    expect(await endStalledSessions(database.sql)).toBe(0);
    expect(await holders()).toBe(3);
    expect(await endStalledSessions(database.sql, { standsStillAfterMs: 0 })).toBe(1);
    await until('it let go', async () => (await holders()) === 2);
  });
});
