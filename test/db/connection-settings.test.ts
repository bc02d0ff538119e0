/**
 * A database that an application of somebody else lives in, and a role without rights on `public`, both with twelve odd
 * settings at once, directly and through PgBouncer in both modes: the whole job, the commands, and what each kind of connection
 * finds set. Nothing of it is left in a pooler's sessions for whoever comes next, nor in the tables of the application.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { openDatabase } from '../../src/db/connection/open.js';
import { openQueuePool } from '../../src/queue/postgres-pool.js';
import { type Home, homes, onServer } from '../support/homes.js';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { inTier, itInFull } from '../support/tier.js';

const TIMEOUT_MS = 90_000;

/** Of a database, and others of a role: each of them changes an answer, or ends a connection or a statement. */
const ODD = {
  database: {
    DateStyle: 'SQL, DMY',
    IntervalStyle: 'sql_standard',
    TimeZone: 'Pacific/Apia',
    search_path: 'nowhere',
    default_transaction_isolation: 'serializable',
    extra_float_digits: '-15',
  },
  role: {
    statement_timeout: '900ms',
    lock_timeout: '1ms',
    idle_in_transaction_session_timeout: '1ms',
    bytea_output: 'escape',
    transform_null_equals: 'on',
    default_transaction_read_only: 'on',
  },
};

/** The migrations of an application; two of its tables have names of ours. */
const FIRST = { '0000_first': 'create table public.workers (name text); create table public.sync_runs (id serial)' };
const SECOND = { '0001_second': 'create table public.colors (name text)' };
const YEAR_MS = 365 * 86_400_000;
/** In 2010: its first migration is older than all of ours, later ones are newer. */
const APPLICATION_BORN_MS = 40 * YEAR_MS;

const home = homes().find(({ name }) => name === 'postgres');
const isMissing = findPgBouncer() === null && !inject('mustRunAll');
/** What a pooler in session mode does otherwise, its other mode does as well. */
const WAYS = inTier({ quick: ['transaction'] as const, full: ['direct', 'session', 'transaction'] as const });

