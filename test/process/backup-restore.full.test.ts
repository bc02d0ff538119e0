/**
 * The commands of docs/backup.md, as they stand there: the database goes back to an earlier time while the ledger does not,
 * and the ledger goes back to before its first payment. In the end every payment is there once, and the proof says so.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { openHome } from '../../src/app/home.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { blocksOf, readText, section } from '../support/documents.js';
import { createDatabase, homes, stopServerIn } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { runCommand, withoutProgress } from '../support/process/command.js';
import { type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 180_000;
/** A machine that is busy with other tests takes long to start a process. */
const PATIENT = { timeoutMs: 60_000 };
const DAY_MS = 86_400_000;

const page = readText('docs/backup.md');
const [onServer, privately] = ['## PostgreSQL', '## The private PostgreSQL of `DATA_DIR`'].map((title) =>
  blocksOf(section(page, title), 'sh'),
);

interface Copy {
  /** Called while the worker runs, or after it has ended. */
  readonly of: 'running' | 'stopped';
  make(): void;
  /** What the processes of the restored mirror get instead. */
  restore(): Promise<Variables>;
}

describe('a database that is restored from its backup', () => {
  it(
    'is the private one, copied when it was stopped, elsewhere and for another user',
    async () => {
      const [home] = homes();
      if (home === undefined) throw new Error('there is no home');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const folder = makeFolder();
      const restored = join(folder, 'restored');
      onTestFinished(() => stopServerIn(join(restored, 'postgres')));
      const run = (command: string | undefined) =>
        runShell(command, {
          '/var/lib/sync': session.variables.DATA_DIR ?? '',
          '/var/lib/restored': restored,
          '/backup': folder,
        });
      await goesBack(session, {
        of: 'stopped',
        make() {
          expect(run(privately?.[0])).toMatchObject({ status: 0, stderr: '' });
        },
        async restore() {
          expect(run(privately?.[1])).toMatchObject({ status: 0, stderr: '' });
          // Only root may give files away, and then the database runs as their owner.
          if (process.getuid?.() === 0) expect(runShell(`chown -R 12345:12345 ${restored}`, {}).status).toBe(0);
          return { DATA_DIR: restored };
        },
      });
    },
    TIMEOUT_MS,
  );

  it(
    'is one on a server, dumped while the worker ran',
    async (context) => {
      const why = await whyNoDump();
      if (why !== null) return context.skip(why);
      const home = homes().at(-1);
      if (home === undefined) throw new Error('there is no home');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const folder = makeFolder();
      const run = (command: string | undefined, url: string) =>
        runShell(command, { '/backup': folder }, { DATABASE_URL: url });
      await goesBack(session, {
        of: 'running',
        make() {
          expect(run(onServer?.[0], session.variables.DATABASE_URL ?? '')).toMatchObject({ status: 0, stderr: '' });
        },
        async restore() {
          const empty = await createDatabase();
          if (empty === null) throw new Error('there is no server');
          onTestFinished(() => empty.drop());
          expect(run(onServer?.[1], empty.url)).toMatchObject({ status: 0, stderr: '' });
          return { DATABASE_URL: empty.url };
        },
      });
    },
    TIMEOUT_MS,
  );

  it('is refused as a copy while the private one runs', async () => {
    const folder = makeFolder();
    const source = mkdtempSync(join(folder, 'data-'));
    runShell('mkdir postgres && touch postgres/postmaster.pid', {}, {}, source);
    const made = runShell(privately?.[0], { '/var/lib/sync': source, '/backup': folder });
    expect(made.status).toBe(1);
    expect(existsSync(join(folder, 'sync.tar.gz'))).toBe(false);
    runShell('rm postgres/postmaster.pid', {}, {}, source);
    expect(runShell(privately?.[0], { '/var/lib/sync': source, '/backup': folder }).status).toBe(0);
  });
});

