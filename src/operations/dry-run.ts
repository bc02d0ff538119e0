/**
 * Reports what a sync or a backfill would do. Reads in this process what the real thing would read, with the mirror that there
 * is, or with the one that the first start would make. Writes nothing but the limiter's counts.
 */
import {
  type DryReading,
  type DryRunPorts,
  openWindows,
  dryRun as read,
  readingOfBackfill,
  readingsOfSync,
} from '../collect/dry-run.js';
import { tailBegin } from '../collect/tail.js';
import { balanceNameOf } from '../core/accounts/identity.js';
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import { formatTime, type Moment, resolveMoment } from '../core/base/time-text.js';
import { earlier, floorToSecond } from '../core/base/window.js';
import type { DryRunCounts } from '../core/coverage/dry-run-counts.js';
import type { PaymentFeed } from '../core/coverage/sync-run.js';
import { newMappingVersion } from '../core/posting/mapping.js';
import type { Mirror } from '../core/posting/mirror.js';
import { ownBalancesOf } from '../core/posting/source-shards.js';
import { requestsPerSecond, stripeLimitsOf } from '../core/settings/stripe-limits.js';
import { createCollectStore } from '../db/collect/collect-store.js';
import type { Database } from '../db/connection/open.js';
import { knownBalances, readAccounts } from '../db/reads/accounts.js';
import { countWithoutIdentity, knownCustomers } from '../db/reads/identities.js';
import { knownPayments } from '../db/reads/known-payments.js';
import { POSTING } from '../post/posting-sizes.js';
import { startTime } from '../worker/claim-mirror.js';
import type { ReadingListener } from './reading-progress.js';
import { mirrorOf, type Session } from './session.js';

export type DryRunAsked =
  | { readonly kind: 'sync' }
  | { readonly kind: 'backfill'; readonly from: Moment; readonly to: Moment };

export interface DryRunSession extends Pick<Session, 'config' | 'vendors' | 'mirror' | 'version' | 'signal'> {
  /** Null where there is none yet, or none with tables. */
  readonly database: Database | null;
}

/** The requests among the counts are those of the dry run itself. */
export interface DryRunReport extends DryRunCounts {
  readonly asked: 'sync' | 'backfill';
  /** No worker was started yet: it reads what the first start would. */
  readonly firstStart: boolean;
  /** The database is empty and the ledger is not: a worker would refuse to start over it. */
  readonly ledgerInUse: boolean;
  readonly windows: ReadonlyArray<{
    readonly feed: PaymentFeed;
    readonly from: Date;
    readonly to: Date;
  }>;
  /** False: stopped or failed before the end; the counts are of what was read. */
  readonly complete: boolean;
  readonly estimate: DryRunEstimate;
  /** Identities that would be made in Blnk, each of which the Cloud bills; null: they are off. */
  readonly identities: number | null;
  /** Balances, and the ledger, that would be made in Blnk, each of which the Cloud bills; null: Blnk makes them by itself. */
  readonly balances: number | null;
}

/** Of the real thing. */
interface DryRunEstimate {
  readonly stripeRequests: number;
  readonly stripeRequestsPerSecond: number;
  readonly blnkRequests: number;
  readonly readingMs: number;
  readonly postingMs: number;
  /** Payments a second in one currency that the time for posting is computed with. */
  readonly postedPerSecond: number;
}

export interface DryRunResult {
  readonly report: DryRunReport;
  /** What ended the reading early; null when it came to its end or was stopped. */
  readonly fault: unknown;
}

/** Payments a second that one source balance of a Core takes in one currency, as measured. */
const POSTED_PER_SECOND = 200;

/** The mirror's id is random and not known before the first start; nothing that is counted depends on it. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** Answers what came of it, also when the reading ended early. Throws a Refusal when there was nothing to read. */
export async function dryRun(
  session: DryRunSession,
  asked: DryRunAsked,
  listener: ReadingListener,
): Promise<DryRunResult> {
  const plan = await orRefuse(() => planOf(session, asked));
  const { mirror, readings, now } = plan;
  let counts: DryRunCounts = NOTHING;
  let complete = false;
  let fault: unknown = null;
  listener.begin();
  try {
    complete = await read(
      {
        feeds: session.vendors.feeds,
        known: async (references) =>
          session.database === null ? new Set() : knownPayments(session.database.db, references),
        ...countingCustomers(session),
        ...countingBalances(session),
        onPage: (sofar, share) => {
          counts = sofar;
          listener.update({ payments: sofar.found, share, shareAtBegin: 0 });
        },
      },
      { mirror, readings, now, signal: session.signal },
    );
  } catch (error) {
    if (!(error instanceof SyncError && error.code === 'stopped')) fault = error;
  }
  const report = reportOf(counts, { session, plan, kind: asked.kind }, complete);
  const identities = await identitiesOf(session, counts);
  return { report: { ...report, identities, balances: await balancesOf(session, counts) }, fault };
}

