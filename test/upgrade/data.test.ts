/**
 * Databases of every earlier release, with rows in every table and state: migrated by today's code, finished by today's
 * worker. Both ends are made to fit the rows: Stripe has their payments and some newer ones, the ledger what was posted.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LATEST_SCHEMA_VERSION } from 'bullmq';
import type postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import { openHome } from '../../src/app/home.js';
import { readHomeConfig } from '../../src/config/config.js';
import { type MappingRules, preparePayment } from '../../src/core/posting/mapping.js';
import { createLog } from '../../src/observability/log.js';
import { type Home, homes } from '../support/homes.js';
import { runCommand, withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { ROOT } from '../support/source-files.js';
import { inTier } from '../support/tier.js';
import { applyInPublic, type Release, readReleases } from '../support/upgrade/schemas.js';

const TIMEOUT_MS = 180_000;
/** A machine that is busy with other tests takes long to start a process. */
const PATIENT = { timeoutMs: 60_000 };

/** Later than all that the rows say, by the stand-ins' clock. */
const NOW = new Date('2026-11-20T12:00:00Z');

/** What succeeded after the old worker ended. */
const NEWER = [
  { id: 'pi_since_1', created: '2026-11-15T10:30:00Z', amount: 900, currency: 'usd', customer: 'cus_anna' },
  { id: 'pi_since_2', created: '2026-11-17T10:30:00Z', amount: 950, currency: 'eur', customer: null },
  { id: 'pi_since_3', created: '2026-11-19T10:30:00Z', amount: 990, currency: 'usd', customer: 'cus_emil' },
];

/** Rows that stay as they are held for a person; everything else ends in the ledger, once. */
const STILL_PARKED: Readonly<Record<string, string>> = {
  pi_unknown_currency: 'unknown_currency',
  pi_refused: 'refused_by_blnk',
  pi_conflict: 'conflict',
  pi_burnt: 'burnt_reference',
  pi_dismissed: 'refused_by_blnk',
  pi_verdict: 'refused_by_blnk',
  pi_rebuilt: 'rebuild',
  pi_wrong: 'conflict',
  pi_replaced: 'burnt_reference',
};

interface Row {
  readonly reference: string;
  readonly object_id: string;
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly destination: string | null;
  readonly created: string;
  readonly prepared: string | null;
  readonly settled_how: string | null;
  readonly exception: string | null;
}

const releases = readReleases();
const places = [homes()[0], homes()[1]].filter((home) => home !== undefined);
/** The oldest passes every migration. */
const tried = inTier({ quick: releases.slice(0, 1), full: releases });
const cases = tried.flatMap((release, index) =>
  // Once by `migrate` and once by the start of a worker.
  places
    .filter((_, place) => place === (index + 1) % places.length)
    .map((home) => [release.rows, home.name, release, home] as const),
);

