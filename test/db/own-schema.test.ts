/**
 * A database that others use too: nothing of ours in `public`, nothing for roles that nobody named, nothing in the journal
 * that Drizzle applications share, and databases from before go over with all that they hold.
 */
import { randomBytes } from 'node:crypto';
import type postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsOf } from '../../src/core/verdict/needs.js';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { isMigrated, migrateDatabase } from '../../src/db/migrations/migrate.js';
import { createOutbox } from '../../src/db/postings/outbox.js';
import { readVerdictFacts } from '../../src/db/reads/status.js';
import { createRequestLimiter } from '../../src/db/workers/request-limiter.js';
import { createWorkerRegistry } from '../../src/db/workers/worker-registry.js';
import { type OwnDatabase, openEmptyDatabase } from '../support/own-database.js';
import { itInFull } from '../support/tier.js';
import { claimAsBefore } from '../support/upgrade/generation-1.js';
import { applyInPublic } from '../support/upgrade/schemas.js';

const LAST_RELEASED = '0007_counted_apart';
/** Newer and older than every migration of ours. */
const APP = { older: 1_500_000_000_000, newer: 4_000_000_000_000 };

let database: OwnDatabase;
let sql: postgres.Sql;

beforeEach(async () => {
  database = await openEmptyDatabase();
  sql = database.sql;
});
afterEach(() => database.remove());

describe('a new database', () => {
  it('gets nothing in public, and a table of the same name there stays what it is', async () => {
    await sql`create table public.workers (name text)`;
    await sql`insert into public.workers values ('mine')`;
    await migrateDatabase(database);
    expect(await relationsIn('public')).toEqual(['workers']);
    expect([...(await sql`select name from public.workers`)]).toEqual([{ name: 'mine' }]);
    expect(await isMigrated(database, null)).toBe(true);
    expect(await relationsIn('drizzle')).toEqual([]);
  });

  it.each(['older', 'newer'] as const)(
    'is migrated beside an application whose last migration is %s, and leaves its journal alone',
    async (age) => {
      await journalOfApp(APP[age]);
      const report = await migrateDatabase(database);
      expect(report.from).toBeNull();
      expect(await isMigrated(database, null)).toBe(true);
      expect(await appJournal()).toEqual([`app ${APP[age]}`]);
    },
  );

  it('is closed to a role that default privileges would let in', async () => {
    const role = `anon_${randomBytes(4).toString('hex')}`;
    await sql.unsafe(`create role ${role}`);
    try {
      for (const what of ['tables', 'sequences', 'functions', 'schemas']) {
        await sql.unsafe(`alter default privileges grant all on ${what} to ${role}`);
      }
      await migrateDatabase(database);
      const rights = await rightsOf(role);
      expect(rights.length).toBeGreaterThan(15);
      expect(rights.filter(({ may }) => may)).toEqual([]);
      const [schema] = await sql`select has_schema_privilege(${role}, 'stripe_blnk_sync', 'usage') as may`;
      expect(schema?.may).toBe(false);
    } finally {
      await sql.unsafe(`drop owned by ${role}`);
      await sql.unsafe(`drop role ${role}`);
    }
  });

  it('holds two mirrors under two schemas, each with its own journal and rows', async () => {
    const other = await openIn('mirror_eu');
    await migrateDatabase(database);
    const report = await migrateDatabase(other);
    expect(report.from).toBeNull();
    await worker(other);
    expect(await relationsIn('mirror_eu')).toEqual(await relationsIn('stripe_blnk_sync'));
    expect([...(await sql`select count(*)::int as workers from stripe_blnk_sync.workers`)]).toEqual([{ workers: 0 }]);
    expect([...(await sql`select count(*)::int as workers from mirror_eu.workers`)]).toEqual([{ workers: 1 }]);
    await other.close();
  });

  it('is named in the statements that people are told to execute', async () => {
    const other = await openIn('mirror_eu');
    await migrateDatabase(other);
    await sql`alter table mirror_eu.postings disable trigger user`;
    const needs = needsOf(await readVerdictFacts(other.db, { lagMs: 0, intervalMs: 60_000 }));
    const { text } = needs.find(({ code }) => code === 'totals_not_kept') ?? { text: '' };
    const statement = /alter table \S+ enable trigger user/.exec(text)?.[0] ?? '';
    await sql.unsafe(statement);
    const codes = needsOf(await readVerdictFacts(other.db, { lagMs: 0, intervalMs: 60_000 })).map(({ code }) => code);
    expect([statement, codes.includes('totals_not_kept')]).toEqual([
      'alter table "mirror_eu".postings enable trigger user',
      false,
    ]);
    await other.close();
  });

  it('refuses a schema that holds tables of somebody else', async () => {
    await sql`create schema shop`;
    await sql`create table shop.orders (id int)`;
    const other = await openIn('shop');
    await expect(migrateDatabase(other)).rejects.toMatchObject({ code: 'schema_in_use', kind: 'fatal' });
    expect(await relationsIn('shop')).toEqual(['orders']);
    await other.close();
  });
});

