/**
 * One round of the crash suite: injected faults while payments come in, then calm, a fresh worker, and everything that must hold.
 */
import { expect } from 'vitest';
import type { Home } from '../homes.js';
import { expectMirrored } from '../process/truth.js';
import { until } from '../process/wait.js';
import { drawFrom } from './draw.js';
import type { CrashServers } from './homes.js';
import { inject } from './inject.js';
import type { InjectionEntry, RoundEntry } from './journal.js';
import { describeSequel, type RoundPlan } from './plan.js';
import { expectProven } from './proof.js';
import { addPayments, untilQuiet, untilScheduled } from './quiet.js';
import { openRealCore, type RealCore, type RealCoreAddress } from './real-core.js';
import { playSequel } from './sequel.js';
import { type CrashStage, openCrashStage } from './stage.js';

export interface RoundOptions {
  readonly home: Home;
  readonly servers: CrashServers;
  /** Null: the stand-in. */
  readonly core: RealCoreAddress | null;
}

/** Longer than the grace: an orderly end that takes longer has hung. */
const ENDS_WITHIN_MS = 40_000;

/** What happened, and what did not hold; null when all did. */
export async function playRound(
  plan: RoundPlan,
  { home, servers, core }: RoundOptions,
): Promise<{ readonly entry: RoundEntry; readonly error: unknown }> {
  const startedAt = performance.now();
  const seen = { injections: [] as InjectionEntry[], faults: { stripe: 0, blnk: 0 }, lockedMs: 0 };
  let error: unknown = null;
  let realCore: RealCore | null = null;
  try {
    // A source of its own, so that rounds on one Core do not meet.
    if (core !== null) realCore = await openRealCore(core, `@crash_${plan.seed}_${process.pid}_${Date.now()}`);
    const stage = await openCrashStage(plan, { home, servers, realCore });
    try {
      await playOn(stage, { plan, home, injections: seen.injections });
    } finally {
      seen.faults = { stripe: stage.session.stripe.faults.hits, blnk: stage.session.blnk.stats().faultHits };
      seen.lockedMs = Math.round(realCore?.proxy.lockedMs() ?? 0);
      await stage.close();
    }
  } catch (fault) {
    error = fault;
  } finally {
    await realCore?.close();
  }
  const result = error === null ? 'passed' : 'failed';
  const durationMs = Math.round(performance.now() - startedAt);
  return { entry: { seed: plan.seed, home: plan.home, result, durationMs, ...seen }, error };
}

interface Playing {
  readonly plan: RoundPlan;
  readonly home: Home;
  /** Each is added once it was injected. */
  readonly injections: InjectionEntry[];
}

async function playOn(stage: CrashStage, { plan, home, injections }: Playing): Promise<void> {
  const { stripe, blnk } = stage.session;
  for (const fault of plan.stripeFaults) stripe.faults.add(fault);
  for (const fault of plan.blnkFaults) blnk.faults.add(fault);
  const draw = drawFrom(plan.seed + 1);
  for (let count = 0; count < plan.workers; count += 1) stage.worker();
  for (const injection of plan.injections) {
    addPayments(stage, draw.between(1, 8));
    injections.push(await inject(injection, stage));
    if (stage.living().length === 0 || draw.chance(0.3)) stage.worker();
  }
  await settle(stage);
  if (plan.sequel !== 'none')
    injections.push({ injection: describeSequel(plan.sequel), isHit: await playSequel(plan, stage, home), tries: 1 });
  expect(stage.workers().map(wordsOfACrash).join(''), 'a worker wrote of a crash').toBe('');
}

/** Everything that must hold once all faults are over, with nobody's help but one fresh worker's. */
async function settle(stage: CrashStage): Promise<void> {
  await stage.calm();
  await endAll(stage);
  const fresh = stage.worker();
  await untilQuiet(stage, fresh);
  // Lanes that were quiet are not asleep, and the schedule still asks: what comes now is posted like everything else.
  addPayments(stage, 2);
  await untilQuiet(stage, fresh);
  await untilScheduled(stage);
  fresh.kill('SIGTERM');
  expect([(await fresh.ended).code, fresh.errors()]).toEqual([0, '']);
  await expectSettled(stage);
}

async function expectSettled({ session, realCore, variables }: CrashStage): Promise<void> {
  const blnk = realCore === null ? session.blnk : await realCore.read();
  await expectMirrored({ stripe: session.stripe, look: session.look, blnk });
  const sql = await session.look();
  const collecting =
    await sql`select id, feed, heartbeat_at, worker_id from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is not null`;
  expect([...collecting]).toEqual([]);
  const held =
    await sql`select reference, state from stripe_blnk_sync.postings where claim is not null or doubt_since is not null`;
  expect([...held]).toEqual([]);
  await expectProven(session.stripe, variables);
}

async function endAll(stage: CrashStage): Promise<void> {
  const living = stage.living();
  for (const worker of living) worker.kill('SIGTERM');
  const areGone = () => living.every((worker) => !worker.isAlive());
  const explain = () => living.map((worker) => worker.output() + worker.errors()).join('\n');
  await until('every worker ends in order', areGone, { timeoutMs: ENDS_WITHIN_MS, explain });
}

/** What Node says of an exception that nobody caught, or of its own end. A refused start says one line without a stack. */
const CRASH = /uncaught|unhandled|^\s+at .+:\d+:\d+\)?$|FATAL ERROR/im;

function wordsOfACrash({ errors }: { errors(): string }): string {
  return CRASH.test(errors()) ? errors() : '';
}