describe('a database of an earlier release', () => {
  it.each(cases)(
    '%s (%s) is migrated and finished',
    async (_, __, release, home) => {
      const session = await startSession(holding(release, home), { clock: SandboxClock.frozen(NOW) });
      onTestFinished(() => session.close());
      const sql = await session.look();
      const before = await rowsOf(sql);
      await bringIntoStripe(session, before);
      await bringIntoLedger(session, before);
      const lost = before.filter(({ reference }) => reference === 'pi_lost');

      const worker = session.quickWorker({ variables: { SYNC_EVERY: '1s' } });
      await worker.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      await session.untilSettled();
      await until(
        'the newer payments are settled',
        async () => {
          const [row] =
            await sql`select count(*)::int as count from stripe_blnk_sync.postings where object_id like 'pi_since_%' and state = 'posted'`;
          return row?.count === NEWER.length;
        },
        PATIENT,
      );
      await until(
        'the dismissed one was looked for twice',
        async () => {
          const [row] =
            await sql`select dismissed_looks as looks from stripe_blnk_sync.postings where reference = 'pi_dismissed'`;
          return row?.looks === 2;
        },
        PATIENT,
      );
      for (const { reference } of lost) {
        const applied = await runCommand(['repair', 'apply', '--json'], session.variables);
        expect([applied.code, withoutProgress(applied.errors)]).toEqual([0, '']);
        await until('what the plan brings back', () => session.blnk.appliedByReference(reference), PATIENT);
        await session.untilSettled();
      }

      await expectSettled(session, before);
      await expectRunsAddUp(sql);
      await expectReadable(session);
      await expectQueueMigrated(session);
      await expectProven(session);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      const faults = worker.log().filter(({ level }) => level >= ERROR);
      // What stands in the ledger with another amount, and what is missing until the plan is applied; both make the verdict.
      const isOfDamage = ({ day, event }: (typeof faults)[number]) =>
        day === '2026-11-07' || day === '2026-11-09' || event === 'verdict_changed';
      expect(faults.filter((line) => !isOfDamage(line))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

/** pino's number. */
const ERROR = 50;

/** A home whose database is there already, as that release left it. */
function holding(release: Release, home: Home): Home {
  return {
    name: home.name,
    async create() {
      const place = await home.create();
      await onDatabase(place.environment, async (sql) => {
        await applyInPublic(sql, Object.keys(release.migrations).at(-1) ?? '');
        await sql.unsafe(readFileSync(join(ROOT, 'test/upgrade', release.rows), 'utf8'));
        await expectEveryState(sql);
        if (place.environment.REDIS_URL === undefined) await makeFirstQueueSchema(sql);
      });
      return place;
    },
  };
}

/** Rows in every table, and in every state that the tables tell apart. */
async function expectEveryState(sql: postgres.Sql): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`;
  for (const { name } of tables) {
    const [row] = await sql`select count(*)::int as count from public.${sql(name)}`;
    expect([name, row?.count === 0]).toEqual([name, false]);
  }
  const states = await sql<{ state: string }[]>`
    select distinct case when dismissed_at is not null then 'dismissed' when doubt_since is not null then 'in doubt'
      else state end as state from public.postings`;
  expect(states.map(({ state }) => state).sort()).toEqual(['dismissed', 'in doubt', 'parked', 'pending', 'posted']);
  const runs = await sql<{ state: string }[]>`select distinct state from public.sync_runs`;
  expect(runs.map(({ state }) => state).sort()).toEqual(['collected', 'collecting', 'failed']);
}

async function onDatabase(environment: Readonly<Record<string, string>>, work: (sql: postgres.Sql) => Promise<void>) {
  const log = createLog({ level: 'silent' });
  const home = await openHome(readHomeConfig(environment), { log, role: 'worker' });
  try {
    await work(home.database.sql);
  } finally {
    await home.close();
  }
}

interface QueueMigration {
  readonly version: number;
  readonly name: string;
  readonly minClientVersion: number;
  load(): string;
}

/** The queue's tables as the first version of its package made them; which ones those are only the package knows. */
async function makeFirstQueueSchema(sql: postgres.Sql): Promise<void> {
  const inPackage = join(ROOT, 'node_modules/bullmq/dist/cjs/postgres/migrations/index.js');
  const all: readonly QueueMigration[] = createRequire(import.meta.url)(inPackage).MIGRATIONS;
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`create schema bullmq; set local search_path to bullmq;
      create table migration (version integer primary key, name text not null, min_client_version integer not null,
        applied_at timestamptz not null default now())`);
    for (const migration of all.slice(0, 2)) {
      await transaction.unsafe(migration.load());
      await transaction`insert into migration (version, name, min_client_version)
        values (${migration.version}, ${migration.name}, ${migration.minClientVersion})`;
    }
  });
}

function rowsOf(sql: postgres.Sql): Promise<Row[]> {
  return sql<Row[]>`
    select reference, object_id, kind, state, reason, amount::text as amount, currency, destination,
      to_char(effective_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created, prepared, settled_how, exception
    from public.postings order by reference`;
}

async function bringIntoStripe(session: Session, rows: readonly Row[]): Promise<void> {
  const { stripe } = session;
  const pay = (id: string, created: string, rest: object) =>
    stripe.createIntent({
      id,
      created: new Date(created),
      moves: [{ move: 'succeed', at: new Date(created) }],
      ...rest,
    });
  for (const row of rows.filter(({ kind }) => kind === 'payment')) {
    pay(row.object_id, row.created, {
      amount: Number(row.amount ?? 1_450),
      currency: (row.currency ?? 'USD').toLowerCase(),
      customer: row.destination?.startsWith('@cus_') ? row.destination.slice(1) : null,
    });
  }
  for (const { id, created, ...rest } of NEWER) pay(id, created, rest);
  pay('pi_before_start', '2026-10-31T23:00:00Z', { amount: 100, currency: 'usd', customer: null });
}

/** What was posted; what was in doubt and applied; and what somebody else had put there, or put there wrongly. */
async function bringIntoLedger(session: Session, rows: readonly Row[]): Promise<void> {
  const sql = await session.look();
  const [mirror] = await sql<{ id: string }[]>`select mirror_id as id from public.mirror`;
  const rules: MappingRules = {
    ...{ mappingVersion: 1, sourceShards: 1, mirrorId: mirror?.id ?? '', livemode: false },
    ...{ source: '@stripe', guestDestination: '@stripe_guests' },
  };
  for (const row of rows) {
    const isThere =
      (row.state === 'posted' && row.reference !== 'pi_lost') ||
      ['pi_doubt_applied', 'pi_dismissed_late', 'pi_conflict', 'pi_wrong'].includes(row.reference);
    if (!isThere) continue;
    const body = JSON.parse(row.prepared ?? bodyOf(row, rules));
    if (row.kind !== 'payment') body.reference = row.reference;
    if (row.reference === 'pi_conflict') body.precise_amount += 1;
    if (row.reference === 'pi_wrong') body.precise_amount -= 100;
    if (row.settled_how === 'already_there') body.meta_data = {};
    if (row.exception !== null) body.effective_date = '2026-11-05T00:00:00Z';
    const answer = await fetch(`${session.blnk.url}/transactions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-blnk-key': session.blnk.coreKey },
      body: JSON.stringify(body),
    });
    expect(answer.status, await answer.text()).toBe(201);
  }
}

function bodyOf(row: Row, rules: MappingRules): string {
  const preparation = preparePayment(
    {
      ...{ kind: 'payment', id: row.object_id, amountReceived: BigInt(row.amount ?? 0), livemode: false },
      ...{
        currency: (row.currency ?? '').toLowerCase(),
        created: new Date(row.created),
        description: null,
        metadata: [],
      },
      customerId: row.destination?.startsWith('@cus_') ? row.destination.slice(1) : null,
      chargeId: null,
    },
    rules,
  );
  if (preparation.kind === 'rejected') throw new Error(`${row.reference}: ${preparation.detail}`);
  return preparation.transaction.body;
}

async function expectSettled(session: Session, before: readonly Row[]): Promise<void> {
  const sql = await session.look();
  const after = await rowsOf(sql);
  const parked = after.filter(({ state }) => state === 'parked').map(({ reference, reason }) => [reference, reason]);
  const known = new Set(before.map(({ reference }) => reference));
  const wanted = Object.entries(STILL_PARKED).filter(([reference]) => known.has(reference));
  expect(Object.fromEntries(parked)).toEqual(Object.fromEntries(wanted));

  // Two rows make this payment: too little, and the rest.
  const inLedger = [...session.blnk.transactions()].map((row) => [row.reference, row.status, `${row.precise_amount}`]);
  const damaged = known.has('pi_wrong') ? [['pi_wrong', 'APPLIED', '900']] : [];
  const posted = after
    .filter(({ state }) => state === 'posted')
    .map(({ reference, amount }) => [reference, 'APPLIED', amount]);
  expect(inLedger.sort()).toEqual([...posted, ...damaged, ['pi_conflict', 'APPLIED', '1701']].sort());
  expect(posted.length).toBe(before.length + NEWER.length - wanted.length);
  const adopted = after.filter(({ settled_how: how }) => how === 'already_there').map(({ reference }) => reference);
  expect(adopted).toEqual(['pi_already_there', 'pi_other_date']);
}

async function expectRunsAddUp(sql: postgres.Sql): Promise<void> {
  await until(
    'the runs of then are closed',
    async () => {
      const open = await sql`select id from stripe_blnk_sync.sync_history
      where started_at < '2026-11-16' and status in ('collecting', 'posting')`;
      return open.length === 0;
    },
    PATIENT,
  );
  const wrong = await sql`select id, feed, status from stripe_blnk_sync.sync_history
    where found <> known_before + stored or stored <> posted + already_there + parked + pending`;
  expect([...wrong]).toEqual([]);
  const [totals] =
    await sql`select (select sum(stored)::int from stripe_blnk_sync.sync_history where parent_id is null) as stored,
    (select count(*)::int from stripe_blnk_sync.postings) as postings`;
  expect(totals?.stored).toBe(totals?.postings);
  const [lost] =
    await sql`select count(*)::int as count from stripe_blnk_sync.sync_runs where error_code = 'worker_lost'`;
  expect(lost?.count).toBe(1);
}

async function expectReadable(session: Session): Promise<void> {
  const sql = await session.look();
  for (const view of ['payment_status', 'daily_totals', 'day_certificates', 'sync_history']) {
    expect((await sql`select * from ${sql(`stripe_blnk_sync.${view}`)}`).length, view).toBeGreaterThanOrEqual(0);
  }
  const [run] =
    await sql`select id from stripe_blnk_sync.sync_runs where parent_id is null order by started_at limit 1`;
  const commands = [['status'], ['runs', '--all'], ['run', run?.id], ['parked', 'list'], ['certificates', 'list']];
  for (const words of [...commands, ['parked', 'show', 'pi_conflict']]) {
    const ended = await runCommand(words, session.variables);
    expect([words, ended.code === 2, ended.errors]).toEqual([words, false, '']);
  }
}

async function expectQueueMigrated(session: Session): Promise<void> {
  const sql = await session.look();
  const [row] = await sql`select max(version) as version from bullmq.migration`;
  expect(row?.version).toBe(LATEST_SCHEMA_VERSION);
}

/** Days of which everything is decided are sealed, among them the one that a plan repaired. */
async function expectProven(session: Session): Promise<void> {
  await runCommand(['prove', '--from', '2026-11-01', '--to', '2026-11-17'], session.variables);
  const sql = await session.look();
  const sealed = await sql<{ name: string }[]>`
    select day || ' ' || currency as name from stripe_blnk_sync.day_certificates where state = 'sealed' order by 1`;
  expect(sealed.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      '2026-11-02 USD',
      '2026-11-03 EUR',
      '2026-11-12 USD',
      '2026-11-14 EUR',
      '2026-11-14 USD',
      '2026-11-17 EUR',
    ]),
  );
  const broken = await sql<{ name: string }[]>`
    select distinct day::text as name from stripe_blnk_sync.day_certificates where state = 'broken' order by 1`;
  expect(broken.map(({ name }) => name)).toEqual(['2026-11-07']);
}
