/**
 * One fault injected into a process: brings it to the place where that is due, makes sure that it stands there with work open,
 * and injects the fault. A place that was not reached in time is tried again a few times; what then missed is reported.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../process/wait.js';
import { injectIntoServer, untilMirroring } from './inject-into-server.js';
import type { InjectionEntry } from './journal.js';
import { describeInjection, type Injection, type ProcessInjection } from './plan.js';
import type { CrashPoint } from './points.js';
import { addPayments } from './quiet.js';
import type { CrashProcess, CrashStage } from './stage.js';

/** Of a machine that is busy, where some points come up only once in a while. */
const REACHED_WITHIN_MS = 25_000;
const PAYMENT_EVERY_MS = 700;
const TRIES_MAX = 3;
/** Longer than the grace: an orderly end that takes longer has hung. */
const ENDS_WITHIN_MS = 40_000;
/** So many become a bulk, on which a ledger works for a while. */
const BULK_PAYMENTS = 30;

export async function inject(injection: Injection, stage: CrashStage): Promise<InjectionEntry> {
  for (let tries = 1; ; tries += 1) {
    const isHit =
      injection.kind === 'server'
        ? await injectIntoServer(injection, stage)
        : await injectIntoProcess(injection, stage);
    if (isHit || tries === TRIES_MAX) return { injection: describeInjection(injection), isHit, tries };
  }
}

async function injectIntoProcess(injection: ProcessInjection, stage: CrashStage): Promise<boolean> {
  const { place, nth } = injection;
  if (place === 'collect.half_stored') return killHalfStored(stage);
  if (place === 'post.sent') return killPosting(injection, stage);
  const stand = place === 'any_time' ? null : { point: place, nth };
  if (place === 'post.attempt_marked') stage.session.blnk.faults.add({ effect: 'reset', route: 'posts', times: nth });
  if (stage.living().length === 0) stage.worker(stand);
  else for (const worker of stage.living()) worker.instruct(stand);
  if (place === 'any_time') {
    await delay(injection.afterMs);
    const [target] = stage.living();
    if (target !== undefined) await injectInto(injection, target, stage);
    return target !== undefined;
  }
  const target = await whoStands(place, stage);
  if (target === null) return false;
  const isOpen = await hasWorkOpen(place, stage);
  await injectInto(injection, target, stage);
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
  const target = found === true ? null : found;
  for (const worker of stage.living()) if (worker !== target) worker.instruct(null);
  return target;
}

async function injectInto({ act, lastsMs }: ProcessInjection, target: CrashProcess, stage: CrashStage): Promise<void> {
  switch (act) {
    case 'kill':
      target.kill('SIGKILL');
      await target.ended;
      return;
    case 'stop': {
      target.kill('SIGTERM');
      target.instruct(null);
      const explain = () => target.errors() + target.output();
      await until('a worker that was told to stop ends', () => !target.isAlive(), {
        timeoutMs: ENDS_WITHIN_MS,
        explain,
      });
      const { code } = await target.ended;
      // 1: what was in flight outlived the grace. A process that had no handler yet ends by the signal.
      if (![0, 1, null].includes(code)) throw new Error(`SIGTERM ended with ${code}:\n${explain()}`);
      return;
    }
    case 'pause':
      target.kill('SIGSTOP');
      // Somebody takes over what the sleeper holds.
      if (stage.living().length < 2) stage.worker();
      await delay(lastsMs);
      target.kill('SIGCONT');
      target.instruct(null);
      return;
    default:
      return act satisfies never;
  }
}

/** That the fault hits the process in the middle of something: an attempt on disk, a run open. */
async function hasWorkOpen(point: CrashPoint, { session }: CrashStage): Promise<boolean> {
  const sql = await session.look();
  const conditions: Readonly<Record<CrashPoint, string>> = {
    'collect.page_read': `exists (select 1 from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is not null)`,
    'collect.page_stored': `exists (select 1 from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is not null)`,
    'collect.run_finished': `exists (select 1 from stripe_blnk_sync.sync_runs where state = 'collected')`,
    'post.claimed': OPEN_CLAIM,
    'post.attempt_marked': OPEN_CLAIM,
    'post.answered': OPEN_CLAIM,
    'post.confirmed': OPEN_CLAIM,
    'post.settled': `exists (select 1 from stripe_blnk_sync.postings where state = 'posted')`,
    'prove.listed': 'true',
    'prove.kept': 'exists (select 1 from stripe_blnk_sync.day_certificates)',
    'repair.item_done': `exists (select 1 from stripe_blnk_sync.repair_items where state = 'done')`,
    'rebuild.page_stored': 'exists (select 1 from stripe_blnk_sync.postings)',
  };
  const [row] = await sql.unsafe<{ open: boolean }[]>(`select ${conditions[point]} as open`);
  return row?.open === true;
}

const OPEN_CLAIM = `exists (select 1 from stripe_blnk_sync.postings where state = 'pending' and claim is not null and attempts > 0)`;

/**
 * Killed within the transaction that stores a page: coverage is locked from here, so the page's postings are written, not
 * committed, and cannot get further.
 */
async function killHalfStored(stage: CrashStage): Promise<boolean> {
  const target = stage.living()[0] ?? stage.worker();
  await untilMirroring(target);
  const sql = await stage.session.look().catch(() => null);
  if (sql === null || !target.isAlive()) return false;
  return sql.begin(async (holding) => {
    await holding`lock table stripe_blnk_sync.coverage in exclusive mode`;
    const waiting = () => sql`
        select 1 from pg_locks where relation = 'stripe_blnk_sync.coverage'::regclass and not granted and pid <> pg_backend_pid()`;
    const isHalf = async () => (await waiting()).length > 0 || !target.isAlive();
    await until('a page is half stored', isHalf, { timeoutMs: REACHED_WITHIN_MS }).catch(() => false);
    const isHit = (await waiting()).length > 0;
    await killAll(stage);
    return isHit;
  });
}

/** Killed while a real Core works on a post. Core keeps the locks of such a post for five minutes. */
async function killPosting({ afterMs }: ProcessInjection, stage: CrashStage): Promise<boolean> {
  const { realCore } = stage;
  if (realCore === null) return false;
  const target = stage.living()[0] ?? stage.worker();
  await untilMirroring(target);
  // A bulk of thirty takes Core some hundred milliseconds.
  const inFlight = realCore.proxy.nextPostInFlight(afterMs / 20);
  addPayments(stage, BULK_PAYMENTS);
  const late = AbortSignal.timeout(REACHED_WITHIN_MS);
  const lateness = new Promise<null>((resolve) => late.addEventListener('abort', () => resolve(null)));
  const wasCut = await Promise.race([inFlight, lateness]);
  // All of them: which one posts is not asked.
  await killAll(stage);
  return wasCut === null ? false : wasCut();
}

async function killAll(stage: CrashStage): Promise<void> {
  const living = stage.living();
  for (const worker of living) worker.kill('SIGKILL');
  await Promise.all(living.map((worker) => worker.ended));
}
