/**
 * One blow: brings a process to the place where it is to be struck, makes sure that it stands there with work open, and
 * strikes. A blow whose place was not reached in time is a miss, which the tally counts; it is no failure.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CrashPoint } from '../../src/app/crash-points.js';
import type { Blow, ProcessBlow, ServerBlow } from './crash-plan.js';
import { addPayments } from './crash-quiet.js';
import { type CrashProcess, type CrashStage, fillDisk } from './crash-stage.js';
import { until } from './process-wait.js';

/** A start takes seconds on a machine that is busy, and some points come up only once in a while. */
const REACHED_WITHIN_MS = 12_000;
const PAYMENT_EVERY_MS = 700;

export async function strike(blow: Blow, stage: CrashStage): Promise<boolean> {
  return blow.kind === 'server' ? strikeServer(blow, stage) : strikeProcess(blow, stage);
}

async function strikeProcess(blow: ProcessBlow, stage: CrashStage): Promise<boolean> {
  const { place } = blow;
  if (place === 'collect.half_stored') return killHalfStored(stage);
  const stand = place === 'any_time' ? null : { point: place, nth: blow.nth };
  if (place === 'post.attempt_marked') {
    stage.session.blnk.faults.add({ kind: 'reset', route: 'posts', times: blow.nth });
  }
  if (stage.living().length === 0) stage.worker(stand);
  else for (const worker of stage.living()) worker.instruct(stand);
  if (place === 'any_time') {
    await delay(blow.afterMs);
    const [victim] = stage.living();
    if (victim !== undefined) await fell(blow, victim, stage);
    return victim !== undefined;
  }
  const victim = await whoStands(place, stage);
  if (victim === null) return false;
  const isOpen = await hasWorkOpen(place, stage);
  await fell(blow, victim, stage);
  return isOpen;
}

/**
 * The first of the workers to come by; the others go on. Payments come in meanwhile, so that there is work to come by with.
 * Null when none comes in time: then none need stand there later either.
 */
async function whoStands(point: CrashPoint, stage: CrashStage): Promise<CrashProcess | null> {
  let paidAt = performance.now();
  const look = () => {
    if (performance.now() - paidAt > PAYMENT_EVERY_MS) {
      addPayments(stage, 1);
      paidAt = performance.now();
    }
    return stage.living().find((worker) => worker.standsAt() === point) ?? stage.living().length === 0;
  };
  const found = await until(`a process stands at ${point}`, look, { timeoutMs: REACHED_WITHIN_MS }).catch(() => null);
  const victim = found === true ? null : found;
  for (const worker of stage.living()) if (worker !== victim) worker.instruct(null);
  return victim;
}

async function fell({ act, lastsMs }: ProcessBlow, victim: CrashProcess, stage: CrashStage): Promise<void> {
  switch (act) {
    case 'kill':
      victim.kill('SIGKILL');
      await victim.ended;
      return;
    case 'stop': {
      victim.kill('SIGTERM');
      victim.instruct(null);
      const { code, errors, output } = await victim.ended;
      // 1: what was in flight outlived the grace. A process that had no handler yet ends by the signal.
      if (![0, 1, null].includes(code)) throw new Error(`SIGTERM ended with ${code}:\n${errors}${output}`);
      return;
    }
    case 'pause':
      victim.kill('SIGSTOP');
      // Somebody takes over what the sleeper holds.
      if (stage.living().length < 2) stage.worker();
      await delay(lastsMs);
      victim.kill('SIGCONT');
      victim.instruct(null);
      return;
    default:
      return act satisfies never;
  }
}

