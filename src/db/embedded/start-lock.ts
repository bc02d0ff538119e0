// Lets one process at a time prepare and start the server, so that two starts at once do the work once.
// Nothing depends on it for being right: data is put in place by one rename, and PostgreSQL itself lets no second
// server onto its data. So a lock whose holder is dead or silent may be taken over without further proof.

import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from './errors.js';

const HEARTBEAT_MS = 2_000;
/** Long enough for a busy machine, short against a person's patience. Also covers a reused process id. */
const SILENT_AFTER_MS = 15_000;
const LOOK_AGAIN_MS = 50;

/**
 * Runs `work` alone. While another process holds the lock, `meanwhile` is asked again and again; what it finds first
 * is the answer and the lock is not taken at all. Gives up silently waiting at `deadlineMs` (of `performance.now`): then
 * `work` runs without the lock.
 */
export async function withStartLock<T>(
  lockFile: string,
  options: { deadlineMs: number; meanwhile: () => Promise<T | undefined> },
  work: () => Promise<T>,
): Promise<T> {
  const mine = `${process.pid} ${randomUUID()}`;
  while (!(await takeLock(lockFile, mine))) {
    const found = await options.meanwhile();
    if (found !== undefined) return found;
    if (performance.now() > options.deadlineMs) return work();
    if (await isAbandoned(lockFile)) await rm(lockFile, { force: true });
    else await delay(LOOK_AGAIN_MS);
  }
  const heartbeat = setInterval(() => {
    // A lock that was taken over from us, or a full disk: harmless, see above.
    utimes(lockFile, new Date(), new Date()).catch(() => undefined);
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await contentOf(lockFile)) === mine) await rm(lockFile, { force: true });
  }
}

async function takeLock(lockFile: string, mine: string): Promise<boolean> {
  try {
    await writeFile(lockFile, mine, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(lockFile: string): Promise<boolean> {
  const found = await stat(lockFile).catch(() => undefined);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > SILENT_AFTER_MS) return true;
  const holder = Number.parseInt((await contentOf(lockFile)) ?? '', 10);
  return Number.isInteger(holder) && !isAlive(holder);
}

async function contentOf(lockFile: string): Promise<string | undefined> {
  return readFile(lockFile, 'utf8').catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}
