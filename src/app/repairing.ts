/** Composition: `repair plan` and `repair apply`. Both ask Stripe and Blnk themselves; what is owed then, the workers post. */
import { warnWithoutWorker } from '../cli/command.js';
import { toJson } from '../cli/json.js';
import type { RepairApplyOptions, RepairPlanOptions } from '../cli/repair.js';
import { applyLines, planLines, unmendable } from '../cli/repair-text.js';
import { describeError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import type { Lane } from '../core/posting.js';
import { readLivingWorkers } from '../db/reads/status.js';
import { createRepairStore } from '../db/repair-store.js';
import { packageVersion } from '../package-root.js';
import { applyRepair } from '../prove/apply-repair.js';
import { planRepair } from '../prove/plan-repair.js';
import type { DayRange, RepairPorts } from '../prove/repair-ports.js';
import { createJobQueue } from '../queue/job-queue.js';
import { refuseOtherMirror } from '../worker/claim-mirror.js';
import type { AppEnvironment } from './command-environment.js';
import { confirmSameLedger } from './confirm-ledger.js';
import { type CrashHooks, repairStoreWithPoints } from './crash-points.js';
import { orRefuse } from './refusal.js';
import { identityOf, mirrorOf, type Workbench } from './workbench.js';

/** Before Stripe, and after anybody who repairs. */
const FIRST_DAY = '2000-01-01';
const LAST_DAY = '9999-12-31';

/** Sets the exit code: 2 when refused, 1 when no plan can mend something of the ledger (what is parked here is no matter of a plan). */
export async function runRepairPlan(
  environment: AppEnvironment,
  bench: Workbench,
  { fromDay, toDay, json }: RepairPlanOptions,
): Promise<void> {
  const { output, exit, userName } = environment;
  const confirmed = await orRefuse(environment, () => confirmSides(bench));
  if (confirmed === null) return;
  const { facts: mirror } = confirmed;
  const range: DayRange | null =
    fromDay === null && toDay === null ? null : { fromDay: fromDay ?? FIRST_DAY, toDay: toDay ?? LAST_DAY };
  const outcome = await planRepair(portsOf(bench), { range, mirror, by: userName });
  for (const line of json ? [toJson(outcome)] : planLines(outcome, output.columns)) output.print(line);
  if (unmendable(outcome.reported).length > 0) exit(1);
}

/** Sets the exit code: 2 when all of it was refused, 1 when an item was. */
export async function runRepairApply(
  environment: AppEnvironment,
  bench: Workbench,
  options: RepairApplyOptions,
): Promise<void> {
  const { output, exit, userName, hooks } = environment;
  const confirmed = await orRefuse(environment, () => confirmSides(bench));
  if (confirmed === null) return;
  const { facts: rules } = confirmed;
  const ports = portsOf(bench, hooks);
  const planned = await ports.store.findPlan(options.plan);
  const { plan, lanes } = await applyRepair(ports, { plan: planned, rules, by: userName });
  await wake(bench, lanes).catch((error: unknown) => {
    output.warn(`The lanes could not be woken; workers find what is due within a minute: ${describeError(error)}`);
  });
  for (const line of options.json ? [toJson(plan)] : applyLines(plan, output.columns)) output.print(line);
  const livingWorkers = () => readLivingWorkers(bench.home.database.db);
  if (lanes.length > 0) await warnWithoutWorker(environment, { reads: { livingWorkers } });
  if (plan.items.some(({ state }) => state === 'refused')) exit(1);
}

function portsOf({ home, vendors }: Workbench, hooks?: CrashHooks): RepairPorts {
  return {
    store: repairStoreWithPoints(createRepairStore(home.database.db, packageVersion()), hooks),
    stripe: vendors.stripeSide,
    ledger: vendors.ledgerSide,
  };
}

/** In another ledger everything would be missing. Throws SyncError `fatal` when one of the two sides is not the mirror's. */
async function confirmSides(bench: Workbench): Promise<Mirror> {
  const mirror = mirrorOf(bench);
  const { vendors, home } = bench;
  const { id: accountId } = await vendors.account.readAccount();
  refuseOtherMirror(mirror, identityOf(bench), { accountId });
  await confirmSameLedger({ home, vendors, source: mirror.source });
  return mirror;
}

async function wake({ home, log }: Workbench, lanes: readonly Lane[]): Promise<void> {
  if (lanes.length === 0) return;
  const queue = createJobQueue(home.queueBackend, (error) => log.debug({ error: error.message }, 'queue'));
  try {
    for (const lane of lanes) await queue.wakeLane(lane);
  } finally {
    await queue.close();
  }
}
