// The embedded PostgreSQL home with real servers and real processes: who starts it, who stops it, what a kill leaves,
// and what is said where it cannot be. Each test has a folder of its own; at the end none has a server left.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { serverAccount } from '../../src/db/embedded/account.js';
import { findNativeFolder, prepareBinaries } from '../../src/db/embedded/binaries.js';
import { openEmbeddedPostgres } from '../../src/db/embedded/open.js';
import { boundLog, saysHeldByAnother } from '../../src/db/embedded/server.js';
import type { SessionOptions, SessionOrder, SessionReport } from '../support/embedded-session.js';
import { compiled } from '../support/process/child.js';
import { itInFull } from '../support/tier.js';

const isRoot = process.getuid?.() === 0;
const ROOT_ONLY = 'only root runs the server as another user';
const DEADLINE_MS = 20_000;

let base: string;
let made = 0;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'embedded-test-'));
  // As root the server runs as nobody, who has to pass.
  await chmod(base, 0o755);
});

/** What a failed attempt left behind says nothing about the ones that passed. */
let attemptFailed = false;
afterEach(({ task }) => {
  attemptFailed ||= (task.result?.errors?.length ?? 0) > 0;
});

afterAll(async () => {
  const running = async () =>
    (await readdir(base)).filter((name) => existsSync(join(base, name, 'postgres', 'postmaster.pid')));
  if (!attemptFailed) await vi.waitUntil(async () => (await running()).length === 0, { timeout: DEADLINE_MS });
  await rm(base, { recursive: true, force: true });
});

describe('one server for all', () => {
  it('is created and started once by two processes that start at once, and stopped by the last to leave', async () => {
    const dataDir = newDataDir();
    const sessions = [startSession({ dataDir }), startSession({ dataDir })];
    const [first, second] = await Promise.all(sessions.map((session) => session.next('opened')));
    expect(first?.serverStarted).toBe(second?.serverStarted);
    const creations = [first, second].flatMap((report) => report?.log.filter((line) => line.startsWith('Creating')));
    expect(creations).toHaveLength(1);

    await sessions[0]?.tell('close', 'closed');
    expect(isServed(dataDir)).toBe(true);
    const answer = await sessions[1]?.tell({ query: 'SELECT 42 AS answer' }, 'queried');
    expect(answer?.rows).toEqual([{ answer: 42 }]);
    await sessions[1]?.tell('close', 'closed');
    expect(isServed(dataDir)).toBe(false);
  });

  itInFull('is stopped when all leave at the same time', async () => {
    const dataDir = newDataDir();
    for (let round = 0; round < 5; round += 1) {
      const opened = await Promise.all([1, 2, 3, 4].map(() => openEmbeddedPostgres({ dataDir })));
      await Promise.all(opened.map((embedded) => embedded.close()));
      expect(isServed(dataDir)).toBe(false);
    }
  });

  itInFull('serves whoever enters while the last one leaves', async () => {
    const dataDir = newDataDir();
    let staying = await openEmbeddedPostgres({ dataDir });
    for (let round = 0; round < 10; round += 1) {
      const entering = openEmbeddedPostgres({ dataDir });
      // Another moment of the leaving each time; the outcome must not depend on it.
      await delay(round * 4);
      await staying.close();
      staying = await entering;
      expect(await ask(staying.connection)).toBe(1);
    }
    await staying.close();
    expect(isServed(dataDir)).toBe(false);
  });

  it.each([
    ['somebody else has it', 'FATAL:  lock file "postmaster.pid" already exists', true],
    [
      'who had it took its lock file away between two looks of the new one',
      'FATAL:  could not remove old lock file "postmaster.pid": No such file or directory',
      true,
    ],
    [
      'the folder may not be written',
      'FATAL:  could not remove old lock file "postmaster.pid": Permission denied',
      false,
    ],
    ['something else', 'FATAL:  data directory "/data" has wrong ownership', false],
  ])('is tried again when it does not start because %s: %s', (_, said, isHeld) => {
    expect(saysHeldByAnother(said)).toBe(isHeld);
  });

  itInFull('stays for a client that is not ours', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir, idleStopMs: 500 });
    const person = postgres({ ...embedded.connection, max: 1 });
    await person`SELECT 1`;
    await embedded.close();
    expect(isServed(dataDir)).toBe(true);
    await person.end();
    await waitUntil(() => !isServed(dataDir), 'the idle guard stops the server');
  });

  itInFull(
    'keeps nobody waiting who builds an index: its guard sleeps without holding a snapshot for long',
    async () => {
      const dataDir = newDataDir();
      const embedded = await openEmbeddedPostgres({ dataDir });
      const sql = postgres({ ...embedded.connection, max: 1 });
      await sql`CREATE TABLE indexed (id int)`;
      const started = performance.now();
      for (const name of ['one', 'two', 'three']) await sql.unsafe(`CREATE INDEX CONCURRENTLY ${name} ON indexed (id)`);
      const tookMs = performance.now() - started;
      await sql.end();
      await embedded.close();
      // One that waits for a round of five seconds takes most of it, three of them three times that.
      expect(tookMs).toBeLessThan(4_000);
    },
  );

  it('keeps fsync on and listens on no network address', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir });
    const sql = postgres({ ...embedded.connection, max: 1 });
    const settings = await sql<{ name: string; setting: string }[]>`
      SELECT name, setting FROM pg_settings
      WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'TimeZone', 'server_encoding')`;
    await sql.end();
    await embedded.close();
    expect(Object.fromEntries(settings.map((row) => [row.name, row.setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      TimeZone: 'UTC',
      server_encoding: 'UTF8',
    });
    expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
  });
});

