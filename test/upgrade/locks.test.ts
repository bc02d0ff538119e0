/** A migration never keeps workers waiting for long, says who is in its way, and goes on where an earlier one ended. */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyMigration } from '../../src/db/migrations/apply-migration.js';
import { isMigrated, type MigrationOptions, migrateDatabase } from '../../src/db/migrations/migrate.js';
import { type Migration, readMigrations } from '../../src/db/migrations/migration-files.js';
import { type OwnDatabase, openEmptyDatabase, openMigratedDatabase } from '../support/own-database.js';
import { until } from '../support/process/wait.js';
import { itInFull } from '../support/tier.js';
import { applyInPublic } from '../support/upgrade/schemas.js';

const WAITS = { lockTimeoutMs: 200, pauseMs: 100, blockedMaxMs: 20_000 };

const MIGRATIONS = await readMigrations();

let database: OwnDatabase;
let sql: postgres.Sql;

beforeEach(async () => {
  database = await openMigratedDatabase();
  sql = database.sql;
});
afterEach(() => database.remove());

describe('a table that somebody reads for long', () => {
  it('keeps the migration waiting, and nobody behind it', async () => {
    const reader = await holdTable('postings');
    const migrating = applyMigration(
      database,
      migrationOf('alter table stripe_blnk_sync.postings add column note text'),
      WAITS,
    );
    await until('the migration waits for its lock', async () => (await waitingForLock()) > 0);
    const started = performance.now();
    await sql`update stripe_blnk_sync.postings set last_error = null where reference = 'none'`;
    const waitedMs = performance.now() - started;
    await reader.letGo();
    await migrating;
    expect(waitedMs, 'a statement of a worker').toBeLessThan(WAITS.lockTimeoutMs + 1_500);
    expect(await columnsOf('postings')).toContain('note');
  });

  itInFull('is named when it takes too long, and nothing of the migration is applied', async () => {
    const reader = await holdTable('sync_runs');
    const [own] = await reader.sql`select pg_backend_pid() as pid`;
    const statements = [
      'alter table stripe_blnk_sync.postings add column note text',
      'alter table stripe_blnk_sync.sync_runs add column note text',
    ];
    const migrating = applyMigration(database, migrationOf(...statements), { ...WAITS, blockedMaxMs: 500 });
    await expect(migrating).rejects.toMatchObject({
      code: 'migration_blocked',
      message: expect.stringMatching(new RegExp(`process ${own?.pid} \\(test.*\\).*run migrate again`)),
    });
    await reader.letGo();
    expect(await columnsOf('postings')).not.toContain('note');
    await applyMigration(database, migrationOf(...statements), WAITS);
    expect(await columnsOf('sync_runs')).toContain('note');
  });
});

describe('an index that is built concurrently', () => {
  const statements = [
    'drop index concurrently if exists stripe_blnk_sync.noted',
    'create index concurrently noted on stripe_blnk_sync.postings (reason)',
  ];

  it('waits for an open transaction without keeping anybody waiting, and is built anew after an interruption', async () => {
    await sql`insert into stripe_blnk_sync.postings (reference, object_id, kind, effective_at, state, first_run)
      values ('pi_1', 'pi_1', 'payment', now(), 'pending', ${randomUUID()})`;
    const reader = await holdTable('postings');
    const said: string[] = [];
    const words = { onWaiting: (message: string) => said.push(message), saidAfterMs: 10 };
    const [own] = await reader.sql`select pg_backend_pid() as pid`;
    const migrating = applyMigration(database, migrationOf(...statements), { ...WAITS, ...words });
    const failed = expect(migrating).rejects.toThrow(/terminating connection|Connection|lost/i);
    const building = await until('the index is being built', async () => {
      const [row] = await sql`select pid from pg_stat_activity where query like 'create index concurrently noted%'
        and wait_event_type = 'Lock' and pid <> pg_backend_pid()`;
      return row?.pid;
    });
    await sql`update stripe_blnk_sync.postings set last_error = 'x'`;
    const ofReader = new RegExp(`^The migration .+ waits for process ${own?.pid} \\(test.*\\), open for \\d+ s$`);
    // On a slow machine a statement of this test may be named before.
    await until('it is said for whom', () => said.some((message) => ofReader.test(message)));
    await sql`select pg_terminate_backend(${building})`;
    await failed;
    expect(await indexIsValid()).toBe(false);
    await reader.letGo();
    await applyMigration(database, migrationOf(...statements), WAITS);
    expect(await indexIsValid()).toBe(true);
  });

  async function indexIsValid(): Promise<boolean> {
    const [row] =
      await sql`select indisvalid as valid from pg_index where indexrelid = 'stripe_blnk_sync.noted'::regclass`;
    return row?.valid;
  }
});