describe('a ledger that is restored', () => {
  it(
    'to before its first payment is taken for another one until the mirror forgets it; then it is fixed',
    async () => {
      const home = homes()[1] ?? homes()[0];
      if (home === undefined) throw new Error('there is no home');
      const session = await startSession(home);
      onTestFinished(() => session.close());
      const core = { BLNK_API_STYLE: 'core', BLNK_API_KEY: session.blnk.coreKey };
      const day = dayOf(session, 4);
      const ids = [0, 1, 2].map((minute) => pay(session, { daysAgo: 4, minute }));
      const first = session.quickWorker({ variables: core });
      await session.untilSettled();
      await endInOrder(first);

      const restored = await startBlnkSandbox();
      onTestFinished(() => restored.close());
      const variables = { ...session.variables, ...core, BLNK_API_BASE: restored.url, BLNK_API_KEY: restored.coreKey };
      const ledger = { everyMs: 60_000, inDoubtEveryMs: 200, believedAfterMs: 1_000 };
      const refused = await session.quickWorker({ variables, timings: { ledger } }).ended;
      expect(refused.code).toBe(2);
      expect(refused.errors).toMatch(
        /^This is another ledger: .* restored from a backup that lacks these payments, docs\/backup\.md says how to go on/m,
      );

      const [forget] = blocksOf(section(page, '### A ledger that was restored to before its first payment'), 'sql');
      const sql = await session.look();
      await sql.unsafe(forget ?? '');
      const second = session.quickWorker({ variables });
      await second.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      const days = ['--from', day, '--to', day];
      expect((await runCommand(['prove', ...days], variables)).code).toBe(1);
      const planned = await runCommand(['repair', 'plan', ...days], variables);
      expect([planned.code, withoutProgress(planned.errors)]).toEqual([0, '']);
      expect((await runCommand(['repair', 'apply'], variables)).code).toBe(0);
      await until(
        'what was lost is there again',
        () => ids.every((id) => restored.appliedByReference(id) !== undefined),
        PATIENT,
      );
      await session.untilSettled();
      expect((await runCommand(['prove', ...days], variables)).code).toBe(0);
      await expectMirrored({ stripe: session.stripe, look: session.look, blnk: restored });
      await endInOrder(second);
    },
    TIMEOUT_MS,
  );
});

/**
 * The backup is made with payments that are posted, some in doubt and one not known yet. Afterwards all are posted, further
 * ones come, and one is parked and dismissed; then the database is as it was at the backup.
 */
async function goesBack(session: Session, copy: Copy): Promise<void> {
  const { stripe, blnk } = session;
  const quick = (variables: Variables = {}) => session.quickWorker({ variables: { SYNC_EVERY: '1s', ...variables } });
  const inLedger = (count: number) =>
    until(`${count} payments are in the ledger`, () => blnk.stats().rows === count, PATIENT);
  for (let minute = 0; minute < 5; minute += 1) pay(session, { daysAgo: 4, minute });
  const first = quick();
  await first.untilLogged(/^mirroring/, PATIENT.timeoutMs);
  await inLedger(5);
  blnk.faults.add({ effect: 'answer_lost', route: 'posts' });
  blnk.faults.add({ effect: 'status', status: 503, route: 'lookups' });
  for (let minute = 5; minute < 8; minute += 1) pay(session, { daysAgo: 4, minute });
  await first.untilLogged(/^posting to the lane \S+ pauses/, PATIENT.timeoutMs);
  if (copy.of === 'running') copy.make();
  await endInOrder(first);
  if (copy.of === 'stopped') copy.make();

  blnk.faults.clear();
  const second = quick();
  for (let minute = 8; minute < 12; minute += 1) pay(session, { daysAgo: 4, minute });
  const parked = pay(session, { daysAgo: 3, minute: 0, kind: 'currency_unknown' });
  await second.untilLogged(/^mirroring/, PATIENT.timeoutMs);
  await inLedger(12);
  await until(
    'the one that cannot be posted is dismissed',
    async () => {
      const { code } = await runCommand(['parked', 'dismiss', parked, '--why', 'By hand.'], session.variables);
      return code === 0;
    },
    PATIENT,
  );
  await endInOrder(second);

  const variables = { ...session.variables, ...(await copy.restore()) };
  pay(session, { daysAgo: 4, minute: 12 });
  const third = quick(variables);
  await third.untilLogged(/^mirroring/, PATIENT.timeoutMs);
  await inLedger(13);
  const day = dayOf(session, 4);
  await until('all of it is settled', () => allSettled(variables, stripe), PATIENT);
  const proven = await runCommand(['prove', '--from', day, '--to', day], variables);
  expect([proven.code, proven.errors], proven.output).toEqual([0, '']);
  await withDatabase(variables, async (look) => {
    await expectMirrored({ stripe, blnk, look }, { payments: 13 });
    const [row] = await (await look())`select dismissed_at from stripe_blnk_sync.postings where reference = ${parked}`;
    expect(row).toEqual({ dismissed_at: null });
  });
  await endInOrder(third);
  // On a slow machine the first sync may be late, which the verdict says.
  expect(third.log().filter(({ level, event }) => level >= ERROR && event !== 'verdict_changed')).toEqual([]);
}