describe('after a kill', () => {
  it('is adopted with all its data by the next process', async () => {
    const dataDir = newDataDir();
    const session = startSession({ dataDir });
    const opened = await session.next('opened');
    await session.tell({ query: 'CREATE TABLE kept AS SELECT 7 AS value' }, 'queried');
    await session.kill('SIGKILL');
    expect(isServed(dataDir)).toBe(true);

    const next = startSession({ dataDir });
    expect((await next.next('opened')).serverStarted).toBe(opened.serverStarted);
    expect((await next.tell({ query: 'SELECT value FROM kept' }, 'queried')).rows).toEqual([{ value: 7 }]);
    await next.tell('close', 'closed');
    expect(isServed(dataDir)).toBe(false);
  });

  it('stops by itself when nobody comes back', async () => {
    const dataDir = newDataDir();
    const session = startSession({ dataDir, idleStopMs: 4_000 });
    await session.next('opened');
    await session.kill('SIGKILL');
    expect(isServed(dataDir)).toBe(true);
    await waitUntil(() => !isServed(dataDir), 'the idle guard stops the server');
    // Written after the file is removed.
    const log = () => readFile(join(dataDir, 'postgres.log'), 'utf8');
    await waitUntil(async () => (await log()).includes('database system is shut down'), 'the log says that it stopped');
  });

  itInFull('does not stop under a quiet process, when one without a process already did', async () => {
    const [quiet, abandoned] = [newDataDir(), newDataDir()];
    const embedded = await openEmbeddedPostgres({ dataDir: quiet, idleStopMs: 500 });
    const session = startSession({ dataDir: abandoned, idleStopMs: 1_500 });
    await session.next('opened');
    await session.kill('SIGKILL');
    await waitUntil(() => !isServed(abandoned), 'the idle guard stops the abandoned server');
    expect(isServed(quiet)).toBe(true);
    expect(await readFile(join(quiet, 'postgres.log'), 'utf8')).not.toContain('received fast shutdown');
    await embedded.close();
  });

  it('recovers all committed data when the server itself was killed, as by a power cut', async () => {
    const dataDir = newDataDir();
    const session = startSession({ dataDir });
    await session.next('opened');
    await session.tell({ query: 'CREATE TABLE kept AS SELECT 8 AS value' }, 'queried');
    await session.kill('SIGKILL');
    process.kill(await serverPid(dataDir), 'SIGKILL');
    const next = startSession({ dataDir });
    await next.next('opened');
    expect((await next.tell({ query: 'SELECT value FROM kept' }, 'queried')).rows).toEqual([{ value: 8 }]);
    await next.tell('close', 'closed');
  });

  it.runIf(process.platform === 'linux')('starts although a stranger has the dead server’s process id', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir });
    await embedded.close();
    const account = await serverAccount(join(dataDir, 'postgres'));
    const stranger = spawn('/bin/sleep', ['60'], { ...(account && { uid: account.uid, gid: account.gid }) });
    const started = Math.floor(Date.now() / 1000);
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    await writeFile(pidFile, `${stranger.pid}\n${join(dataDir, 'postgres')}\n${started}\n5432\n.\n\n`, { mode: 0o644 });
    const again = await openEmbeddedPostgres({ dataDir });
    expect(await ask(again.connection)).toBe(1);
    await again.close();
    stranger.kill();
  });

  itInFull('is started again under a process that still uses it', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir });
    process.kill(await serverPid(dataDir), 'SIGKILL');
    await waitUntil(
      () =>
        ask(embedded.connection).then(
          () => true,
          () => false,
        ),
      'the server is back',
    );
    await embedded.close();
    expect(isServed(dataDir)).toBe(false);
  });

  itInFull('takes no notice of an unfinished creation and of a dead process’s lock', async () => {
    const dataDir = newDataDir();
    await mkdir(join(dataDir, 'postgres.new-1'), { recursive: true });
    await chmod(dataDir, 0o755);
    const gone = spawn('/bin/true');
    await new Promise((resolve) => gone.once('exit', resolve));
    await writeFile(join(dataDir, 'start.lock'), `${gone.pid} gone`);
    const embedded = await openEmbeddedPostgres({ dataDir });
    await embedded.close();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-libraries', 'postgres.log']);
  });
});

