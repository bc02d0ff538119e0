/**
 * Composition, part three: the worker. The only place that constructs the vendors' adapters and joins them to the stages;
 * started in order, closed in reverse. It decides nothing about payments.
 */
import { hostname } from 'node:os';
import { v4 as uuidv4 } from 'uuid';
import { createLedger } from '../blnk/ledger.js';
import { collectPart } from '../collect/backfill.js';
import type { StorePagePorts } from '../collect/store-page.js';
import type { WorkerConfig } from '../config.js';
import { describeError, SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { pollIntervalMs } from '../core/poll-interval.js';
import { type Lane, laneName } from '../core/posting.js';
import type { Trigger } from '../core/sync-run.js';
import { createCollectStore } from '../db/collect-store.js';
import { createMirror, findMirror, markFirstPost, rememberSourceBalance, updateMirror } from '../db/mirror-store.js';
import { createOutbox, lanesDue } from '../db/outbox.js';
import { createRequestLimiter } from '../db/request-limiter.js';
import { anyStoredIntent, createWorkerRegistry, paymentsInThirtyDays, sinceLastTailMs } from '../db/worker-registry.js';
import type { Log } from '../observability/log.js';
import { packageVersion } from '../package-root.js';
import { createBalanceNames } from '../post/balance-names.js';
import { createLaneDrainer } from '../post/drain-lane.js';
import { otherLedger } from '../post/settle-doubt.js';
import { createJobQueue } from '../queue/job-queue.js';
import { createStripeAccountReader } from '../stripe/account.js';
import { createStripeClient } from '../stripe/client.js';
import { createPaymentFeeds } from '../stripe/feeds.js';
import { claimMirror } from '../worker/claim-mirror.js';
import { createSyncJob, requestOpenParts } from '../worker/sync-job.js';
import { createLaneAlarms, startWakeTimer } from '../worker/wake-timer.js';
import type { Home } from './home.js';
import { systemClock } from './system-clock.js';
import type { Timings } from './timings.js';

export interface RunningWorker {
  readonly workerId: string;
  readonly mirror: Mirror;
  /** Takes no new work and waits for what is in flight; then closes everything but the home. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  readonly home: Home;
  readonly log: Log;
  readonly timings: Timings;
  readonly adopt: boolean;
}

/** Backfill parts and lanes that one process works on at the same time. */
const PARTS_AT_ONCE = 4;
const LANES_AT_ONCE = 16;

/** About 100 items in two requests at a time is the fastest that one source balance of a Core takes. */
const POSTING = { chunkSize: 100, chunksInFlight: 2, singlesMax: 3 };

/** Starts a worker. Throws SyncError `fatal` for a person to mend, `transient` when a server is not there yet. */
export async function startWorker(config: WorkerConfig, options: WorkerOptions): Promise<RunningWorker> {
  const { home, log, timings } = options;
  const { db, sql } = home.database;
  const version = packageVersion();
  const workerId = uuidv4();
  const stopping = new AbortController();
  const closers: Array<() => Promise<void> | void> = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };

  try {
    const stripe = createStripeClient({
      baseUrl: config.stripe.apiBase,
      readKey: config.stripe.readKey,
      limiter: createRequestLimiter(sql, {
        share: config.stripeShare,
        livemode: config.stripe.livemode,
        sleep: systemClock.sleep,
      }),
      version,
      signal: stopping.signal,
      retries: { backoffBaseMs: timings.stripeRetryBaseMs },
      onRetry: (notice) => log.warn({ ...notice }, 'Stripe is asked again'),
    });
    closers.push(() => stripe.close());
    const account = createStripeAccountReader({ client: stripe });
    const ledger = createLedger({
      ...config.blnk,
      baseUrl: config.blnk.apiBase,
      postTimeoutMs: timings.postTimeoutMs,
      lookUpFirstWaitMs: timings.lookUpFirstWaitMs,
      // A request that waited for a connection would be sent later than its claim allows.
      connections: LANES_AT_ONCE * POSTING.chunksInFlight,
    });
    closers.push(() => ledger.close());

    const { missing } = await account.checkPermissions();
    if (missing.length > 0) log.warn({ missing }, 'STRIPE_API_KEY lacks permissions that later checks need');
    await ledger.checkPermissions();
    const mirror = await claimMirror(
      {
        find: () => findMirror(db),
        create: (wanted) => createMirror(db, wanted),
        update: (changed) => updateMirror(db, changed),
        anyStoredIntent: () => anyStoredIntent(sql),
        readAccount: () => account.readAccount(),
        readIntent: (id) => account.readIntent(id),
        serverTime: () => account.serverTime(),
        ledgerHasTransactionsOfOurs: () => ledger.hasTransactionsOfOurs(null),
        newMirrorId: uuidv4,
      },
      {
        livemode: config.stripe.livemode,
        blnkInstance: config.blnk.instanceId ?? 'core',
        source: config.source,
        guestDestination: config.guestDestination,
        syncStart: config.syncStart,
      },
      { adopt: options.adopt },
    );

    const queue = createJobQueue(home.queueBackend, (error) => log.debug({ error: error.message }, 'queue'));
    closers.push(() => queue.close());
    const store = createCollectStore(db, { workerId, version });
    const registry = createWorkerRegistry(sql, { id: workerId, host: hostname(), pid: process.pid, version });
    const intervalMs = async () =>
      pollIntervalMs({
        everyMs: config.syncEveryMs,
        share: config.stripeShare,
        livemode: mirror.livemode,
        paymentsInThirtyDays: await paymentsInThirtyDays(sql),
      });
    const onError = (step: string, error: unknown) =>
      log.warn({ step, error: describeError(error) }, 'a step of the timer failed');
    const alarms = createLaneAlarms({ wakeLane: (lane) => queue.wakeLane(lane), onError });
    closers.push(() => alarms.stop());
    const collectPorts: StorePagePorts & { feeds: ReturnType<typeof createPaymentFeeds>; store: typeof store } = {
      store,
      feeds: createPaymentFeeds({ client: stripe }),
      wakeLanes: async (lanes) => {
        for (const lane of lanes) await queue.wakeLane(lane);
      },
    };
    const sync = createSyncJob(
      {
        ...collectPorts,
        vendorClock: account,
        clock: systemClock,
        requestPart: (part) => queue.requestPart(part),
        sinceLastTailMs: () => sinceLastTailMs(sql),
        intervalMs,
      },
      { lagMs: config.syncLagMs, signal: stopping.signal },
    );
    const drainer = createLaneDrainer(
      {
        ledger,
        outbox: createOutbox(sql),
        balances: createBalanceNames(ledger),
        clock: systemClock,
        random: Math.random,
        confirmSource: createSourceGuard(db, config.blnk.style),
        markFirstPost: () => markFirstPost(db),
        onRenewalFailed: (error) => log.warn({ error: describeError(error) }, 'a claim could not be renewed'),
        onStalled: (lane, stall) =>
          log.warn({ lane: laneName(lane), ...stall }, 'Blnk does not take this lane now; it pauses'),
      },
      {
        ...POSTING,
        mirrorId: mirror.mirrorId,
        leaseMs: timings.leaseMs,
        finalAfterMs: timings.finalAfterMs,
        backoff: timings.backoff,
        pause: timings.lanePause,
      },
    );

    await registry.renew();
    closers.push(() => registry.leave());
    await queue.ensureSchedule(config.syncEveryMs, { replace: true });
    const stopWorking = await queue.work(
      {
        sync: async (trigger: Trigger) => {
          await sync(trigger);
        },
        part: (part) => collectPart(collectPorts, part, stopping.signal),
        lane: async (lane: Lane) => {
          let nextMs: number | null = timings.lanePause.baseMs;
          try {
            nextMs = await drainer.drain(lane, stopping.signal);
          } finally {
            if (nextMs !== null && !stopping.signal.aborted) alarms.set(lane, nextMs);
          }
        },
      },
      {
        partsAtOnce: PARTS_AT_ONCE,
        lanesAtOnce: LANES_AT_ONCE,
        lockMs: timings.jobLockMs,
        onJobFailed: ({ name, error }) => logJobFailure(log, name, error),
        onError: (error) => log.debug({ error: error.message }, 'queue worker'),
      },
    );
    closers.push(stopWorking);
    closers.push(
      startWakeTimer(
        {
          clock: systemClock,
          renew: () => registry.renew(),
          tidy: async () => {
            const closed = await registry.tidy({
              silentAfterMs: timings.runSilentAfterMs,
              keepEmptyRunsMs: config.keepEmptyRunsMs,
            });
            if (closed > 0) log.warn({ runs: closed }, 'closed runs whose worker went silent');
          },
          ensureSchedule: () => queue.ensureSchedule(config.syncEveryMs, { replace: false }),
          lanesDue: () => lanesDue(sql),
          wakeLane: (lane) => queue.wakeLane(lane),
          requestOpenParts: () => requestOpenParts({ store, requestPart: (part) => queue.requestPart(part) }),
          requestSyncIfLate: async () => {
            const since = await sinceLastTailMs(sql);
            if (since === null || since > 2 * (await intervalMs())) await queue.requestSync('schedule');
          },
          onError,
        },
        { syncEveryMs: config.syncEveryMs },
      ),
    );
    await queue.requestSync('startup');
    return {
      workerId,
      mirror,
      async stop() {
        stopping.abort();
        await closeAll();
      },
    };
  } catch (error) {
    stopping.abort();
    await closeAll();
    throw error;
  }
}

/** A self-hosted Core has no instance id; its source balances tell it from another one. */
function createSourceGuard(db: Home['database']['db'], style: WorkerConfig['blnk']['style']) {
  const confirmed = new Map<string, string>();
  return async (currency: string, balanceId: string): Promise<void> => {
    if (style === 'cloud' || confirmed.get(currency) === balanceId) return;
    const remembered = await rememberSourceBalance(db, currency, balanceId);
    if (remembered !== balanceId) throw otherLedger(currency, { remembered, found: balanceId });
    confirmed.set(currency, balanceId);
  };
}

/** Each kind once, at its level: a stop needs a person, the rest mends itself or is in `sync_runs`. */
function logJobFailure(log: Log, job: string, error: Error): void {
  const fields = { job, code: error instanceof SyncError ? error.code : 'unexpected', error: describeError(error) };
  if (error instanceof SyncError && error.kind === 'fatal') log.error(fields, 'stopped; a person has to act');
  else log.warn(fields, 'a job failed; it is asked for again');
}
