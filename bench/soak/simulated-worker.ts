/**
 * The stages of one worker for a simulated soak: real stores, adapters, jobs and timers' work, joined as a worker joins
 * them, but for the queue and for time, which the simulation gives. Waits of production cost nothing here.
 */
import { randomUUID } from 'node:crypto';
import { createScheduledProofs } from '../../src/app/proving.js';
import { TIMINGS } from '../../src/app/timings.js';
import { createLedger } from '../../src/blnk/ledger.js';
import { createLedgerSide } from '../../src/blnk/listings.js';
import type { BackfillPart } from '../../src/collect/ports.js';
import type { Clock } from '../../src/core/clock.js';
import { createBalanceNames } from '../../src/core/ledger/balance-names.js';
import type { Lane } from '../../src/core/posting.js';
import { createCollectStore } from '../../src/db/collect-store.js';
import { markFirstPost } from '../../src/db/mirror-store.js';
import type { Database } from '../../src/db/open.js';
import { createOutbox } from '../../src/db/outbox.js';
import { lanesDue } from '../../src/db/postings/due.js';
import { createRequestLimiter } from '../../src/db/request-limiter.js';
import { createWorkerRegistry } from '../../src/db/worker-registry.js';
import { createEvents } from '../../src/observability/events.js';
import { createLog } from '../../src/observability/log.js';
import { createLaneDrainer } from '../../src/post/drain-lane.js';
import { POSTING } from '../../src/post/posting-sizes.js';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import { createStripeClient } from '../../src/stripe/client.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import { createStripeSide } from '../../src/stripe/listing.js';
import { createPartJob } from '../../src/worker/part-job.js';
import { createSyncJob, requestOpenParts } from '../../src/worker/sync-job.js';
import { rememberingSource } from '../../test/support/source-memory.js';
import { SimulatedLanes } from './simulated-lanes.js';
import type { VendorAddresses } from './vendors.js';

export interface StageParts {
  readonly database: Database;
  readonly vendors: VendorAddresses;
  readonly mirrorId: string;
  readonly lagMs: number;
  readonly keepEmptyRunsMs: number;
  /** A day is proven for the first time so long after its end. */
  readonly provedAfterMs: number;
  nowMs(): number;
  /** A job failed; the simulation goes on, as a worker does. */
  onFailed(job: string, error: unknown): void;
}

export interface SimulatedWorker {
  readonly lanes: SimulatedLanes;
  /** A tick of the schedule. */
  tick(): Promise<void>;
  /** One turn of the timer. */
  tend(): Promise<void>;
  renew(): Promise<void>;
  /** One turn of proving the days that are due. */
  prove(): Promise<void>;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** Few, so that faults reach the stages. */
const ATTEMPTS_MAX = 2;

export function openSimulatedWorker(parts: StageParts): SimulatedWorker {
  const { database, mirrorId, lagMs, onFailed } = parts;
  const { db, sql } = database;
  const clock: Clock = { monotonicMs: parts.nowMs, sleep: async () => {}, every: () => () => {} };
  const { client, ledger, ledgerSide } = openAdapters(parts, clock);
  const workerId = randomUUID();
  const store = createCollectStore(db, { workerId, version: 'soak', mirrorId });
  const feeds = createPaymentFeeds({ client });
  const account = createStripeAccountReader({ client });
  const registry = createWorkerRegistry(sql, { id: workerId, host: 'soak', pid: process.pid, version: 'soak' });
  const lanes = new SimulatedLanes({
    drainer: createDrainer(parts, ledger, clock),
    nowMs: parts.nowMs,
    onFailed(error) {
      onFailed('lane', error);
      return TIMINGS.lanePause.baseMs;
    },
  });
  const collecting = {
    ...{ store, feeds },
    wakeLanes: async (woken: readonly Lane[]) => {
      for (const lane of woken) lanes.wake(lane);
    },
  };
  const permissions = { vendorClock: account, clock, permissions: account, onPermission: () => {} };
  const waiting = new Map<string, BackfillPart>();
  const requestPart = async (part: BackfillPart): Promise<void> => {
    waiting.set(`${part.backfillId}:${part.window.from.toISOString()}`, part);
  };
  const sync = createSyncJob({ ...collecting, ...permissions, requestPart }, { lagMs, signal: NEVER });
  const readPart = createPartJob({ ...collecting, ...permissions });
  const proofs = createScheduledProofs({
    home: { database },
    vendors: { stripeSide: createStripeSide({ feeds }), ledgerSide },
    events: createEvents(createLog({ level: 'silent', forPeople: false }), () => 0),
    signal: NEVER,
    lagMs,
    timings: { ...TIMINGS.proofs, firstAfterMs: parts.provedAfterMs, failedAfterMs: 0 },
    requestProofs: async () => {},
    confirmLedger: async () => {},
  });
  const attempt = async (job: string, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => onFailed(job, error));
  };
  return {
    lanes,
    async tick() {
      await attempt('sync', () => sync('schedule'));
      for (const [key, part] of waiting) {
        waiting.delete(key);
        await attempt('part', () => readPart(part, NEVER));
      }
    },
    async tend() {
      await attempt('tidy', () =>
        registry.tidy({ silentAfterMs: TIMINGS.runSilentAfterMs, keepEmptyRunsMs: parts.keepEmptyRunsMs }),
      );
      await attempt('lanes', async () => {
        for (const lane of await lanesDue(sql)) lanes.wake(lane);
      });
      await attempt('backfills', () => requestOpenParts({ store, requestPart }));
    },
    renew: () => attempt('renew', () => registry.renew()),
    prove: () => attempt('prove', () => proofs.turn()),
    async close() {
      client.close();
      await Promise.all([ledger.close(), ledgerSide.close()]);
    },
  };
}

function openAdapters({ vendors, database }: StageParts, clock: Clock) {
  const client = createStripeClient({
    baseUrl: vendors.stripeUrl,
    readKey: async () => vendors.stripeKey,
    // Counts the reads and takes its places as ever, and does not wait for them: time is simulated.
    limiter: createRequestLimiter(database.sql, { share: 1, livemode: false, sleep: async () => {} }),
    version: 'soak',
    clock: { monotonicMs: clock.monotonicMs, sleep: async () => {}, random: () => 0.5 },
    retries: { attemptsMax: ATTEMPTS_MAX },
  });
  const blnk = {
    ...{ style: 'core' as const, baseUrl: vendors.ledgerUrl, instanceId: null },
    readKey: async () => vendors.ledgerKey,
    ...{ lookUpAttemptsMax: ATTEMPTS_MAX, lookUpFirstWaitMs: 1 },
  };
  return { client, ledger: createLedger({ ...blnk, connections: 32 }), ledgerSide: createLedgerSide(blnk) };
}

function createDrainer(parts: StageParts, ledger: ReturnType<typeof createLedger>, clock: Clock) {
  const { db, sql } = parts.database;
  return createLaneDrainer(
    {
      ...{ ledger, clock, source: '@stripe', random: Math.random },
      outbox: createOutbox(sql, { epoch: 0 }),
      balances: createBalanceNames(ledger),
      confirmSource: rememberingSource(sql, '@stripe'),
      markFirstPost: () => markFirstPost(db, parts.mirrorId),
      onRenewalFailed: () => {},
      onStalled: () => {},
      onResumed: () => {},
    },
    {
      ...POSTING,
      mirrorId: parts.mirrorId,
      leaseMs: TIMINGS.leaseMs,
      finalAfterMs: TIMINGS.finalAfterMs,
      backoff: TIMINGS.backoff,
      pause: TIMINGS.lanePause,
    },
  );
}
