/**
 * One simulated worker process: its own token, stores, connections and memory, and the jobs and timer of a real one, each
 * started by the history instead of a queue. Waits are production's: time is simulated, so they cost nothing.
 */
import { randomUUID } from 'node:crypto';
import { TIMINGS } from '../../../src/app/timings.js';
import { createLedger } from '../../../src/blnk/ledger.js';
import { type ClockWatch, createClockWatch } from '../../../src/collect/agreed-time.js';
import { collectPart } from '../../../src/collect/backfill.js';
import type { BackfillPart, CollectStore } from '../../../src/collect/ports.js';
import type { Clock } from '../../../src/core/clock.js';
import { SyncError } from '../../../src/core/errors.js';
import { createBalanceNames } from '../../../src/core/ledger/balance-names.js';
import type { Lane } from '../../../src/core/posting.js';
import type { Trigger } from '../../../src/core/sync-run.js';
import { createCollectStore } from '../../../src/db/collect-store.js';
import { endLanePause, noteLanePause } from '../../../src/db/lane-pauses.js';
import { markFirstPost } from '../../../src/db/mirror-store.js';
import { createOutbox } from '../../../src/db/outbox.js';
import { lanesDue } from '../../../src/db/postings/due.js';
import { readDatabaseNow } from '../../../src/db/reads/status.js';
import { createTimesMender } from '../../../src/db/times-ahead.js';
import { createWorkerRegistry, sinceLastTailMs } from '../../../src/db/worker-registry.js';
import { createLaneDrainer, type LaneDrainer } from '../../../src/post/drain-lane.js';
import { POSTING } from '../../../src/post/posting-sizes.js';
import { createStripeAccountReader } from '../../../src/stripe/account.js';
import { createStripeClient } from '../../../src/stripe/client.js';
import { createPaymentFeeds } from '../../../src/stripe/feeds.js';
import { createPermissionWatch, type PermissionWatch } from '../../../src/worker/permission-watch.js';
import { createSyncJob, requestOpenParts, type SyncJob } from '../../../src/worker/sync-job.js';
import { startWakeTimer } from '../../../src/worker/wake-timer.js';
import { rememberingSource } from '../source-memory.js';
import { Died, Fate } from './fate.js';
import { DAY, LAG, MINUTE, SECOND } from './time.js';
import type { History } from './world.js';

/** A restricted key, because its permissions can be taken away. */
export const STRIPE_KEY = 'rk_test_history';

const NEVER = new AbortController().signal;

export class HistoryWorker {
  readonly id = randomUUID();
  readonly fate = new Fate();
  readonly store: CollectStore;
  readonly #history: History;
  readonly #collecting: Parameters<typeof collectPart>[0];
  readonly #sync: SyncJob;
  readonly #watch: PermissionWatch;
  readonly #drainer: LaneDrainer;
  readonly #mendTimes: () => Promise<unknown>;
  readonly #close: () => Promise<void>;
  readonly #clocks: ClockWatch;