describe('on a terminal', () => {
  it('survives Ctrl-C until the process that uses it has left', async () => {
    const dataDir = newDataDir();
    const session = startSession({ dataDir });
    await session.next('opened');
    const closed = session.next('closed');
    await session.kill('SIGINT', { group: true });
    expect((await closed).rows).toEqual([{ answers: 1 }]);
    expect(isServed(dataDir)).toBe(false);
  });
});

describe('in unusual folders', () => {
  itInFull('works in a path longer than a socket address, for two processes', async () => {
    const dataDir = join(newDataDir(), 'a'.repeat(60), 'b'.repeat(60));
    const embedded = await openEmbeddedPostgres({ dataDir });
    expect(Buffer.byteLength(join(embedded.connection.host, '.s.PGSQL.5432'))).toBeLessThanOrEqual(103);
    const session = startSession({ dataDir });
    await session.next('opened');
    await session.tell('close', 'closed');
    expect(await ask(embedded.connection)).toBe(1);
    await embedded.close();
    expect(isServed(dataDir)).toBe(false);
    await rm(embedded.connection.host);
  });

  it('works in a path with a space, a quote, a comma and a colon', async () => {
    const dataDir = join(newDataDir(), "it's, a: path");
    const embedded = await openEmbeddedPostgres({ dataDir });
    expect(await ask(embedded.connection)).toBe(1);
    await embedded.close();
    await rm(embedded.connection.host);
  });

  it('names the closed folder when root’s server user cannot pass it', async ({ skip }) => {
    if (!isRoot) skip(ROOT_ONLY);
    const closed = await mkdtemp(join(base, 'home-'));
    await writeFile(join(closed, 'letter'), '');
    const opening = openEmbeddedPostgres({ dataDir: join(closed, 'project', '.data') });
    await expect(opening).rejects.toMatchObject({
      code: 'folder_unreachable',
      message: expect.stringContaining(`may not enter ${closed}.`),
    });
    expect(await readdir(closed)).toEqual(['letter']);
  });

  itInFull('takes a temporary folder instead when told so, the same for all processes', async ({ skip }) => {
    if (!isRoot) skip(ROOT_ONLY);
    const closed = await mkdtemp(join(base, 'home-'));
    await writeFile(join(closed, 'letter'), '');
    const options = { dataDir: join(closed, '.data'), whenUnreachable: 'temporary' } as const;
    const [one, two] = await Promise.all([openEmbeddedPostgres(options), openEmbeddedPostgres(options)]);
    expect(one.dataDir).toBe(two.dataDir);
    expect(dirname(one.dataDir)).toBe(tmpdir());
    expect(await ask(two.connection)).toBe(1);
    await Promise.all([one.close(), two.close()]);
    await rm(one.dataDir, { recursive: true });
  });

  itInFull('copies the programs when root’s server user cannot reach them', async ({ skip }) => {
    if (!isRoot) skip(ROOT_ONLY);
    const closed = await mkdtemp(join(base, 'home-'));
    await cp(dirname(findNativeFolder(process)), closed, { recursive: true });
    const dataDir = newDataDir();
    await mkdir(dataDir, { mode: 0o755 });
    const account = await serverAccount(join(dataDir, 'postgres'));
    const binaries = await prepareBinaries({ dataDir, account, nativeFolder: join(closed, 'native') });
    expect(dirname(dirname(dirname(binaries.postgres)))).toBe(dataDir);
    const copied = await stat(binaries.postgres);
    expect({ owner: copied.uid, mode: copied.mode & 0o777 }).toEqual({ owner: 0, mode: 0o755 });
  });
});

