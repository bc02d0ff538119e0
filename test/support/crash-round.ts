/**
 * One round of the crash suite: blows while payments come in, then calm, a fresh worker, and everything that must hold.
 */
import { expect } from 'vitest';
import { strike } from './crash-blows.js';
import { describeBlow, drawFrom, type RoundPlan } from './crash-plan.js';
import { expectProven } from './crash-proof.js';
import { addPayments, untilQuiet } from './crash-quiet.js';
import { playSequel } from './crash-sequel.js';
import { type CrashStage, openCrashStage } from './crash-stage.js';
import type { Tally } from './crash-tally.js';
import type { Home } from './homes.js';
import { expectMirrored } from './process-truth.js';
import { until } from './process-wait.js';
import type { RealCore } from './real-core.js';

export interface RoundOptions {
  readonly home: Home;
  readonly tally: Tally;
  /** Null: the stand-in. */
  readonly realCore: RealCore | null;
}

/** Longer than the grace: an orderly end that takes longer has hung. */
const ENDS_WITHIN_MS = 12_000;

export async function playRound(plan: RoundPlan, { home, tally, realCore }: RoundOptions): Promise<void> {
  const stage = await openCrashStage(home, plan, { realLedger: realCore?.variables ?? null });
  try {
    const { stripe, blnk } = stage.session;
    for (const rule of plan.stripeFaults) stripe.faults.add(rule);
    for (const fault of plan.blnkFaults) blnk.faults.add(fault);
    const draw = drawFrom(plan.seed + 1);
    for (let count = 0; count < plan.workers; count += 1) stage.worker();
    for (const blow of plan.blows) {
      addPayments(stage, draw.between(1, 8));
      tally.note(home.name, describeBlow(blow), await strike(blow, stage));
      if (stage.living().length === 0 || draw.chance(0.3)) stage.worker();
    }
    tally.faults(stripe.faults.hits.length, blnk.stats().faultHits);
    await settle(stage, realCore);
    if (plan.sequel !== 'none') tally.note(home.name, `kill in ${plan.sequel}`, await playSequel(plan, stage, home));
  } finally {
    await stage.close();
  }
}

/** Everything that must hold once faults and blows are over, with nobody's help but one fresh worker's. */
export async function settle(stage: CrashStage, realCore: RealCore | null): Promise<void> {
  await stage.calm();
  await endAll(stage);
  const fresh = stage.worker();
  await untilQuiet(stage, { worker: fresh, isReal: realCore !== null });
  // Lanes that were quiet are not asleep, and the schedule still asks: what comes now is posted like everything else.
  addPayments(stage, 2);
  await untilQuiet(stage, { worker: fresh, isReal: realCore !== null });
  const { queue } = await stage.session.foreignQueue();
  expect(await queue.getJobSchedulersCount()).toBe(1);
  fresh.kill('SIGTERM');
  expect([(await fresh.ended).code, fresh.errors()]).toEqual([0, '']);
  await expectSettled(stage, realCore);
}

async function expectSettled({ session, variables }: CrashStage, realCore: RealCore | null): Promise<void> {
  const blnk = realCore === null ? session.blnk : await realCore.read();
  await expectMirrored({ stripe: session.stripe, look: session.look, blnk });
  const sql = await session.look();
  const collecting =
    await sql`select id, feed, heartbeat_at, worker_id from sync_runs where state = 'collecting' and worker_id is not null`;
  expect([...collecting]).toEqual([]);
  const held = await sql`select reference, state from postings where claim is not null or doubt_since is not null`;
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
