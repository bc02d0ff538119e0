/**
 * The story of the demonstration: a first run, a worker that is killed in it, payments that a person decides, a proof of each day,
 * and a damage that a proof finds and a plan repairs. Each step is what the command of that name does.
 */

import type { CommandContext } from '../../cli/ports.js';
import type { WorkerConfig } from '../../config/config.js';
import { formatCount } from '../../core/base/time-text.js';
import { DAY_MS, daysBetween, utcDay } from '../../core/base/window.js';
import { isSealed } from '../../core/proof/reopening.js';
import { verdictOf } from '../../core/verdict/verdict.js';
import type { Log } from '../../observability/log.js';
import {
  type DemoCounts,
  demoComparison,
  demoDamage,
  demoDecisions,
  demoEnd,
  demoFirstRun,
  demoKilled,
  demoParked,
  demoProof,
  demoRepair,
  demoSealedAgain,
  demoSecondRun,
} from '../../views/demo-text.js';
import { openDemoDays } from './days.js';
import type { Narration } from './narration.js';
import type { DemoVendors } from './vendors.js';

export interface DemoStory {
  readonly config: WorkerConfig;
  readonly context: CommandContext;
  readonly vendors: DemoVendors;
  readonly narration: Narration;
  readonly columns: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly userName: string;
  /** kill -9, and another one after it. */
  killWorker(): Promise<void>;
  startWorker(): void;
}

/** @returns whether both sides are equal in the end and every day is sealed */
export async function tellDemoStory(story: DemoStory): Promise<boolean> {
  const { context, vendors, narration, columns } = story;
  const startedAtMs = performance.now();
  await killWhilePosting(story);
  const counts = await untilSettled(story);
  const status = await context.reads.status();
  narration.say(demoFirstRun({ ...counts, tookMs: performance.now() - startedAtMs }, status, columns));
  await readAllAgain(story);
  await decideParked(story);
  const check = vendors.compare();
  narration.say(demoComparison(check));
  const isWhole = check.differences.length === 0;
  const days = await openDemoDays(story);
  try {
    const proven = await days.prove(daysThatAreOver(vendors), (done, all) =>
      narration.say([`  … ${done} of ${all} days are proven`]),
    );
    narration.say(demoProof(proven, columns));
    const isSealedAgain = await damageAndRepair(story, days);
    const { sentence } = verdictOf(await context.reads.status());
    narration.say(demoEnd(sentence));
    return isWhole && isSealedAgain && proven.every(({ state }) => isSealed(state));
  } finally {
    await days.close();
  }
}

const KILL_WHEN_POSTED = 0.4;

async function killWhilePosting({ vendors, narration, context, killWorker, startWorker }: DemoStory): Promise<void> {
  const { postable, succeeded } = vendors.counts();
  const wanted = Math.max(1, Math.floor(postable * KILL_WHEN_POSTED));
  const rows = () => vendors.blnk.stats().rows;
  const moment = await narration.until(
    async () => (rows() >= wanted ? 'now' : (await countsOf(context)).settled >= succeeded ? 'too late' : null),
    () =>
      rows() === 0
        ? 'the worker reads the payments from Stripe'
        : `${formatCount(rows())} of ${formatCount(succeeded)} payments are in the ledger`,
  );
  // A handful of payments is posted before anybody can kill.
  if (moment === 'too late' || rows() >= postable) return;
  await killWorker();
  narration.say(demoKilled({ inLedger: rows(), succeeded }));
  startWorker();
}

/** Until all is in the ledger or parked. */
function untilSettled({ vendors, narration, context }: DemoStory): Promise<DemoCounts> {
  const before = vendors.blnk.stats().rows;
  return narration.until(
    async () => {
      const counts = await countsOf(context);
      return counts.settled >= vendors.counts().succeeded ? counts : null;
    },
    () =>
      vendors.blnk.stats().rows === before
        ? 'the new worker looks up what was on its way'
        : `${formatCount(vendors.blnk.stats().rows)} payments are in the ledger`,
  );
}

async function countsOf({ reads }: CommandContext): Promise<DemoCounts & { readonly settled: number }> {
  const { totals } = await reads.status();
  const sum = (count: (total: (typeof totals)[number]) => number) => totals.reduce((all, one) => all + count(one), 0);
  const posted = sum(({ postedCount }) => postedCount);
  const parked = sum(({ parkedCount }) => parkedCount);
  const pending = sum(({ pendingCount }) => pendingCount);
  return { found: posted + parked + pending, posted, parked, settled: posted + parked };
}

async function readAllAgain({ narration, context, vendors }: DemoStory): Promise<void> {
  const { windowFrom } = await narration.until(
    async () => {
      const id = await context.reads.firstRunAfter({ feed: 'payment_intents', startedAfter: new Date(0) });
      const answer = id === null ? null : await context.reads.run(id);
      return answer?.kind === 'found' ? answer.run : null;
    },
    () => 'looking for the first run',
  );
  const before = vendors.blnk.stats().rows;
  const { runId: again } = await context.operations.requestBackfill({
    from: { kind: 'time', time: windowFrom },
    to: { kind: 'ago', durationMs: 0 },
  });
  const run = await narration.until(
    async () => {
      const answer = await context.reads.run(again);
      const isOver = answer.kind === 'found' && !['collecting', 'posting'].includes(answer.run.status);
      return isOver ? answer.run : null;
    },
    () => 'everything is read a second time',
  );
  narration.say(demoSecondRun(run, vendors.blnk.stats().rows - before));
}

/** As `parked dismiss` and `parked retry` do. */
async function decideParked({ narration, context, vendors, columns, userName }: DemoStory): Promise<void> {
  const { operations } = context;
  const { payments } = await context.reads.parked({ limit: 20, includeDismissed: false });
  narration.say(demoParked(payments, columns));
  const { impossible, refused } = vendors;
  const why = 'No card can be charged 5.124 KWD. Asked the payment provider; nothing was received.';
  await operations.dismissParked({ references: [impossible], by: userName, why }, { onDecided: () => {} });
  vendors.allowRefused();
  await operations.retryParked({ references: refused });
  await narration.until(
    async () =>
      (await countsOf(context)).parked === 1 && refused.every((id) => vendors.blnk.byReference(id)) ? 1 : null,
    () => 'the retried payments are looked up and posted',
  );
  narration.say(demoDecisions({ dismissed: impossible, why, retried: refused }));
}

/** All that are over and have a payment, oldest first. */
function daysThatAreOver({ stripe }: DemoVendors): readonly string[] {
  const [first] = [...stripe.expected()].map(({ created }) => created.getTime()).sort((a, b) => a - b);
  const today = new Date(`${utcDay(new Date())}T00:00:00Z`);
  return first === undefined ? [] : daysBetween(new Date(Math.floor(first / DAY_MS) * DAY_MS), today);
}

async function damageAndRepair(
  { narration, vendors, columns, context }: DemoStory,
  days: Awaited<ReturnType<typeof openDemoDays>>,
): Promise<boolean> {
  const damage = vendors.damage();
  if (damage === null) return true;
  const broken = await days.prove([damage.day]);
  narration.say(demoDamage(damage, broken, columns));
  const plan = await days.repair();
  narration.say(demoRepair(plan, columns));
  await narration.until(
    async () =>
      (await countsOf(context)).settled === (await countsOf(context)).found && days.isWhole(damage.id) ? 1 : null,
    () => 'the missing payment is posted again',
  );
  const again = await days.prove([damage.day]);
  narration.say(demoSealedAgain(again));
  return again.every(({ state }) => isSealed(state));
}
