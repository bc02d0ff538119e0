/**
 * A server that ends at once, in a database that has turned waiting for the disk off: an attempt that was marked is known
 * afterwards, because sessions wait for it; what was marked as posted is an attempt again, which will be looked up.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { migrateDatabase } from '../../src/db/migrations/migrate.js';
import { createOutbox } from '../../src/db/postings/outbox.js';
import type { Outbox } from '../../src/post/ports.js';
import { type OwnServer, startOwnPostgres } from '../support/crash/servers.js';
import { makePayments, storePayments } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };
const LEASE = { leaseMs: 60_000 };
const TIMEOUT_MS = 120_000;

let server: OwnServer;
let database: Database;
let outbox: Outbox;

beforeAll(async () => {
  server = await startOwnPostgres();
  database = await openDatabase({ kind: 'url', url: server.url }, { connectionsMax: 4, applicationName: 'test' });
  await migrateDatabase(database);
  // What is not waited for stays in memory for as long as the server may keep it there.
  await database.sql.unsafe(`alter system set wal_writer_delay = '10s'`);
  await database.sql.unsafe('alter system set synchronous_commit = off');
  await database.sql.unsafe('select pg_reload_conf()');
  await server.restart(0);
  outbox = createOutbox(database.sql, { epoch: 0, accountsMode: 'indicators' });
}, TIMEOUT_MS);
afterAll(async () => {
  await database?.close();
  await server?.close();
});

const rows = () =>
  database.sql<{ reference: string; state: string; attempts: number }[]>`
    select reference, state, attempts from stripe_blnk_sync.postings order by reference`;

it('knows a first attempt and a further one', { timeout: TIMEOUT_MS }, async () => {
  await storePayments(database.db, makePayments(3));
  await database.sql`checkpoint`;
  const { token, postings } = await outbox.claimNew(LANE, { limit: 2, ...LEASE, first: 'waiting' });
  await server.restart(0);
  expect((await rows()).map(({ attempts }) => attempts).sort()).toEqual([0, 1, 1]);
  const references = postings.map(({ reference }) => reference);
  expect(await outbox.markAttempt(token, references, LEASE.leaseMs)).toEqual(new Set(references));
  await server.restart(0);
  expect((await rows()).map(({ attempts }) => attempts).sort()).toEqual([0, 2, 2]);
});

it('leaves an attempt of what was marked as posted, which is not waited for', { timeout: TIMEOUT_MS }, async () => {
  const before = await rows();
  const { token, postings } = await outbox.claimNew(LANE, { limit: 1, ...LEASE, first: 'waiting' });
  const [posting] = postings;
  if (posting === undefined) throw new Error('nothing was claimed');
  const settlement = { reference: posting.reference, transactionId: 'txn_1', how: 'posted', exception: null } as const;
  expect(await outbox.settle(token, [settlement])).toBe(1);
  await server.restart(0);
  const after = (await rows()).find(({ reference }) => reference === posting.reference);
  expect([after?.state, after?.attempts]).toEqual(['pending', 1]);
  expect((await rows()).length).toBe(before.length);
});
