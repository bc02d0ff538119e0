/** Proving and repairing for the demonstration, by the code of `prove`, `repair plan` and `repair apply`. */
import { v7 as uuidv7 } from 'uuid';
import type { WorkerConfig } from '../../config/config.js';
import type { Action } from '../../core/base/action.js';
import type { RepairPlan } from '../../core/repair/repair-plan.js';
import { noteActions } from '../../db/actions/action-store.js';
import { type FullCertificate, readDay } from '../../db/reads/certificates.js';
import type { Log } from '../../observability/log.js';
import { applyAction, planAction, proofAction } from '../../operations/note-actions.js';
import { mirrorOf } from '../../operations/session.js';
import { applyRepair } from '../../prove/apply-repair.js';
import { planRepair } from '../../prove/plan-repair.js';
import { proveDays } from '../../prove/prove-days.js';
import { createJobQueue } from '../../queue/job-queue.js';
import { createRepairPorts } from '../sessions/repair-ports.js';
import { openSession } from '../sessions/session.js';
import { createProver, readProvingFacts } from '../stages/proving.js';
import type { DemoVendors } from './vendors.js';

export interface DemoDays {
  /** @param onDay told now and then, with the days that are done */
  prove(days: readonly string[], onDay?: (done: number, all: number) => void): Promise<FullCertificate[]>;
  /** Plans for all days that are broken, and applies the plan; workers post what it owes. */
  repair(): Promise<RepairPlan>;
  isWhole(paymentId: string): boolean;
  close(): Promise<void>;
}

const SAY_EVERY_MS = 2_000;

/** There is one payment to repair. */
const QUIET = { onProgress: () => {} };

export async function openDemoDays({
  config,
  log,
  signal,
  vendors,
  userName,
}: {
  readonly config: WorkerConfig;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly vendors: DemoVendors;
  readonly userName: string;
}): Promise<DemoDays> {
  const session = await openSession(config, { log, signal });
  const { db } = session.home.database;
  const queue = createJobQueue(session.home.queueBackend, () => undefined);
  // As the commands do, so that the page of actions shows what is told here.
  const note = (action: Omit<Action, 'why'>) =>
    noteActions(db, { name: userName, origin: 'cli' }, [{ ...action, why: null }]);
  return {
    async prove(days, onDay) {
      const facts = await readProvingFacts(session);
      if (facts === null) return [];
      let saidAtMs = performance.now();
      const wanted = days.map((day) => ({ day, trigger: 'manual' as const }));
      const proven = await proveDays(createProver(session, facts), wanted, {
        proofId: uuidv7(),
        signal,
        onDay(_day, { done, all }) {
          if (performance.now() - saidAtMs < SAY_EVERY_MS) return;
          saidAtMs = performance.now();
          onDay?.(done, all);
        },
        onFailed(_day, error) {
          throw error;
        },
      });
      // Fewer were proven then, and nothing is said of them.
      signal.throwIfAborted();
      const rows: FullCertificate[] = [];
      for (const { day } of proven) rows.push(...((await readDay(db, { day }))?.certificates ?? []));
      await note(proofAction({ days, proven: proven.length, certificates: rows }));
      return rows;
    },

    async repair() {
      const mirror = mirrorOf(session);
      const ports = createRepairPorts(session);
      const { plan } = await planRepair(ports, { range: null, mirror, by: userName }, QUIET);
      if (plan === null) throw new Error('The repair found nothing to do. This is a defect');
      await note(planAction(plan));
      const applied = await applyRepair(ports, { plan, rules: mirror, by: userName }, QUIET);
      await note(applyAction(applied.plan));
      for (const lane of applied.lanes) await queue.wakeLane(lane);
      return applied.plan;
    },

    isWhole: (paymentId) => vendors.compare().differences.every((difference) => !difference.includes(paymentId)),

    async close() {
      await queue.close();
      await session.close();
    },
  };
}