describe('two that migrate at once', () => {
  it('do it one after the other, and the one that waits logs for whom', async () => {
    const another = await database.openAnother();
    const said: string[] = [];
    const migrate = (options: MigrationOptions) => migrateDatabase(another, options);
    let migrating: Promise<unknown> | undefined;
    await migrateDatabase(database, {
      async alsoUnderLock() {
        migrating = migrate({ onWaiting: (message) => said.push(message) });
        await until('the other one says what it waits for', () => said.length > 0);
      },
    });
    await migrating;
    expect(said).toEqual([
      expect.stringMatching(/^Waiting for process \d+ \(.+\), open for \d+ s, which migrates this database$/),
    ]);
    await another.close();
  });

  // Every migration there is, while the other one asks for the lock: more than the usual limit on a busy machine.
  itInFull(
    'from the first schema, with indexes that are built concurrently, both find it done',
    {
      timeout: 120_000,
    },
    async () => {
      const empty = await openEmptyDatabase();
      await applyInPublic(empty.sql, '0001_comments');
      const another = await empty.openAnother();
      const reports = await Promise.all([migrateDatabase(empty), migrateDatabase(another)]);
      const applied = reports.map((report) => report.applied.length).sort();
      expect(applied[0]).toBe(0);
      expect(reports.flatMap((report) => report.applied)[0]).toBe('0002_proofs');
      expect(new Set(reports.map(({ to }) => to)).size).toBe(1);
      await another.close();
      await empty.remove();
    },
  );
});

describe('a worker of an earlier generation', () => {
  it.each([
    ['lives: the next step is not applied, and it is named', 'now()', 'older_workers_running'],
    ['went silent: it is not waited for', "now() - interval '61 seconds'", null],
  ])('that %s', async (_, seenAt, code) => {
    const again = MIGRATIONS[0];
    await sql`delete from stripe_blnk_sync.migrations where made_at >= ${again?.madeAt ?? 0}`;
    await sql.unsafe(`insert into stripe_blnk_sync.workers (id, host, pid, version, generation, seen_at)
      values ('${randomUUID()}', 'elsewhere', 77, '0.0.9', (select oldest_generation - 1 from stripe_blnk_sync.served_code), ${seenAt})`);
    const migrating = migrateDatabase(database, { waits: { olderWorkersMs: 300 } });
    if (code === null) {
      // What is applied a second time is refused by PostgreSQL: it was tried.
      await expect(migrating).rejects.toThrow(/SQLSTATE 42P07/);
      return;
    }
    await expect(migrating).rejects.toMatchObject({
      code,
      message: expect.stringMatching(
        /process 77 on elsewhere \(version 0\.0\.9, generation 0\).*0010_own_schema.*SIGTERM/,
      ),
    });
  });
});

it("takes the queue's tables for migrated when they are of its own version or a later one", async () => {
  const version = 11;
  const isReady = () => isMigrated(database, { name: 'queue_of_test', version });
  expect(await isReady()).toBe(false);
  await sql`create schema queue_of_test`;
  await sql`create table queue_of_test.migration as select generate_series(1, ${version - 1}::int) as version`;
  expect(await isReady()).toBe(false);
  for (const next of [version, version + 1]) {
    await sql`insert into queue_of_test.migration values (${next})`;
    expect(await isReady()).toBe(true);
  }
  expect(await isMigrated(database, null), 'a queue that is elsewhere').toBe(true);
});

function migrationOf(...statements: string[]): Migration {
  return { name: '9999_tried', madeAt: 9_999_999_999_999, hash: randomUUID(), statements };
}

async function holdTable(table: string) {
  const another = await database.openAnother();
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = () => {};
  const holding = new Promise<void>((resolve) => {
    isHeld = resolve;
  });
  const opened: { sql?: postgres.TransactionSql } = {};
  const ended = another.sql.begin(async (transaction) => {
    await transaction`select count(*) from ${transaction(`stripe_blnk_sync.${table}`)}`;
    opened.sql = transaction;
    isHeld();
    await held;
  });
  await holding;
  if (opened.sql === undefined) throw new Error('the table is not held');
  return {
    sql: opened.sql,
    async letGo() {
      letGo();
      await ended;
      await another.close();
    },
  };
}

async function waitingForLock(): Promise<number> {
  const [row] = await sql`select count(*)::int as count from pg_locks
    where not granted and relation = 'stripe_blnk_sync.postings'::regclass`;
  return row?.count;
}

async function columnsOf(table: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select column_name as name from information_schema.columns where table_schema = 'stripe_blnk_sync' and table_name = ${table}`;
  return rows.map(({ name }) => name);
}