describe('a database with our tables in public', () => {
  beforeEach(() => applyInPublic(sql, LAST_RELEASED));

  it.each(['older', 'newer'] as const)(
    'goes over beside an application whose last migration is %s: its journal has its own rows alone',
    async (age) => {
      await journalOfApp(APP[age]);
      const report = await migrateDatabase(database);
      expect(report.from).toBe(LAST_RELEASED);
      expect(await appJournal()).toEqual([`app ${APP[age]}`]);
      expect((await migrateDatabase(database)).applied).toEqual([]);
      const [copies] =
        await sql`select count(*)::int as count from pg_class where relkind = 'r' and relname = 'postings'`;
      expect(copies?.count, 'moved, not copied').toBe(1);
    },
  );

  it('is worked on through the old names: claims, settling, counting and signs of life', async () => {
    await sql`
      insert into public.postings (reference, object_id, kind, source, currency, amount, precision, effective_at, state, first_run, prepared, destination)
      select 'pi_' || n, 'pi_' || n, 'payment', '@stripe', 'USD', 5, 100, now(), 'pending', gen_random_uuid(), '{}', '@c'
      from generate_series(1, 4) n`;
    await migrateDatabase(database);
    // Sent to the names that earlier code uses.
    const old = await openIn('public');
    const outbox = createOutbox(old.sql, { epoch: 0, accountsMode: 'indicators' });
    const lane = { source: '@stripe', currency: 'USD' };
    const claims = await Promise.all([1, 2].map(() => claimAsBefore(old.sql, lane, 2)));
    expect(new Set(claims.flatMap(({ references }) => references)).size).toBe(4);
    for (const { token, references } of claims) {
      const how = { transactionId: 't', how: 'posted', exception: null } as const;
      const settled = references.map((reference) => ({ reference, ...how }));
      expect(await outbox.settle(token, settled)).toBe(2);
    }
    const isNew = (reference: string) => old.sql`
      insert into postings as held (reference, object_id, kind, effective_at, state, first_run)
      values (${reference}, ${reference}, 'payment', now(), 'pending', gen_random_uuid())
      on conflict (reference) do update set last_error = null returning xmax = 0 as is_new`;
    expect([...(await isNew('pi_1')), ...(await isNew('pi_9'))]).toEqual([{ is_new: false }, { is_new: true }]);
    await old.sql`insert into coverage (feed, covered_from, covered_to, read_at, run_id)
      values ('events', now(), now(), now(), gen_random_uuid())`;
    await createRequestLimiter(old.sql, {
      ...{ share: 1, livemode: true, endpointPerSecond: 25, sleep: async () => {}, monotonicMs: () => 0 },
    }).acquire('events');
    // As code of before says that it is alive: it knows of no column that came later.
    await old.sql`insert into workers (id, host, pid, version) values (gen_random_uuid(), 'here', 1, '0.1.0')`;
    await old.sql`update workers set seen_at = now()`;
    expect([
      ...(await sql`select state, count(*)::int as count from stripe_blnk_sync.postings group by 1 order by 1`),
    ]).toEqual([
      { state: 'pending', count: 1 },
      { state: 'posted', count: 4 },
    ]);
    await old.close();
  });

  itInFull('is written through the old names by a role that has no right on the new ones', async () => {
    const role = `old_${randomBytes(4).toString('hex')}`;
    await sql.unsafe(`create role ${role}`);
    try {
      await sql.unsafe('grant select, insert, update on all tables in schema public to public');
      await migrateDatabase(database);
      await sql.begin(async (transaction) => {
        await transaction.unsafe(`set local role ${role}`);
        await transaction`
          insert into public.postings (reference, object_id, kind, source, currency, amount, precision, effective_at, state, first_run, prepared, destination)
          values ('pi_1', 'pi_1', 'payment', '@stripe', 'USD', 5, 100, now(), 'pending', gen_random_uuid(), '{}', '@c')`;
      });
      expect([...(await sql`select role, lane from stripe_blnk_sync.postings`)]).toEqual([
        { role: 'original', lane: 'USD:@stripe' },
      ]);
    } finally {
      await sql.unsafe(`drop owned by ${role}`);
      await sql.unsafe(`drop role ${role}`);
    }
  });

  it('keeps what roles were granted by name under both names, and takes what they had by default', async () => {
    const [reader, anon] = ['reader', 'anon'].map((name) => `${name}_${randomBytes(4).toString('hex')}`);
    await sql.unsafe(`create role ${reader}; create role ${anon}`);
    try {
      await sql.unsafe(
        `grant select on payment_status to ${reader}; grant all on all tables in schema public to ${anon}`,
      );
      await sql.unsafe(`alter default privileges in schema public grant all on tables to ${anon}`);
      await migrateDatabase(database);
      const [may] = await sql`
        select has_table_privilege(${reader ?? ''}, 'public.payment_status', 'select') as before,
          has_table_privilege(${reader ?? ''}, 'stripe_blnk_sync.payment_status', 'select') as now,
          has_schema_privilege(${reader ?? ''}, 'stripe_blnk_sync', 'usage') as usage,
          has_table_privilege(${anon ?? ''}, 'public.postings', 'select, insert, update, delete') as anon`;
      expect(may).toEqual({ before: true, now: true, usage: true, anon: false });
      expect((await rightsOf(anon ?? '')).filter(({ may: open }) => open)).toEqual([]);
    } finally {
      await sql.unsafe(`drop owned by ${reader}, ${anon}`);
      await sql.unsafe(`drop role ${reader}, ${anon}`);
    }
  });
});

