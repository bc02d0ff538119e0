/**
 * The SQL of docs/security.md as it stands there: an owner migrates, a worker and the commands work with no more rights than
 * that, a reader reads four views. With the queue in the database, which needs more than Redis does.
 */
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { blocksOf, readText, section } from '../support/documents.js';
import { type Home, homes, onServer } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { itInFull } from '../support/tier.js';

const TIMEOUT_MS = 60_000;

const SECRETS = {
  worker: 'second secret',
  reader: 'third secret',
  watcher: 'fourth secret',
} as const;

const home = homes().find(({ name }) => name === 'postgres');
const blocks = blocksOf(section(readText('docs/security.md'), '## Roles of the database'), 'sql');

describe.skipIf(home === undefined)('the roles of docs/security.md', () => {
  /** Roles belong to the server, which other tests use too. */
  const mark = randomBytes(6).toString('hex');
  const named = (sql: string) => sql.replaceAll(/\bsync_(owner|worker|reader|watcher)\b/g, `test_${mark}_$1`);
  let session: Session;
  let asWorker: Variables;

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no PostgreSQL');
    // Migrates with the owner's login.
    session = await startSession(withRoles(home), { population: population(20) });
    const created = new Date(Date.now() - 6 * 86_400_000);
    const moves = [{ move: 'succeed', at: created }] as const;
    session.stripe.createIntent({ created, kind: 'card_usd', moves });
    // One that is parked.
    session.stripe.createIntent({ created, kind: 'currency_unknown', moves });
    asWorker = { DATABASE_URL: addressOf('worker', SECRETS.worker) };
    const owner = postgres(session.variables.DATABASE_URL ?? '', { max: 1, onnotice: () => {} });
    for (const block of blocks.slice(1)) await owner.unsafe(named(block));
    await owner.end();
  }, TIMEOUT_MS);

  afterAll(() => session?.close(), TIMEOUT_MS);

  it(
    'let a worker mirror and prove',
    async () => {
      const worker = session.quickWorker({
        variables: { ...asWorker, SYNC_EVERY: '1s' },
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
      const sync = await session.run(['sync', '--wait', '--timeout', '30s'], asWorker);
      expect(sync.code, sync.errors).toBe(0);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      expect(worker.output()).not.toContain('permission denied');
    },
    TIMEOUT_MS,
  );

  itInFull(
    'let a worker wait for the connections that its role may have',
    async () => {
      const limit = (connections: number) =>
        onServer(inject('postgresUrl') ?? '', `alter role test_${mark}_worker connection limit ${connections}`);
      // As many as a worker needs, and others use all but one of them, which is enough to find the server well.
      await limit(14);
      const others = postgres(asWorker.DATABASE_URL ?? '', { max: 13, fetch_types: false });
      await Promise.all(Array.from({ length: 13 }, () => others`select pg_sleep(0.5)`));
      const worker = session.quickWorker({ variables: { ...asWorker, SYNC_EVERY: '1s' } });
      await worker.untilLogged(/^cannot start yet; trying again/);
      await others.end();
      await worker.untilLogged(/^mirroring/);
      await limit(-1);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'let every command do its work',
    async () => {
      const sql = await session.look();
      const [parked] = await sql<
        { reference: string }[]
      >`select reference from stripe_blnk_sync.postings where state = 'parked'`;
      const [run] = await sql<{ id: string }[]>`select id from stripe_blnk_sync.sync_runs limit 1`;
      const [posted] = await sql<{ reference: string; day: string }[]>`
        select reference, (effective_at at time zone 'UTC')::date::text as day from stripe_blnk_sync.postings
        where state = 'posted' and effective_at between now() - interval '15 days' and now() - interval '3 days' limit 1`;
      if (run === undefined || posted === undefined || parked === undefined)
        throw new Error('the worker left too little');
      expect(session.blnk.deleteTransaction(posted.reference)).toBe(true);
      const days = ['--from', posted.day, '--to', posted.day];
      const commands = [
        ...[['status'], ['runs'], ['run', run.id], ['parked', 'list'], ['parked', 'show', parked.reference]],
        ...[
          ['parked', 'retry', parked.reference],
          ['prove', ...days],
          ['certificates', 'list'],
          ['sync', '--dry-run'],
        ],
        ...[
          ['certificates', 'show', posted.day],
          ['repair', 'plan', ...days],
        ],
      ];
      let last = '';
      for (const words of commands) {
        const ended = await runCommand(words, { ...session.variables, ...asWorker });
        expect(`${words.join(' ')}: ${ended.errors}${ended.output}`).not.toMatch(/permission denied|must be owner/);
        expect(ended.code, `${words.join(' ')}: ${ended.errors}`).not.toBe(2);
        last = ended.output;
      }
      const plan = /repair apply ([0-9a-f-]{36})/.exec(last)?.[1];
      const applied = await runCommand(['repair', 'apply', plan ?? 'none'], { ...session.variables, ...asWorker });
      expect(`${applied.errors}${applied.output}`).not.toMatch(/permission denied/);
      expect(applied.code, applied.errors).not.toBe(2);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['worker', 'create table public.mine (a int)'],
    ['worker', 'drop table stripe_blnk_sync.postings'],
    ['worker', 'alter table stripe_blnk_sync.postings add column mine int'],
    ['worker', 'truncate stripe_blnk_sync.postings'],
    ['worker', 'delete from stripe_blnk_sync.mirror'],
    ['worker', 'delete from stripe_blnk_sync.migrations'],
    ['worker', 'create role mine'],
    ['watcher', 'delete from stripe_blnk_sync.postings'],
    ['watcher', 'create table public.mine (a int)'],
    ['reader', 'select * from stripe_blnk_sync.postings'],
    ['reader', 'select * from stripe_blnk_sync.mirror'],
    ['reader', 'delete from stripe_blnk_sync.payment_status'],
    ['reader', 'create table public.mine (a int)'],
    ['reader', 'select * from bullmq.job'],
  ] as const)('do not let the %s %s', async (role, statement) => {
    const sql = postgres(addressOf(role, SECRETS[role]), { max: 1 });
    await expect(sql.unsafe(statement)).rejects.toThrow(/permission denied|must be owner/);
    await sql.end();
  });

  it(
    'let the watcher run what only reads, and say of the rest that a right is missing',
    async () => {
      const asWatcher = { DATABASE_URL: addressOf('watcher', SECRETS.watcher) };
      const status = await session.run(['status', '--json'], asWatcher);
      expect(status.errors).toBe('');
      expect(JSON.parse(status.output)).toMatchObject({ state: expect.any(String), needs: expect.any(Array) });
      for (const words of [['runs'], ['parked', 'list'], ['certificates', 'list']]) {
        expect(await session.run(words, asWatcher)).toMatchObject({ code: 0, errors: '' });
      }
      const asReader = { DATABASE_URL: addressOf('reader', SECRETS.reader) };
      const refused = await session.run(['status'], asReader);
      expect([refused.code, refused.errors]).toEqual([2, expect.stringMatching(/^database_right_missing: .*_reader/)]);
    },
    TIMEOUT_MS,
  );

  it('let the reader see the views', async () => {
    const sql = postgres(addressOf('reader', SECRETS.reader), { max: 1 });
    for (const view of ['payment_status', 'daily_totals', 'day_certificates', 'sync_history']) {
      expect((await sql.unsafe(`select * from stripe_blnk_sync.${view} limit 1`)).length, view).toBe(1);
    }
    // Empty without a ledger of its own.
    expect(await sql`select * from stripe_blnk_sync.surplus_balances`).toHaveLength(0);
    await sql.end();
  });

  function addressOf(role: string, password: string): string {
    const url = new URL(session.variables.DATABASE_URL ?? '');
    url.username = `test_${mark}_${role}`;
    url.password = password;
    return url.href;
  }

  function withRoles(plain: Home): Home {
    return {
      name: plain.name,
      async create() {
        const place = await plain.create();
        const given = new URL(place.environment.DATABASE_URL ?? '');
        const database = given.pathname.slice(1);
        const server = new URL(given);
        server.pathname = '/postgres';
        const admin = postgres(server.href, { max: 1, onnotice: () => {} });
        for (const statement of (blocks[0] ?? '').split(';\n').map(named)) {
          // The database is there already, under a name of its own.
          await admin.unsafe(
            statement.startsWith('create database')
              ? statement.replace(/create database sync owner/, `alter database ${database} owner to`)
              : statement,
          );
        }
        given.username = `test_${mark}_owner`;
        given.password = 'first secret';
        return {
          environment: { DATABASE_URL: given.href },
          async destroy() {
            await place.destroy();
            for (const role of ['owner', 'worker', 'reader', 'watcher'])
              await admin.unsafe(`drop role test_${mark}_${role}`);
            await admin.end();
          },
        };
      },
    };
  }
});
