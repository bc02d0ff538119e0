/**
 * What a killed `migrate` leaves at work inside PostgreSQL: its lock is free at once, its last statement goes on. The next one
 * ends it, and is never refused because of it. Here that work is done by a pool that has no lock, which is what is left.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/connection/open.js';
import { applyMigration } from '../../src/db/migrations/apply-migration.js';
import { prepareSchema } from '../../src/db/migrations/journal.js';
import { isMigrated, migrateDatabase } from '../../src/db/migrations/migrate.js';
import { type Migration, readMigrations, readMigrationsInPublic } from '../../src/db/migrations/migration-files.js';
import { type OwnDatabase, openEmptyDatabase } from '../support/own-database.js';
import { until } from '../support/process/wait.js';
import { applyInPublic } from '../support/upgrade/schemas.js';

const WAITS = { lockTimeoutMs: 200, pauseMs: 50, blockedMaxMs: 10_000 };
/** Far longer than a test may take. */
const FOR_EVER = 'select pg_sleep(600)';

let database: OwnDatabase;
let killed: Database;

afterEach(async () => {
  await killed.close();
  await database.remove();
});

it('a transaction of a killed migrate is ended, and its migration is applied by the next one', async () => {
  database = await openEmptyDatabase();
  killed = await database.openAnother();
  await prepareSchema(killed);
  const [first] = await readMigrations();
  if (first === undefined) throw new Error('there are no migrations');
  const left = outcomeOf(applyMigration(killed, { ...first, statements: [...first.statements, FOR_EVER] }, WAITS));
  await until('it is at work', () => isRunning(FOR_EVER));

  const { applied } = await migrateDatabase(database);
  expect(applied[0]).toBe(first.name);
  expect(await isMigrated(database, null)).toBe(true);
  expect(await left).toMatchObject({ code: 'database_unreachable' });
});

it('an index that a killed migrate still builds is given up, and built by the next one', async () => {
  database = await openEmptyDatabase();
  killed = await database.openAnother();
  const { sql } = database;
  await applyInPublic(sql, '0003_proof_comments');
  const concurrent = (await readMigrationsInPublic()).find(({ name }) => name === '0004_newest_first') as Migration;
  const building = concurrent.statements.find((statement) => /^create index/i.test(statement.trim())) ?? '';
  // Somebody's transaction, which an index waits for.
  const reader = await database.openAnother();
  const reading = await holdSnapshot(reader);
  await killed.sql.unsafe('set search_path to public');
  const left = outcomeOf(killed.onOneConnection(async (one) => one.unsafe(building)));
  await until('it is being built', () => isRunning('create index concurrently'));

  const migrating = migrateDatabase(database);
  expect(await left).toMatchObject({ code: 'CONNECTION_CLOSED' });
  await reading.end();
  expect((await migrating).applied).toContain('0004_newest_first');
  await reader.close();
});

describe('what is at work and is not ours', () => {
  it('goes on', async () => {
    database = await openEmptyDatabase();
    killed = await database.openAnother();
    const work = killed.sql.unsafe('select pg_sleep(2), 1 as done').execute();
    await until('it is at work', () => isRunning('pg_sleep(2)'));
    await migrateDatabase(database);
    expect(await work).toMatchObject([{ done: 1 }]);
  });
});

/** Its transaction keeps a snapshot until it is ended. */
async function holdSnapshot({ sql }: Database): Promise<{ end(): Promise<void> }> {
  let letGo = (): void => undefined;
  const isOver = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let hasBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    hasBegun = resolve;
  });
  const held = sql.begin(async (transaction) => {
    await transaction`set transaction isolation level repeatable read`;
    await transaction`select count(*) from public.postings`;
    hasBegun();
    await isOver;
  });
  await Promise.race([begun, held]);
  return {
    async end() {
      letGo();
      await held;
    },
  };
}

function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error);
}

async function isRunning(part: string): Promise<boolean> {
  const [row] = await database.sql`
    select 1 from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and position(lower(${part}) in lower(query)) > 0`;
  return row !== undefined;
}
