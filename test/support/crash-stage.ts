/**
 * The place of one crash round: a session whose servers stand behind doors, on a disk that can be filled where that is
 * possible, and the worker processes that are started and struck. Has no assertions.
 */

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Timings } from '../../src/app/timings.js';
import type { CrashOrder, Instruction, Stand, Standing } from './crash-child.js';
import type { RoundPlan } from './crash-plan.js';
import { type Home, stopServerIn } from './homes.js';
import { type Child, startChild } from './process-child.js';
import { createGate, type Gate } from './process-gate.js';
import { QUICK, type Session, startSession, type Variables } from './process-session.js';
import { until } from './process-wait.js';

/** Every wait that a worker has, short enough for a round of seconds; each still longer than what it must outlast. */
const CRASH_TIMINGS: Partial<Timings> = {
  ...QUICK,
  // Longer than the stand-in's leaked locks together with the longest request.
  finalAfterMs: 7_000,
  dismissedLooksAfterMs: [1_000, 3_000],
  postTimeoutMs: 4_000,
  proofs: {
    askEveryMs: 500,
    turnMs: 5_000,
    failedAfterMs: 1_000,
    firstAfterMs: 0,
    lateAfterMs: 75 * 86_400_000,
    againAfterMs: 1_000,
    rotateEveryMs: 0,
    rotateAgeMs: 0,
  },
};

const LEAKED_LOCK_MS = 1_500;
const DAY_MS = 86_400_000;
/** How far the population goes back. */
export const CRASH_DAYS = 5;

/** What a real Core needs: its locks live five minutes, whoever waits. */
const REAL_LEDGER_TIMINGS: Partial<Timings> = { ...CRASH_TIMINGS, finalAfterMs: 6 * 60_000, postTimeoutMs: 70_000 };

export interface CrashProcess extends Child {
  /** Where it stands, since the last instruction. */
  standsAt(): string | null;
  /** Another place to stand at, or none; what stands goes on. */
  instruct(stand: Stand | null): void;
}

export interface CrashStage {
  readonly session: Session;
  /** For commands in this process: past the doors. */
  readonly variables: Variables;
  /** Null where there is no such server, or none behind a door. */
  readonly doors: { readonly database: Gate | null; readonly redis: Gate | null };
  /** The folder of the embedded server. */
  readonly dataFolder: string | null;
  worker(stand?: Stand | null): CrashProcess;
  command(words: readonly string[], stand: Stand, variables?: Variables): CrashProcess;
  /** Workers that have not ended. */
  living(): readonly CrashProcess[];
  /** Servers answer, faults are over, locks are free. */
  calm(): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Variables of a real Core, in place of the stand-in's. */
  readonly realLedger: Variables | null;
}

export async function openCrashStage(home: Home, plan: RoundPlan, { realLedger }: StageOptions): Promise<CrashStage> {
  const to = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000);
  const population = { size: plan.intents, from: new Date(to.getTime() - CRASH_DAYS * DAY_MS), to };
  // A real ledger keeps the rows of earlier rounds: payments of the same ids would be in it already.
  const seed = realLedger === null ? plan.seed : Date.now() % 2 ** 31;
  const session = await startSession(home, { population, seed }, { leakLockMs: LEAKED_LOCK_MS });
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATA_DIR: dataFolder } = session.variables;
  const doors = { database: await openDoor(databaseUrl), redis: await openDoor(redisUrl) };
  const { BLNK_INSTANCE_ID: _, ...withoutInstance } = session.variables;
  const direct: Variables = realLedger === null ? session.variables : { ...withoutInstance, ...realLedger };
  const variables: Variables = {
    ...direct,
    ...(doors.database === null ? {} : { DATABASE_URL: doors.database.url }),
    ...(doors.redis === null ? {} : { REDIS_URL: doors.redis.url }),
    SYNC_EVERY: '1s',
    SHUTDOWN_GRACE: '6s',
  };
  const timings = realLedger === null ? CRASH_TIMINGS : REAL_LEDGER_TIMINGS;
  const workers: CrashProcess[] = [];
  return {
    session,
    variables: direct,
    doors,
    dataFolder: dataFolder ?? null,
    worker(stand = null) {
      const worker = startProcess({ variables, timings, words: null, stand, adopt: realLedger !== null });
      workers.push(worker);
      return worker;
    },
    command: (words, stand, more = {}) =>
      startProcess({ variables: { ...variables, ...more }, timings, words, stand, adopt: false }),
    living: () => workers.filter((worker) => worker.isAlive()),
    async calm() {
      session.stripe.faults.clear();
      session.blnk.faults.clear();
      session.blnk.expireLeakedLocks();
      for (const door of Object.values(doors)) {
        door?.letGo();
        await door?.open();
      }
      for (const worker of workers) {
        worker.kill('SIGCONT');
        worker.instruct(null);
      }
    },
    async close() {
      for (const worker of workers) worker.kill('SIGKILL');
      await session.close();
      await Promise.all([doors.database?.close(), doors.redis?.close()]);
    },
  };
}

async function openDoor(url: string | undefined): Promise<Gate | null> {
  if (url === undefined) return null;
  const door = await createGate(url);
  await door.open();
  return door;
}

function startProcess(order: CrashOrder): CrashProcess {
  let standsAt: string | null = null;
  const child = startChild({
    script: 'test/support/crash-child.ts',
    words: [JSON.stringify(order)],
    variables: {},
    onMessage: (message) => {
      standsAt = (message as unknown as Standing).standsAt;
    },
  });
  return {
    ...child,
    standsAt: () => standsAt,
    instruct(stand) {
      standsAt = null;
      const instruction: Instruction = { stand: stand === null ? null : { ...stand } };
      child.send(instruction as never);
    },
  };
}

/** Room for the server and its write-ahead log, and little more. */
const DISK_BYTES = 256 * 2 ** 20;

/**
 * The embedded home on a file system of its own that can be filled. Null with the reason where this user may not mount one.
 */
export async function limitedDiskHome(): Promise<{ readonly home: Home } | { readonly why: string }> {
  const probe = await mkdtemp(join(tmpdir(), 'disk-'));
  const problem = mount(probe);
  if (problem === null) unmount(probe);
  await rm(probe, { recursive: true, force: true });
  if (problem !== null) return { why: problem };
  return { home: { name: 'embedded', create: createLimited } };
}

async function createLimited() {
  const folder = await mkdtemp(join(tmpdir(), 'disk-'));
  const problem = mount(folder);
  if (problem !== null) throw new Error(problem);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o755 });
  return {
    environment: { DATA_DIR: data },
    async destroy() {
      await stopServerIn(join(data, 'postgres'));
      unmount(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function mount(folder: string): string | null {
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=755`, 'tmpfs', folder]);
  if (made.status === 0) return null;
  return `no file system can be mounted here: ${String(made.error ?? made.stderr).trim()}`;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

/** Fills the disk of the folder. The answer frees it. */
export async function fillDisk(dataFolder: string): Promise<() => Promise<void>> {
  const file = join(dataFolder, '..', 'filled');
  await until('the disk is full', async () => {
    const { bavail, bsize } = await statfs(dataFolder);
    // Written, not reserved: a hole takes no room. What is left over is less than a page of the database.
    const bytes = Math.max(bavail * bsize, bsize);
    try {
      await writeFile(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return true;
      throw error;
    }
    return false;
  });
  return async () => {
    await truncate(file, 0);
    await rm(file, { force: true });
  };
}
