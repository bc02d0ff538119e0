/**
 * Composition: `rebuild`. The backfill's own machinery reads Stripe, part by part and resumable; between reading and
 * storing stands the ledger, which says of each payment whether it is posted.
 */
import { v4 as uuidv4 } from 'uuid';
import { toJson } from '../cli/json.js';
import { createReadingView } from '../cli/reading-progress.js';
import type { RebuildOptions } from '../cli/rebuild.js';
import { beginLines, type RebuildBegin, type RebuildResult, resultLines } from '../cli/rebuild-text.js';
import { type BackfillPart, collectPart, openParts } from '../collect/backfill.js';
import type { CollectStore, StoredPage } from '../collect/ports.js';
import { CURRENT_MAPPING_VERSION } from '../core/mapping.js';
import type { Mirror } from '../core/mirror.js';
import { resolveMoment } from '../core/time-text.js';
import { remaining, type Window } from '../core/window.js';
import { createCollectStore } from '../db/collect-store.js';
import { rememberSourceBalance } from '../db/mirror-store.js';
import { createRebuildStore } from '../db/rebuild-store.js';
import { packageVersion } from '../package-root.js';
import { createBalanceNames } from '../post/balance-names.js';
import { otherLedger } from '../post/settle-doubt.js';
import { planRebuild, refuseMirrored } from '../prove/plan-rebuild.js';
import { judgePage, type RebuildPorts } from '../prove/rebuild.js';
import { noServerTime, refuseOtherMirror } from '../worker/claim-mirror.js';
import type { AppEnvironment } from './command-environment.js';
import { orRefuse } from './refusal.js';
import { systemClock } from './system-clock.js';
import { identityOf, type Workbench } from './workbench.js';

/** Parts that are read at the same time: while one page waits for the ledger, others come from Stripe. */
const PARTS_AT_ONCE = 8;

/** Sets the exit code: 2 when it was refused, 1 when it was interrupted or failed. Throws what ended the reading. */
export async function runRebuild(
  environment: AppEnvironment,
  bench: Workbench,
  options: RebuildOptions,
): Promise<void> {
  const begun = await orRefuse(environment, () => begin(environment, bench, options));
  if (begun === null) return;
  const { facts: mirror } = begun;
  if (mirror === null) {
    environment.output.warn('Nothing was done.');
    environment.exit(1);
    return;
  }
  const handOverAt = mirror.handOverAt ?? mirror.startsAt;
  let result: RebuildResult;
  try {
    result = await rebuild(environment, bench, { mirror, handOverAt });
  } catch (error) {
    environment.output.warn('The rebuild is not finished. Run it again: it goes on where it was.');
    throw error;
  }
  const lines = options.json ? [toJson(result)] : resultLines(result);
  for (const line of lines) environment.output.print(line);
  if (!result.complete) environment.exit(1);
}

/**
 * Asks everything that may refuse, and the person at the terminal, before anything is stored. Then the mirror row says
 * that it is being rebuilt. Null when that person does not want it.
 */
async function begin(
  { output, confirm }: AppEnvironment,
  bench: Workbench,
  { from, yes }: RebuildOptions,
): Promise<Mirror | null> {
  const { vendors, home, mirror: held } = bench;
  const tell = (begun: RebuildBegin): void => {
    for (const line of beginLines(begun)) output.warn(line);
  };
  if (held !== null) refuseMirrored(held);
  await vendors.checkAccess();
  const account = await vendors.account.readAccount();
  if (held !== null) {
    refuseOtherMirror(held, identityOf(bench), { accountId: account.id });
    tell({ ...held, handOverAt: held.handOverAt ?? held.startsAt, mirrorIdsFound: null });
    return held;
  }
  const serverTime = async (): Promise<Date> => {
    const now = await vendors.account.serverTime();
    if (now === null) throw noServerTime();
    return now;
  };
  const plan = await planRebuild(
    {
      history: vendors.ledgerSide,
      ledger: vendors.ledgerSide,
      stripe: vendors.account,
      serverTime,
      newMirrorId: uuidv4,
    },
    { from: from === null ? null : resolveMoment(from, await serverTime()) },
  );
  tell(plan);
  if (!yes && !(await confirm('Begin?'))) return null;
  const wanted = {
    ...identityOf(bench),
    mirrorId: plan.mirrorId,
    stripeAccount: account.id,
    sourceShards: 1,
    accountsMode: 'indicators',
    mappingVersion: CURRENT_MAPPING_VERSION,
    startsAt: plan.startsAt,
  };
  const mirror = await createRebuildStore(home.database.db, newOwner()).begin(wanted, plan.handOverAt);
  refuseMirrored(mirror);
  return mirror;
}