describe('where it cannot', () => {
  it.each([
    { platform: 'win32', arch: 'x64', code: 'unsupported_platform' },
    { platform: 'linux', arch: 'riscv64', code: 'unsupported_platform' },
    { platform: process.platform === 'linux' ? 'darwin' : 'linux', arch: 'arm64', code: 'binaries_missing' },
  ])('says what was looked for on $platform-$arch', ({ platform, arch, code }) => {
    expect(() => findNativeFolder({ platform, arch })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/(win32|linux|darwin).*DATABASE_URL/) }),
    );
  });

  it('refuses data of another major version and leaves it alone', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir });
    await embedded.close();
    const versionFile = join(dataDir, 'postgres', 'PG_VERSION');
    const version = await readFile(versionFile, 'utf8');
    await writeFile(versionFile, '17\n');
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'version_mismatch',
      message: expect.stringMatching(/embedded-test-.* was written by PostgreSQL 17/),
    });
    await writeFile(versionFile, version);
    const again = await openEmbeddedPostgres({ dataDir });
    await again.close();
  });

  it('refuses a folder that holds something else', async () => {
    const dataDir = newDataDir();
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await chmod(dataDir, 0o755);
    await writeFile(join(dataDir, 'postgres', 'notes.txt'), 'mine');
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toMatchObject({ code: 'foreign_folder' });
    expect(await readFile(join(dataDir, 'postgres', 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('names the file that lies where a folder should', async () => {
    const inTheWay = newDataDir();
    await writeFile(inTheWay, '');
    await expect(openEmbeddedPostgres({ dataDir: join(inTheWay, '.data') })).rejects.toMatchObject({
      code: 'folder_not_writable',
      message: expect.stringContaining(`${inTheWay} is not a folder`),
    });
  });

  it.skipIf(process.platform !== 'linux')(
    'names the folder in which nothing can be made, and does not turn for ever',
    async () => {
      await expect(openEmbeddedPostgres({ dataDir: '/proc/nope' })).rejects.toMatchObject({
        code: 'folder_not_writable',
        message: expect.stringMatching(/data in \/proc\/nope: \/proc cannot be written/),
      });
    },
  );

  it('names the folder that it may not write', async ({ skip }) => {
    if (isRoot) skip('root may write every folder');
    const readOnly = newDataDir();
    await mkdir(readOnly, { mode: 0o555 });
    await expect(openEmbeddedPostgres({ dataDir: join(readOnly, 'deep', '.data') })).rejects.toMatchObject({
      code: 'folder_not_writable',
      message: expect.stringContaining(`${readOnly} cannot be written (EACCES)`),
    });
  });

  it('names the folder that keeps an ordinary user out, and what to do', async ({ skip }) => {
    const closed = newDataDir();
    await mkdir(closed);
    if (isRoot) await chmod(closed, 0o700);
    else await chmod(closed, 0o000);
    const account = isRoot ? await serverAccount(join(closed, 'postgres')) : undefined;
    if (isRoot && account === undefined) skip('there is no other user');
    const asUser = account === undefined ? {} : { asUser: account.uid };
    const refused = await startSession({ dataDir: join(closed, '.data'), ...asUser }).next('refused');
    expect(refused.message).toMatch(/^folder_not_writable: .*Set DATA_DIR to a folder that this user may write/);
    expect(refused.message).toContain(`${closed} cannot be written (EACCES)`);
  });

  it('passes on what the server said when it does not start', async () => {
    const dataDir = newDataDir();
    const embedded = await openEmbeddedPostgres({ dataDir });
    await embedded.close();
    await appendFile(join(dataDir, 'postgres', 'postgresql.conf'), "\nshared_memory_type = 'nonsense'\n");
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('invalid value for parameter "shared_memory_type"'),
    });
  });

  it('keeps the log of the server bounded', async () => {
    const logFile = newDataDir();
    await writeFile(logFile, 'x'.repeat(9 * 1024 * 1024));
    await boundLog(logFile);
    expect((await stat(logFile)).size).toBe(0);
    expect((await stat(`${logFile}.old`)).size).toBe(9 * 1024 * 1024);
  });
});

interface Session {
  next(kind: SessionReport['kind']): Promise<SessionReport>;
  tell(order: SessionOrder, answer: SessionReport['kind']): Promise<SessionReport>;
  /** Waits for the end of the process only after SIGKILL. */
  kill(signal: 'SIGKILL' | 'SIGINT', options?: { group: boolean }): Promise<void>;
}

function startSession(options: SessionOptions): Session {
  const [program] = compiled('test/support/embedded-session.ts');
  const child: ChildProcess = fork(program, [JSON.stringify(options)], {
    // A process group of its own, as a shell makes one for each job.
    detached: true,
  });
  const reports: SessionReport[] = [];
  child.on('message', (report: SessionReport) => reports.push(report));
  const next = async (kind: SessionReport['kind']): Promise<SessionReport> => {
    await waitUntil(() => reports.length > 0 || child.exitCode !== null, `a session is ${kind}`);
    const report = reports.shift();
    if (report?.kind !== kind)
      throw new Error(`wanted a session ${kind}, got ${JSON.stringify(report ?? child.exitCode)}`);
    return report;
  };
  return {
    next,
    async tell(order, answer) {
      child.send(order);
      return next(answer);
    },
    async kill(signal, { group } = { group: false }) {
      if (child.pid === undefined) throw new Error('the session has no process');
      const exited = new Promise((resolve) => child.once('exit', resolve));
      process.kill(group ? -child.pid : child.pid, signal);
      if (signal === 'SIGKILL') await exited;
    },
  };
}

function newDataDir(): string {
  made += 1;
  return join(base, `data-${made}`);
}

/** PostgreSQL removes this file when it has ended its work. */
function isServed(dataDir: string): boolean {
  return existsSync(join(dataDir, 'postgres', 'postmaster.pid'));
}

async function serverPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

async function ask(connection: { host: string; port: number; user: string; database: string }): Promise<number> {
  const sql = postgres({ ...connection, max: 1 });
  try {
    const [row] = await sql<{ one: number }[]>`SELECT 1 AS one`;
    return row?.one ?? 0;
  } finally {
    await sql.end();
  }
}

async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`waited ${DEADLINE_MS} ms in vain until ${what}`);
    await delay(20);
  }
}