function openIn(schema: string): Promise<Database> {
  return openDatabase(database.address, { connectionsMax: 2, applicationName: 'test', schema });
}

async function worker(other: Database): Promise<void> {
  const registry = createWorkerRegistry(other.sql, { id: crypto.randomUUID(), host: 'here', pid: 1, version: '0.1.0' });
  await registry.renew();
}

async function relationsIn(schema: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class join pg_namespace n on n.oid = relnamespace
    where nspname = ${schema} and relkind in ('r', 'v', 'S') order by 1`;
  return rows.map(({ name }) => name);
}

function rightsOf(role: string) {
  return sql<{ name: string; may: boolean }[]>`
    select relname as name, has_table_privilege(${role}, c.oid, 'select, insert, update, delete') as may
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = 'stripe_blnk_sync' and relkind in ('r', 'v')`;
}

/** As Drizzle's migrator of another application leaves it. */
async function journalOfApp(madeAt: number): Promise<void> {
  await sql`create schema if not exists drizzle`;
  await sql`create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${`app ${madeAt}`}, ${madeAt})`;
}

async function appJournal(): Promise<string[]> {
  const rows = await sql<{ hash: string }[]>`select hash from drizzle.__drizzle_migrations order by id`;
  return rows.map(({ hash }) => hash);
}