function countingCustomers({ config, database }: DryRunSession): Pick<DryRunPorts, 'knownCustomers'> {
  if (config.identities === 'off') return {};
  return {
    knownCustomers: async (customers) =>
      database === null ? new Set() : knownCustomers(database.sql, customers.map(balanceNameOf)),
  };
}

function countingBalances({ config, database }: DryRunSession): Pick<DryRunPorts, 'knownBalances'> {
  if (config.accounts.mode === 'indicators') return {};
  return {
    knownBalances: async (pairs) => (database === null ? new Set() : knownBalances(database.sql, pairs)),
  };
}

/** With the ledger itself. */
async function balancesOf({ config, database }: DryRunSession, counts: DryRunCounts): Promise<number | null> {
  if (config.accounts.mode === 'indicators') return null;
  const held = database === null ? null : await readAccounts(database.db);
  return (counts.newBalances ?? 0) + (held?.ledgerId == null ? 1 : 0);
}

/** With those of a mirror that was posted to before identities were wanted. */
async function identitiesOf({ config, database, mirror }: DryRunSession, counts: DryRunCounts): Promise<number | null> {
  if (counts.newCustomers === null && config.identities === 'off') return null;
  const own = mirror ?? config;
  const owed =
    database === null ? 0 : await countWithoutIdentity(database.sql, [own.guestDestination, ...ownBalancesOf(own)]);
  return owed + (counts.newCustomers ?? 0);
}

interface Plan {
  readonly mirror: Mirror;
  /** Whether the ledger holds rows of this software that no mirror in this database stands for. */
  readonly ledgerInUse: boolean;
  readonly readings: readonly DryReading[];
  readonly now: Date;
  readonly firstStart: boolean;
}

async function planOf(session: DryRunSession, asked: DryRunAsked): Promise<Plan> {
  const { vendors } = session;
  const now = await vendors.account.serverTime();
  const held = session.mirror === null ? null : mirrorOf(session);
  const ledgerInUse = held === null && (await vendors.ledger.hasTransactionsOfOurs());
  const mirror = held ?? (await hypotheticalMirror(session));
  const planned = { ledgerInUse, now, firstStart: mirror.cutoverAt === null };
  if (asked.kind === 'sync') return { ...planned, mirror, readings: await syncReadings(session, { mirror, now }) };
  const window = {
    from: floorToSecond(resolveMoment(asked.from, now)),
    to: floorToSecond(resolveMoment(asked.to, now)),
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
async function hypotheticalMirror({ config, vendors }: DryRunSession): Promise<Mirror> {
  return {
    mirrorId: NO_ID,
    stripeAccount: null,
    livemode: config.stripe.livemode,
    blnkInstance: config.blnk.instanceId ?? 'core',
    source: config.source,
    sourceShards: config.sourceShards,
    guestDestination: config.guestDestination,
    accountsMode: config.accounts.mode,
    mappingVersion: newMappingVersion(config),
    startsAt: await startTime({ serverTime: () => vendors.account.serverTime() }, config.syncStart),
    cutoverAt: null,
    firstPostAt: null,
    lagMs: null,
    eventsRefusedSince: null,
    chargesRefusedSince: null,
    balancesRefusedSince: null,
    rebuildingSince: null,
    ledgerEpoch: 0,
  };
}

async function syncReadings(
  { config, database, version }: DryRunSession,
  { mirror, now }: { readonly mirror: Mirror; readonly now: Date },
): Promise<DryReading[]> {
  const lagMs = config.syncLagMs;
  if (database === null || mirror.cutoverAt === null) {
    return readingsOfSync({ mirror, now, lagMs, events: [], listedUpTo: null, backfills: [] });
  }
  const store = createCollectStore(database.db, { workerId: NO_ID, version, mirrorId: null });
  return readingsOfSync({
    ...{ mirror, now, lagMs },
    events: await store.eventCoverage(tailBegin(mirror, lagMs)),
    listedUpTo: await store.newestListedUpTo(),
    backfills: await openWindows(store, await store.openBackfills()),
  });
}

const NOTHING: DryRunCounts = {
  ...{ found: 0, knownBefore: 0, fresh: 0, beforeStart: 0, stripeRequests: 0 },
  ...{ wouldPost: [], wouldPark: [], newCustomers: null, newBalances: null },
};

interface Read {
  readonly session: DryRunSession;
  readonly plan: Plan;
  readonly kind: DryRunAsked['kind'];
}

function reportOf(
  counts: DryRunCounts,
  { session, plan, kind }: Read,
  complete: boolean,
): Omit<DryRunReport, 'identities' | 'balances'> {
  const { config } = session;
  const perSecond = requestsPerSecond(stripeLimitsOf(config));
  // The first start requests Stripe's time once more, for the hand-over, and runs the tail.
  const stripeRequests = counts.stripeRequests + (plan.firstStart && kind === 'sync' ? 2 : 0);
  const largest = Math.max(0, ...counts.wouldPost.map(({ count }) => count));
  return {
    asked: kind,
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