/** Runs that a rebuild stores belong to this process alone. */
function newOwner() {
  return { workerId: uuidv4(), version: packageVersion() };
}

interface Rebuilding {
  readonly mirror: Mirror;
  readonly handOverAt: Date;
}

/** Reads what is not covered yet. Interrupted, it leaves what was stored for the next one to go on from. */
async function rebuild(
  { output, signal, hooks }: AppEnvironment,
  bench: Workbench,
  { mirror, handOverAt }: Rebuilding,
): Promise<RebuildResult> {
  const { db } = bench.home.database;
  const owner = newOwner();
  const begunAtMs = systemClock.monotonicMs();
  if (mirror.stripeAccount !== null) bench.vendors.expectAccount(mirror.stripeAccount);
  const collecting = createCollectStore(db, { ...owner, mirrorId: mirror.mirrorId });
  const rebuilding = createRebuildStore(db, owner);
  const judging = createJudging(bench);
  const view = createReadingView(output);
  const asked = { from: mirror.startsAt, to: handOverAt };
  const uncovered = await uncoveredShare(collecting, asked);
  const progress = { payments: 0, share: 1 - uncovered, shareAtBegin: 1 - uncovered };
  const store: CollectStore = {
    ...collecting,
    async storePage(run, page) {
      const judged = await judgePage(page.postings, judging, mirror);
      const outcome = await rebuilding.storePage(run, { ...page, postings: judged });
      progress.payments += page.postings.length;
      progress.share = Math.min(1, progress.share + shareOf(page, asked));
      view.update(progress);
      await hooks?.at('rebuild.page_stored');
      return outcome;
    },
  };
  try {
    await readParts({ store, feeds: bench.vendors.feeds, wakeLanes: async () => {} }, signal);
  } finally {
    view.stop();
  }
  const complete = (await collecting.openBackfills()).length === 0;
  if (complete) await rebuilding.finish();
  return {
    ...{ mirrorId: mirror.mirrorId, startsAt: mirror.startsAt, handOverAt, complete },
    ...(await rebuilding.counts()),
    blnkRequests: bench.vendors.ledgerSide.requestCount(),
    durationMs: Math.round(systemClock.monotonicMs() - begunAtMs),
  };
}

/** Several parts at a time, until none is left or one fails; what is in hand ends before the fault is thrown. */
async function readParts(ports: Parameters<typeof collectPart>[0], signal: AbortSignal): Promise<void> {
  const parts: BackfillPart[] = [];
  for (const backfill of await ports.store.openBackfills()) {
    const open = await openParts(ports.store, backfill);
    if (open.length === 0) await ports.store.finishBackfill(backfill.id);
    parts.push(...open);
  }
  const faults: unknown[] = [];
  const readOnes = async (): Promise<void> => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (signal.aborted || faults.length > 0) return;
      try {
        await collectPart(ports, part, signal);
      } catch (error) {
        faults.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, readOnes));
  if (faults.length > 0) throw faults[0];
}

/** The ledger, and one memory of balance names. A self-hosted Core's source balances tell it from another from now on. */
function createJudging({ config, home, vendors }: Workbench): RebuildPorts {
  const { ledgerSide } = vendors;
  const confirmed = new Set<string>();
  return {
    ledger: ledgerSide,
    balances: createBalanceNames(ledgerSide),
    async confirmSource(currency, balanceId) {
      if (config.blnk.style === 'cloud' || confirmed.has(`${currency}:${balanceId}`)) return;
      const remembered = await rememberSourceBalance(home.database.db, currency, balanceId);
      if (remembered !== balanceId) throw otherLedger(currency, { remembered, found: balanceId });
      confirmed.add(`${currency}:${balanceId}`);
    },
  };
}

async function uncoveredShare(store: CollectStore, asked: Window): Promise<number> {
  let uncoveredMs = 0;
  for (const backfill of await store.openBackfills()) {
    for (const window of remaining(asked, await store.backfillCoverage(backfill.id))) uncoveredMs += lengthMs(window);
  }
  return uncoveredMs / lengthMs(asked);
}

function shareOf({ covers }: StoredPage, asked: Window): number {
  return covers === null ? 0 : lengthMs(covers) / lengthMs(asked);
}

function lengthMs({ from, to }: Window): number {
  return to.getTime() - from.getTime();
}
