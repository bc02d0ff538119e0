// The data of the server (PGDATA): made once by initdb, aside, and put in place by one rename, so that a kill leaves
// either none or all of it. Never deletes data, and never removes postmaster.pid: PostgreSQL itself judges whether that
// file is stale, with its shared memory as evidence. Call under the start lock.

import { chown, constants, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.js';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';
import type { EmbeddedHome } from './home.js';
import { runProgram } from './run-program.js';

export const SUPERUSER = 'postgres';

/** Its files, and the first of its log. */
const EMPTY_DATABASE_MB = 100;

/** Makes the data when there is none; refuses data of another major version and folders that are something else. */
export async function ensureDataFolder(
  home: EmbeddedHome,
  binaries: Binaries,
  log: (message: string) => void,
): Promise<void> {
  const version = await readVersion(home.dataFolder);
  if (version === binaries.majorVersion) return;
  if (version !== undefined) {
    throw new EmbeddedPostgresError(
      'version_mismatch',
      `${home.dataFolder} was written by PostgreSQL ${version}, and this release brings PostgreSQL ${binaries.majorVersion}, which cannot read it. Go on with the release that wrote it, or set DATA_DIR to an empty folder: everything is read again from Stripe and Blnk. ${OTHER_WAY_OUT}`,
    );
  }
  log(`Creating a database in ${home.dataFolder}`);
  await removeUnfinished(home.dataDir, log);
  const fresh = join(home.dataDir, `postgres.new-${process.pid}`);
  await mkdir(fresh, { mode: 0o700 });
  if (home.account) await chown(fresh, home.account.uid, home.account.gid);
  try {
    await initialise(fresh, home, binaries);
    await putInPlace(fresh, home);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The major version that wrote the data; `undefined` when there is no data. */
export async function readVersion(dataFolder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataFolder, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The content of postmaster.pid, which names one run of one server; `undefined` when none runs. */
export async function readServerRun(dataFolder: string): Promise<string | undefined> {
  // Only the first three lines (process, folder, start time) stay the same during a run.
  const content = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => undefined);
  return content?.split('\n').slice(0, 3).join('\n');
}

/**
 * Frees data from a dead server whose process id went to an unrelated process, as happens when a container starts again:
 * PostgreSQL would wait for that process for ever. Only the id is replaced, by one of a process that just ended; the
 * shared memory named in the same file still tells PostgreSQL whether parts of the old server live. Linux only.
 */
export async function releaseReusedProcessId(dataFolder: string, deadPid: number): Promise<void> {
  // As root we write in a folder of another user: no link is followed.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  const file = await open(join(dataFolder, 'postmaster.pid'), flags).catch(() => undefined);
  if (!file) return;
  try {
    const content = await file.readFile('utf8');
    const endOfLine = content.indexOf('\n');
    const holder = await readFile(`/proc/${Number(content.slice(0, endOfLine))}/comm`, 'utf8').catch(() => undefined);
    if (endOfLine < 0 || holder === undefined || holder.trim() === 'postgres') return;
    await file.truncate(0);
    await file.write(`${deadPid}${content.slice(endOfLine)}`, 0, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

async function initialise(fresh: string, home: EmbeddedHome, binaries: Binaries): Promise<void> {
  const { code, output } = await runProgram(
    binaries.initdb,
    [
      '--pgdata',
      fresh,
      '--username',
      SUPERUSER,
      '--encoding=UTF8',
      // Built in: sorts and compares the same on every machine, whatever locales are installed.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      // Whoever reaches the socket, which lies in a folder that only the server's user and root may enter.
      '--auth-local=trust',
      '--auth-host=reject',
    ],
    { account: home.account, cwd: home.dataDir, env: binaries.env },
  );
  if (code !== 0) throw initdbFault(home.dataDir, output);
}

/** @param output what initdb said */
export function initdbFault(dataDir: string, output: string): EmbeddedPostgresError {
  const isFull = /No space left on device|Check free disk space|Disk quota exceeded/.test(output);
  const advice = isFull
    ? `: its disk is full. An empty database needs about ${EMPTY_DATABASE_MB} MB: make room, or set DATA_DIR to a folder on ` +
      `another disk. ${OTHER_WAY_OUT}`
    : '.';
  return new EmbeddedPostgresError(
    'initdb_failed',
    `PostgreSQL could not create a database in ${dataDir}${advice} initdb said:\n${isFull ? reasonIn(output) : output}`,
  );
}

/** Without the steps that went well before it. */
function reasonIn(output: string): string {
  const reasons = output.split('\n').filter((line) => /\b(FATAL|PANIC|error|HINT): /.test(line));
  return reasons.length === 0 ? output : reasons.join('\n');
}

async function putInPlace(fresh: string, home: EmbeddedHome): Promise<void> {
  try {
    await rename(fresh, home.dataFolder);
  } catch (cause) {
    // Another process was faster in spite of the lock: its data is as good.
    if ((await readVersion(home.dataFolder)) !== undefined) return;
    throw new EmbeddedPostgresError(
      'foreign_folder',
      `${home.dataFolder} is there and is not a database of PostgreSQL (it has no PG_VERSION). Move it away or set DATA_DIR to another folder. ${OTHER_WAY_OUT}`,
      { cause },
    );
  }
  const folder = await open(home.dataDir, 'r');
  await folder.sync().finally(() => folder.close());
}

/** What a killed process left. Its initdb may still be writing: that one fails when its folder goes. */
async function removeUnfinished(dataDir: string, log: (message: string) => void): Promise<void> {
  for (const entry of await readdir(dataDir)) {
    if (!entry.startsWith('postgres.new-')) continue;
    const path = join(dataDir, entry);
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }).catch((error: unknown) => {
      log(`Left for the next start, it cannot be removed now: ${path} (${errorCode(error)})`);
    });
  }
}
