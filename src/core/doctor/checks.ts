/** The checks of `doctor`, in the order in which they are shown. A new one is a file beside this, and a line here. Pure. */
import { blnkCheck } from './check-blnk.js';
import { clocksCheck } from './check-clocks.js';
import { connectionsCheck, databaseCheck, rightsCheck, tablesCheck } from './check-database.js';
import { diskCheck } from './check-disk.js';
import { portCheck, webhookCheck } from './check-http.js';
import { mirrorCheck } from './check-mirror.js';
import { currenciesCheck, paceCheck, recordsCheck, startCheck } from './check-plan.js';
import { queueCheck } from './check-queue.js';
import { stripeCheck, stripeKeyCheck } from './check-stripe.js';
import { variablesCheck } from './check-variables.js';
import type { DoctorFacts } from './facts.js';
import type { Check, Finding, PartFinding } from './finding.js';

export const CHECKS: readonly Check[] = [
  variablesCheck,
  stripeKeyCheck,
  stripeCheck,
  clocksCheck,
  blnkCheck,
  databaseCheck,
  connectionsCheck,
  rightsCheck,
  tablesCheck,
  queueCheck,
  diskCheck,
  portCheck,
  webhookCheck,
  mirrorCheck,
  startCheck,
  paceCheck,
  recordsCheck,
  currenciesCheck,
];

export function findingsOf(facts: DoctorFacts): PartFinding[] {
  return CHECKS.flatMap(({ part, judge }) => judge(facts).map((finding) => ({ part, ...finding })));
}

/** False when a person has to act before a worker can do its work. */
export function isWell(findings: readonly Pick<Finding, 'state'>[]): boolean {
  return findings.every(({ state }) => state !== 'fail');
}
