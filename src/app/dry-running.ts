/**
 * Composition: `sync --dry-run` and `backfill --dry-run`. Reads in this process what the real thing would read, with the
 * mirror that there is, or with the one that the first start would make. Writes nothing but the limiter's counts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DryRunReport, dryRunLines } from '../cli/dry-run-text.js';
import { toJson } from '../cli/json.js';
import type { DryRunRequest } from '../cli/ports.js';
import { createReadingView } from '../cli/reading-progress.js';
import { type DryReading, dryRun, openWindows, readingOfBackfill, readingsOfSync } from '../collect/dry-run.js';
import { tailBegin } from '../collect/tail.js';
import { readWorkerConfig, type WorkerConfig } from '../config.js';
import type { DryRunCounts } from '../core/dry-run-counts.js';
import { describeFault, SyncError } from '../core/errors.js';
import { CURRENT_MAPPING_VERSION } from '../core/mapping.js';
import type { Mirror } from '../core/mirror.js';
import { formatTime, resolveMoment } from '../core/time-text.js';
import { earlier, floorToSecond } from '../core/window.js';
import { createCollectStore } from '../db/collect-store.js';
import { knownPayments } from '../db/reads/known-payments.js';
import { requestsPerSecond } from '../db/request-limiter.js';
import { packageVersion } from '../package-root.js';
import { noServerTime, startTime } from '../worker/claim-mirror.js';
import type { AppEnvironment } from './command-environment.js';
import { POSTING } from './stages.js';
import { TIMINGS } from './timings.js';
import { createVendors, type Vendors } from './vendors.js';
import { mirrorOf, openWorkbench, type Workbench } from './workbench.js';

/** Payments a second that one source balance of a Core takes in one currency, as measured. */
const POSTED_PER_SECOND = 200;

/** The mirror's id is random and not known before the first start; nothing that is counted depends on it. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** Sets the exit code: 2 when it could not start, 1 when it could not be read to the end. */
export async function runDryRun(environment: AppEnvironment, request: DryRunRequest): Promise<void> {
  const { output } = environment;
  let bench: DryBench | undefined;
  try {
    bench = await openBench(environment);
    const plan = await planOf(bench, request);
    await read(environment, { bench, plan, request });
  } catch (error) {
    output.warn(describeFault(error));
    environment.exit(2);
  }
  await bench?.close().catch((error: unknown) => {
    output.warn(`The connections did not close cleanly: ${describeFault(error)}`);
  });
}

interface DryBench {
  readonly config: WorkerConfig;
  readonly vendors: Vendors;
  /** Null where there is no database yet. */
  readonly workbench: Workbench | null;
  close(): Promise<void>;
}

/** A database that is not there yet is not created, and one without tables gets none. */
async function openBench(environment: AppEnvironment): Promise<DryBench> {
  const config = readWorkerConfig(environment.variables());
  const { signal } = environment;
  const log = environment.log('error');
  if (config.database.kind === 'url' || existsSync(join(config.database.dataDir, 'postgres'))) {
    try {
      const workbench = await openWorkbench(config, { log, signal });
      return { config, vendors: workbench.vendors, workbench, close: () => workbench.close() };
    } catch (error) {
      if (!(error instanceof SyncError && error.code === 'not_migrated')) throw error;
    }
  }
  const vendors = createVendors(config, { home: null, log, timings: TIMINGS, postsInFlightMax: 1, signal });
  return { config, vendors, workbench: null, close: () => vendors.close() };
}

interface Plan {
  readonly mirror: Mirror;
  /** Whether the ledger holds rows of this software that no mirror in this database stands for. */
  readonly ledgerInUse: boolean;
  readonly readings: readonly DryReading[];
  readonly now: Date;
  readonly firstStart: boolean;
}

async function planOf(bench: DryBench, request: DryRunRequest): Promise<Plan> {
  const now = await bench.vendors.account.serverTime();
  if (now === null) throw noServerTime();
  const held = bench.workbench?.mirror == null ? null : mirrorOf(bench.workbench);
  const ledgerInUse = held === null && (await bench.vendors.ledger.hasTransactionsOfOurs());
  const mirror = held ?? (await hypotheticalMirror(bench));
  const planned = { ledgerInUse, now, firstStart: mirror.handOverAt === null };
  if (request.kind === 'sync') return { ...planned, mirror, readings: await syncReadings(bench, { mirror, now }) };
  const window = {
    from: floorToSecond(resolveMoment(request.from, now)),
    to: floorToSecond(resolveMoment(request.to, now)),
  };
  if (window.from >= window.to || window.to > now) {
    throw new SyncError(
      `The window ${formatTime(window.from)} to ${formatTime(window.to)} cannot be read: ` +
        `--from must be before --to, and --to not after Stripe's now (${formatTime(now)} UTC)`,
      { kind: 'fatal', code: 'window_unreadable' },
    );
  }
  // A backfill moves the start back to its own.
  const claiming = { ...mirror, startsAt: earlier(mirror.startsAt, window.from) };
  return { ...planned, mirror: claiming, readings: [readingOfBackfill(window, mirror)] };
}