  constructor(history: History) {
    this.#history = history;
    const { db, sql } = history.database;
    this.#mendTimes = createTimesMender(sql, { queueSchema: null });
    this.#clocks = createClockWatch({
      databaseNow: () => readDatabaseNow(db),
      machineNow: () => new Date(history.clock.nowMs() + history.machineOffMs),
      monotonicMs: () => history.clock.nowMs(),
      onFault: () => {},
    });
    const client = createClient(history, this.#clocks);
    const ledger = connectToBlnk(history);
    this.#close = async () => {
      client.close();
      await ledger.close();
    };
    this.store = this.fate.around(
      createCollectStore(db, { workerId: this.id, version: 'test', mirrorId: history.mirrorId }),
    );
    this.#collecting = {
      store: this.store,
      feeds: this.fate.around(createPaymentFeeds({ client })),
      wakeLanes: async (lanes) => {
        for (const lane of lanes) await history.queue.wakeLane(lane);
      },
    };
    const account = this.fate.around(createStripeAccountReader({ client }));
    const permissions = {
      store: this.store,
      ...{ vendorClock: account, permissions: account },
      clock: clockOf(history),
      onPermission: () => {},
    };
    this.#watch = createPermissionWatch(permissions);
    this.#sync = createSyncJob(
      { ...this.#collecting, ...permissions, requestPart: (part) => history.queue.requestPart(part) },
      { lagMs: LAG, signal: NEVER },
    );
    const wrapped = this.fate.around(ledger);
    this.#drainer = createLaneDrainer(
      {
        ledger: wrapped,
        outbox: this.fate.around(createOutbox(sql, { epoch: 0 })),
        balances: createBalanceNames(wrapped),
        clock: clockOf(history),
        random: () => 0.5,
        source: '@stripe',
        confirmSource: rememberingSource(sql, '@stripe'),
        markFirstPost: () => markFirstPost(db, history.mirrorId),
        onRenewalFailed: () => {},
        onStalled: (lane, { error }) => history.keepRunning(noteLanePause(db, lane, error)),
        onResumed: (lane) => history.keepRunning(endLanePause(db, lane)),
      },
      {
        ...POSTING,
        mirrorId: history.mirrorId,
        leaseMs: TIMINGS.leaseMs,
        finalAfterMs: TIMINGS.finalAfterMs,
        backoff: TIMINGS.backoff,
        pause: TIMINGS.lanePause,
      },
    );
  }

  /** The `sync` job. */
  sync(trigger: Trigger = 'schedule'): Promise<void> {
    return this.#work(async () => {
      await this.#sync(trigger);
    });
  }

  /** All jobs that the queue holds: lanes and parts at once, as a worker takes them. `keep`: they are taken twice. */
  takeJobs(options: { readonly keep: boolean } = { keep: false }): Promise<void> {
    return this.#work(async () => {
      const { parts, lanes } = this.#history.queue.takeJobs(options);
      const jobs = [
        ...parts.map((part) => () => this.#collectPart(part)),
        ...lanes.map((lane) => () => this.#drainer.drain(lane, NEVER)),
      ];
      await settleAll(jobs.map((job) => job()));
    });
  }

  part(part: BackfillPart): Promise<void> {
    return this.#work(() => this.#collectPart(part));
  }

  /** It comes back when its next posting is due, as the alarm of a worker does; here the timer asks. */
  lane(lane: Lane): Promise<void> {
    return this.#work(async () => {
      await this.#drainer.drain(lane, NEVER);
    });
  }

  /** One turn of the timer: what is due is asked for again, and dead workers' runs are closed. */
  askForDue(): Promise<void> {
    return this.#work(async () => {
      const { sql } = this.#history.database;
      const registry = createWorkerRegistry(sql, { id: this.id, host: 'test', pid: 1, version: 'test' });
      const errors: unknown[] = [];
      const stop = startWakeTimer(
        {
          clock: { ...clockOf(this.#history), every: once },
          tidy: async () => {
            await registry.renew(this.#clocks.fault());
            await registry.tidy({ silentAfterMs: TIMINGS.runSilentAfterMs, keepEmptyRunsMs: 7 * DAY });
            await this.#mendTimes();
          },
          ensureSchedule: async () => {},
          lanesDue: () => lanesDue(sql),
          wakeLane: (lane) => this.#history.queue.wakeLane(lane),
          requestOpenParts: () => this.#requestOpenParts(),
          lookUpDismissed: async () => {},
          requestProofs: async () => {},
          lookAtVerdict: async () => {},
          onError: (_step, error) => errors.push(error),
        },
        { syncEveryMs: MINUTE },
      );
      await stop();
      // What a worker begins by itself when no tick was delivered.
      const since = await sinceLastTailMs(sql);
      if (since === null || since > 2 * MINUTE) await this.#sync('schedule').catch((error) => errors.push(error));
      await settleAll(errors.map((error) => Promise.reject(error)));
    });
  }

  /** The timer's question for the parts of open backfills, alone. */
  askForParts(): Promise<void> {
    return this.#work(() => this.#requestOpenParts());
  }

  /** As the command does, by a person who keeps to what has passed. */
  requestBackfill({ fromAgoMs, lengthMs }: { readonly fromAgoMs: number; readonly lengthMs: number }): Promise<void> {
    return this.#work(async () => {
      const now = Math.floor(this.#history.clock.nowMs() / SECOND) * SECOND;
      const from = now - fromAgoMs;
      await this.store.requestBackfill(
        { from: new Date(from), to: new Date(Math.min(now, from + lengthMs)) },
        'manual',
      );
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** As `createStages` does it: a refusal is noted, and the parts wait for the permission. */
  async #collectPart(part: BackfillPart): Promise<void> {
    try {
      await collectPart(this.#collecting, part, NEVER);
    } catch (error) {
      if (!(await this.#watch.isRefusal(error, 'charges'))) throw error;
    }
  }

  #requestOpenParts(): Promise<void> {
    return requestOpenParts({ store: this.store, requestPart: (part) => this.#history.queue.requestPart(part) });
  }

  /** Ends when the work ends, or as soon as the process stands still: then the rest goes on when it wakes up. */
  async #work(work: () => Promise<void>): Promise<void> {
    const done = work().catch((error: unknown) => {
      if (!isPartOfLife(error)) throw error;
    });
    await Promise.race([done, this.fate.untilPaused()]);
    if (this.fate.isPaused) this.#history.keepRunning(done);
    await this.#history.alignDatabase();
  }
}

/** Waits for all of them, then throws the first fault that is not part of life. */
async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !isPartOfLife(outcome.reason)) throw outcome.reason;
  }
}

/** Faults that a history brings about. Everything else is a defect, and fails the test. */
function isPartOfLife(error: unknown): boolean {
  if (error instanceof Died) return true;
  return error instanceof SyncError && (error.kind === 'transient' || error.code === 'stripe_permission_missing');
}

/** A timer that comes once, at once. */
function once(_everyMs: number, callback: () => void): () => void {
  callback();
  return () => {};
}

function clockOf({ clock }: History): Clock {
  return {
    monotonicMs: () => clock.nowMs(),
    sleep: async (ms) => clock.advance(ms),
    // Leases are not renewed: a request that takes long loses its claim, which must do no harm.
    every: () => () => {},
  };
}

function createClient({ stripe, clock }: History, time: ClockWatch) {
  return createStripeClient({
    time,
    baseUrl: stripe.url,
    readKey: async () => STRIPE_KEY,
    limiter: { acquire: async () => {} },
    version: '0.0.0',
    clock: { monotonicMs: () => clock.nowMs(), sleep: async (ms) => clock.advance(ms), random: () => 0.5 },
    // Few, so that faults reach the stages.
    retries: { attemptsMax: 2 },
  });
}

function connectToBlnk({ blnk, options }: History) {
  const isCloud = options.style === 'cloud';
  return createLedger({
    style: options.style,
    baseUrl: blnk.url,
    instanceId: isCloud ? blnk.instanceId : null,
    readKey: async () => (isCloud ? blnk.cloudToken : blnk.coreKey),
    lookUpAttemptsMax: 2,
    lookUpFirstWaitMs: 1,
  });
}