/** pino's number. */
const ERROR = 50;

async function allSettled(variables: Variables, stripe: Session['stripe']): Promise<boolean> {
  const wanted = [...stripe.expected()].length;
  let settled = false;
  await withDatabase(variables, async (look) => {
    const [row] =
      await (await look())`select count(*)::int as count from stripe_blnk_sync.postings where state <> 'pending'`;
    settled = row?.count === wanted;
  });
  return settled;
}

async function withDatabase(variables: Variables, work: (look: Session['look']) => Promise<void>): Promise<void> {
  const log = createLog({ level: 'silent' });
  const home = await openHome(readHomeConfig(variables), { log, role: 'command' });
  try {
    await work(async () => home.database.sql);
  } finally {
    await home.close();
  }
}

/** One that succeeds now, and was created in that minute of an earlier day. */
function pay({ stripe }: Session, at: { daysAgo: number; minute: number; kind?: string }): string {
  stripe.clock.advance(1_000);
  const created = new Date(
    `${new Date(stripe.clock.nowMs() - at.daysAgo * DAY_MS).toISOString().slice(0, 10)}T12:00:00Z`,
  );
  created.setUTCMinutes(at.minute);
  return stripe.createIntent({ kind: at.kind ?? 'card_usd', created, moves: [{ move: 'succeed' }] });
}

function dayOf({ stripe }: Session, daysAgo: number): string {
  return new Date(stripe.clock.nowMs() - daysAgo * DAY_MS).toISOString().slice(0, 10);
}

async function endInOrder(worker: Child): Promise<void> {
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'copies-'));
  // Root runs the private server as another user, who has to pass.
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A command of the page, with places of its own. */
function runShell(
  command: string | undefined,
  places: Readonly<Record<string, string>>,
  variables: Variables = {},
  cwd: string = tmpdir(),
) {
  if (command === undefined) throw new Error('the page has no such command');
  const text = Object.entries(places).reduce((done, [there, here]) => done.replaceAll(there, here), command);
  // Where a system keeps its programs; nothing else of the developer's.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', ...variables };
  return spawnSync('/bin/sh', ['-c', text], { cwd, env, encoding: 'utf8' });
}

/** pg_dump refuses servers that are newer than itself. */
async function whyNoDump(): Promise<string | null> {
  const url = (await homeUrl()) ?? null;
  if (url === null) return 'needs PostgreSQL';
  const said = runShell('pg_dump --version && pg_restore --version', {});
  const version = Number(/(\d+)/.exec(said.stdout)?.[1]);
  if (said.status !== 0) return 'pg_dump and pg_restore are not there';
  const sql = postgres(url, { max: 1 });
  const [row] = await sql`select current_setting('server_version_num')::int / 10000 as version`;
  await sql.end();
  return version >= row?.version ? null : `pg_dump is of version ${version}, the server of ${row?.version}`;
}

async function homeUrl(): Promise<string | undefined> {
  const database = await createDatabase();
  if (database === null) return undefined;
  onTestFinished(() => database.drop());
  return database.url;
}