/** What the first start would store, by the configuration and Stripe's time. */
async function hypotheticalMirror({ config, vendors }: DryBench): Promise<Mirror> {
  return {
    mirrorId: NO_ID,
    stripeAccount: null,
    livemode: config.stripe.livemode,
    blnkInstance: config.blnk.instanceId ?? 'core',
    source: config.source,
    sourceShards: 1,
    guestDestination: config.guestDestination,
    accountsMode: 'indicators',
    mappingVersion: CURRENT_MAPPING_VERSION,
    startsAt: await startTime({ serverTime: () => vendors.account.serverTime() }, config.syncStart),
    handOverAt: null,
    firstPostAt: null,
    lagMs: null,
    eventsRefusedSince: null,
    chargesRefusedSince: null,
    rebuildingSince: null,
  };
}

async function syncReadings(
  { config, workbench }: DryBench,
  { mirror, now }: { readonly mirror: Mirror; readonly now: Date },
): Promise<DryReading[]> {
  const lagMs = config.syncLagMs;
  if (workbench === null || mirror.handOverAt === null) {
    return readingsOfSync({ mirror, now, lagMs, events: [], listedUpTo: null, backfills: [] });
  }
  const store = openStore(workbench);
  return readingsOfSync({
    ...{ mirror, now, lagMs },
    events: await store.eventCoverage(tailBegin(mirror, lagMs)),
    listedUpTo: await store.newestListedUpTo(),
    backfills: await openWindows(store, await store.openBackfills()),
  });
}

function openStore({ home }: Workbench) {
  return createCollectStore(home.database.db, { workerId: NO_ID, version: packageVersion(), mirrorId: null });
}

interface Reading {
  readonly bench: DryBench;
  readonly plan: Plan;
  readonly request: DryRunRequest;
}

/** Says what came of it, also when it ended early. */
async function read(environment: AppEnvironment, { bench, plan, request }: Reading): Promise<void> {
  const { output, signal } = environment;
  const { mirror, readings, now } = plan;
  const db = bench.workbench?.home.database.db ?? null;
  const view = createReadingView(output);
  let counts: DryRunCounts = NOTHING;
  let complete = false;
  let fault: unknown = null;
  try {
    complete = await dryRun(
      {
        feeds: bench.vendors.feeds,
        known: async (references) => (db === null ? new Set() : knownPayments(db, references)),
        onPage: (sofar, share) => {
          counts = sofar;
          view.update({ payments: sofar.found, share, shareAtBegin: 0 });
        },
      },
      { mirror, readings, now, signal },
    );
  } catch (error) {
    if (!(error instanceof SyncError && error.code === 'stopped')) fault = error;
  }
  view.stop();
  if (fault !== null) output.warn(describeFault(fault));
  const report = reportOf(counts, { bench, plan, request }, complete);
  const lines = request.json ? [toJson(report)] : dryRunLines(report, output.columns);
  for (const line of lines) output.print(line);
  if (!complete || plan.ledgerInUse) environment.exit(1);
}

const NOTHING: DryRunCounts = {
  ...{ found: 0, knownBefore: 0, fresh: 0, beforeStart: 0, stripeRequests: 0 },
  ...{ wouldPost: [], wouldPark: [] },
};

function reportOf(counts: DryRunCounts, { bench, plan, request }: Reading, complete: boolean): DryRunReport {
  const { config } = bench;
  const perSecond = requestsPerSecond({ share: config.stripeShare, livemode: config.stripe.livemode });
  // The first start asks for Stripe's time once more, for the hand-over, and runs the tail.
  const stripeRequests = counts.stripeRequests + (plan.firstStart && request.kind === 'sync' ? 2 : 0);
  const largest = Math.max(0, ...counts.wouldPost.map(({ count }) => count));
  return {
    asked: request.kind,
    firstStart: plan.firstStart,
    ledgerInUse: plan.ledgerInUse,
    windows: plan.readings.map(({ feed, from, to }) => ({ feed, from, to: to ?? plan.now })),
    complete,
    ...counts,
    estimate: {
      stripeRequests,
      stripeRequestsPerSecond: perSecond,
      blnkRequests: counts.wouldPost.reduce((sum, { count }) => sum + blnkRequests(count), 0),
      readingMs: Math.round((stripeRequests / perSecond) * 1_000),
      postingMs: Math.round((largest / POSTED_PER_SECOND) * 1_000),
      postedPerSecond: POSTED_PER_SECOND,
    },
  };
}

/** Of one lane: few are posted one by one, many in chunks that are each looked up once. */
function blnkRequests(payments: number): number {
  if (payments <= POSTING.singlesMax) return payments;
  return 2 * Math.ceil(payments / POSTING.chunkSize);
}