/** That the process was struck in the middle of something: an attempt on disk, a run open. */
async function hasWorkOpen(point: CrashPoint, { session }: CrashStage): Promise<boolean> {
  const sql = await session.look();
  const conditions: Readonly<Record<CrashPoint, string>> = {
    'collect.page_read': `exists (select 1 from sync_runs where state = 'collecting' and worker_id is not null)`,
    'collect.page_stored': `exists (select 1 from sync_runs where state = 'collecting' and worker_id is not null)`,
    'collect.run_finished': `exists (select 1 from sync_runs where state = 'collected')`,
    'post.claimed': OPEN_CLAIM,
    'post.attempt_marked': OPEN_CLAIM,
    'post.answered': OPEN_CLAIM,
    'post.confirmed': OPEN_CLAIM,
    'post.settled': `exists (select 1 from postings where state = 'posted')`,
    'prove.listed': 'true',
    'prove.kept': 'exists (select 1 from day_certificates)',
    'repair.item_done': `exists (select 1 from repair_items where state = 'done')`,
    'rebuild.page_stored': 'exists (select 1 from postings)',
  };
  const [row] = await sql.unsafe<{ open: boolean }[]>(`select ${conditions[point]} as open`);
  return row?.open === true;
}

const OPEN_CLAIM = `exists (select 1 from postings where state = 'pending' and claim is not null and attempts > 0)`;

/**
 * Killed within the transaction that stores a page: coverage is locked from here, so the page's postings are written, not
 * committed, and cannot get further.
 */
async function killHalfStored(stage: CrashStage): Promise<boolean> {
  const victim = stage.living()[0] ?? stage.worker();
  await untilMirroring(victim);
  const sql = await stage.session.look().catch(() => null);
  if (sql === null || !victim.isAlive()) return false;
  return sql.begin(async (holding) => {
    await holding`lock table coverage in exclusive mode`;
    const waiting = () => sql`
        select 1 from pg_locks where relation = 'coverage'::regclass and not granted and pid <> pg_backend_pid()`;
    const isHalf = async () => (await waiting()).length > 0 || !victim.isAlive();
    await until('a page is half stored', isHalf, { timeoutMs: REACHED_WITHIN_MS }).catch(() => false);
    const isHit = (await waiting()).length > 0;
    // All of them: which one waits is not asked.
    for (const worker of stage.living()) worker.kill('SIGKILL');
    await victim.ended;
    return isHit;
  });
}

async function strikeServer({ act, afterMs, lastsMs }: ServerBlow, stage: CrashStage): Promise<boolean> {
  await untilMirroring(stage.living()[0] ?? stage.worker());
  await delay(afterMs);
  const { database, redis } = stage.doors;
  switch (act) {
    case 'database cut':
    case 'redis cut': {
      const door = act === 'database cut' ? database : redis;
      await door?.close();
      await delay(lastsMs / 2);
      await door?.open();
      return door !== null;
    }
    case 'database paused':
    case 'redis paused': {
      const door = act === 'database paused' ? database : redis;
      door?.hold();
      await delay(lastsMs);
      door?.letGo();
      return door !== null;
    }
    case 'queue lost':
      return loseQueue(stage);
    case 'database killed':
      return killEmbedded(stage.dataFolder);
    case 'disk full': {
      if (stage.dataFolder === null) return false;
      const free = await fillDisk(stage.dataFolder);
      await delay(lastsMs);
      await free();
      return true;
    }
    default:
      return act satisfies never;
  }
}

/** One that cannot start, because of an earlier blow or a fault, is struck as it is. */
async function untilMirroring(worker: CrashProcess): Promise<void> {
  await worker.untilLogged(/^mirroring/, REACHED_WITHIN_MS).catch(() => null);
}

/** A worker that lives on makes sure of the schedule by itself. */
async function loseQueue(stage: CrashStage): Promise<boolean> {
  const { lose, queue } = await stage.session.foreignQueue();
  await lose();
  const isBack = async () => stage.living().length === 0 || (await queue.getJobSchedulersCount()) === 1;
  await until('the schedule is there again', isBack, {
    explain: () =>
      stage
        .living()
        .map((worker) => worker.output() + worker.errors())
        .join('\n'),
  });
  return true;
}

/** SIGQUIT is the server's own word for ending at once: as after a crash, it recovers at its next start. */
async function killEmbedded(dataFolder: string | null): Promise<boolean> {
  if (dataFolder === null) return false;
  const file = join(dataFolder, 'postgres', 'postmaster.pid');
  const processId = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  if (!Number.isInteger(processId)) return false;
  try {
    return process.kill(processId, 'SIGQUIT');
  } catch {
    return false;
  }
}