describe.skipIf(home === undefined).each(WAYS)('twelve odd settings, %s', (way) => {
  const role = `test_odd_${randomBytes(6).toString('hex')}`;
  let session: Session;
  let pooler: PgBouncer | null = null;
  let url = '';

  beforeAll(async () => {
    if (home === undefined || (way !== 'direct' && isMissing)) return;
    session = await startSession(oddHome(home, role), { population: population(30) });
    url = session.variables.DATABASE_URL ?? '';
    if (way !== 'direct') {
      pooler = await startPgBouncer({ mode: way, serverUrl: serverUrl(), logins: { [role]: 'odd' } });
      url = pooler.urlOf(url);
    }
  }, TIMEOUT_MS);

  afterAll(async () => {
    await session?.close();
    await pooler?.close();
  }, TIMEOUT_MS);

  itInFull(
    'the whole job is done, and every command works',
    async (context) => {
      if (way !== 'direct' && isMissing) return context.skip('needs the program pgbouncer on the PATH');
      const migrated = await session.runProcess(['migrate'], { DATABASE_URL: url });
      expect(`${migrated.errors}${migrated.output}`).toMatch(/^The tables are up to date/);
      const worker = session.quickWorker({
        variables: { DATABASE_URL: url, SYNC_EVERY: '1s' },
        timings: { proofs: { ...TIMINGS.proofs, askEveryMs: 200 } },
      });
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();
      await expectMirrored(session);
      const sql = await session.look();
      await until(
        'a day is proven',
        async () => (await sql`select 1 from stripe_blnk_sync.certificates limit 1`).length > 0,
      );
      // Wakes through the queue, and reads what it says over the same way.
      const sync = await session.runProcess(['sync', '--wait', '--timeout', '30s'], { DATABASE_URL: url });
      expect(sync.code, sync.errors).toBe(0);
      const status = await session.runProcess(['status', '--json'], { DATABASE_URL: url });
      // Days may still be on their way to their proof, which is a need.
      expect(JSON.parse(status.output).answer, status.errors).toMatch(/^Complete/);
      await migrateApplication(applicationUrl(session.variables.DATABASE_URL ?? ''), { ...FIRST, ...SECOND });
      const again = await session.runProcess(['migrate'], { DATABASE_URL: url });
      expect(`${again.errors}${again.output}`).toMatch(/^The tables are up to date/);
      expect(await tablesOfApplication(applicationUrl(session.variables.DATABASE_URL ?? ''))).toEqual([
        'colors',
        'sync_runs',
        'workers',
      ]);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      // On a slow machine the first sync may be late, which the verdict says.
      expect(worker.log().filter(({ level, event }) => Number(level) >= 50 && event !== 'verdict_changed')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('each connection has ours: the pool, a transaction, one alone, the queue', async (context) => {
    if (way !== 'direct' && isMissing) return context.skip('needs the program pgbouncer on the PATH');
    const asked = `select current_setting('DateStyle') || ', ' || current_setting('TimeZone') || ', ' ||
      current_setting('IntervalStyle') || ', ' || current_setting('transaction_isolation') || ', ' ||
      current_setting('transaction_read_only') || ', ' || current_setting('extra_float_digits') || ', ' ||
      current_setting('bytea_output') || ', ' || current_setting('lock_timeout') || ', ' ||
      current_setting('transform_null_equals') as settings, '2026-11-05'::date::text as day`;
    const ours = {
      settings: 'ISO, MDY, UTC, postgres, read committed, off, 1, hex, 0, off',
      day: '2026-11-05',
    };
    const database = await openDatabase({ kind: 'url', url }, { connectionsMax: 2, applicationName: 'test' });
    const queue = openQueuePool({ kind: 'url', url }, 1);
    expect([...(await database.sql.unsafe(asked))]).toEqual([ours]);
    expect(await database.sql.begin(async (one) => [...(await one.unsafe(asked))])).toEqual([ours]);
    expect(await database.onOneConnection(async (one) => [...(await one.unsafe(asked))])).toEqual([ours]);
    expect((await queue.pool.query(asked)).rows).toEqual([ours]);
    await queue.close();
    await database.close();
  });

  if (way !== 'direct') {
    it('whoever comes next in the pooler finds what was set for it', async (context) => {
      if (isMissing) return context.skip('needs the program pgbouncer on the PATH');
      const database = await openDatabase({ kind: 'url', url }, { connectionsMax: 5, applicationName: 'test' });
      await Promise.all(Array.from({ length: 20 }, (_, n) => database.sql`select ${n}::int, pg_sleep(0.02)`));
      await expect(database.sql`select 1 / 0`).rejects.toThrow('division by zero');
      await database.sql.begin(async (one) => one`select 1`);
      await database.close();
      const next = postgres(url, { max: 3, fetch_types: false, prepare: false });
      const found = await Promise.all(
        Array.from(
          { length: 9 },
          () =>
            next`select current_setting('statement_timeout') as a, current_setting('search_path') as b, pg_sleep(0.02)`,
        ),
      );
      expect(new Set(found.map(([row]) => `${row?.a} ${row?.b}`))).toEqual(new Set(['900ms nowhere']));
      await next.end();
    });
  }

  function serverUrl(): string {
    return inject('postgresUrl') ?? '';
  }
});

/** Databases of a login of their own. */
function oddHome(plain: Home, role: string): Home {
  return {
    name: plain.name,
    async create() {
      const server = inject('postgresUrl') ?? '';
      const place = await plain.create();
      const url = new URL(place.environment.DATABASE_URL ?? '');
      const database = url.pathname.slice(1);
      await onServer(server, `create role ${role} login password 'odd'`);
      await onServer(server, `alter database ${database} owner to ${role}`);
      for (const [name, value] of Object.entries(ODD.database)) {
        await onServer(server, `alter database ${database} set ${name} = '${value}'`);
      }
      for (const [name, value] of Object.entries(ODD.role)) {
        await onServer(server, `alter role ${role} set ${name} = '${value}'`);
      }
      await migrateApplication(applicationUrl(url.href), FIRST);
      await onServer(applicationUrl(url.href), 'revoke all on schema public from public');
      url.username = role;
      url.password = 'odd';
      return {
        environment: { DATABASE_URL: url.href },
        async destroy() {
          await place.destroy();
          await onServer(server, `drop role ${role}`);
        },
      };
    },
  };
}

/**
 * Drizzle's own migrator on the tables of the application, as that would be deployed beside us: with its journal where Drizzle
 * has it by default. Its first migration came before ours, the next while a worker of ours runs.
 */
async function migrateApplication(databaseUrl: string, migrations: Readonly<Record<string, string>>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'application-'));
  mkdirSync(join(folder, 'meta'));
  const entries = Object.entries(migrations).map(([tag, statement], idx) => {
    writeFileSync(join(folder, `${tag}.sql`), statement);
    return { idx, version: '7', when: APPLICATION_BORN_MS + idx * 30 * YEAR_MS, tag, breakpoints: true };
  });
  writeFileSync(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  );
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connection: { search_path: 'public' } });
  try {
    await migrate(drizzle(sql), { migrationsFolder: folder });
  } finally {
    await sql.end({ timeout: 5 });
    rmSync(folder, { recursive: true });
  }
}

/** The database of the session, by a login that owns what the application has. */
function applicationUrl(ownUrl: string): string {
  const url = new URL(inject('postgresUrl') ?? '');
  url.pathname = new URL(ownUrl).pathname;
  return url.href;
}

async function tablesOfApplication(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`;
  await sql.end({ timeout: 5 });
  return tables.map(({ name }) => name);
}
