/**
 * One simulated worker process: what `src/app` composes for every worker, with its own token, stores, connections and memory.
 * Its jobs and its tasks are begun by the history instead of a queue and a clock. Waits are production's: time is simulated,
 * so they cost nothing.
 */
import { randomUUID } from 'node:crypto';
import type { Context } from '../../../src/app/context.js';
import type { Ports } from '../../../src/app/decorated-ports.js';
import { type ComposedWorker, composeWorker } from '../../../src/app/worker/compose-worker.js';
import { watchLedger } from '../../../src/app/worker/watch-ledger.js';
import type { BackfillPart, CollectStore } from '../../../src/collect/ports.js';
import type { Clock } from '../../../src/core/base/clock.js';
import { SyncError } from '../../../src/core/base/errors.js';
import type { Trigger } from '../../../src/core/coverage/sync-run.js';
import type { Lane } from '../../../src/core/posting/posting.js';
import { sinceLastTailMs } from '../../../src/db/workers/worker-registry.js';
import { requestOpenParts } from '../../../src/worker/sync-job.js';
import { atBlnk, atStripe, openContext, UNLIMITED } from '../context.js';
import { Died, Fate } from './fate.js';
import { LAG, MINUTE, SECOND } from './time.js';
import type { History } from './world.js';

/** A restricted key, because its permissions can be taken away. */
export const STRIPE_KEY = 'rk_test_history';

const NEVER = new AbortController().signal;

/** Between two calls of these anything may happen to the process. */
const FATEFUL: ReadonlySet<keyof Ports> = new Set(['account', 'feeds', 'ledger', 'collectStore', 'outbox']);

export class HistoryWorker {
  readonly id = randomUUID();
  readonly fate = new Fate();
  readonly store: CollectStore;
  readonly #history: History;
  readonly #context: Context;
  readonly #worker: ComposedWorker;

  constructor(history: History) {
    this.#history = history;
    this.#context = this.#open();
    const parts = { mirror: history.mirror, workerId: this.id };
    const { queue } = this;
    this.#worker = composeWorker(this.#context, {
      ...{ ...parts, queue, wakeLane: queue.wakeLane, queueSchema: null, signal: NEVER },
      ledgerWatch: watchLedger(this.#context, { ...parts, onOther: () => {} }),
      onError: () => {},
      onAlive: () => {},
    });
    this.store = this.#worker.store;
  }

  /** The `sync` job. */
  sync(trigger: Trigger = 'schedule'): Promise<void> {
    return this.#work(() => this.#worker.handlers.sync(trigger));
  }

  /** All jobs that the queue holds: lanes and parts at once, as a worker takes them. `keep`: they are taken twice. */
  takeJobs(options: { readonly keep: boolean } = { keep: false }): Promise<void> {
    return this.#work(async () => {
      const { parts, lanes } = this.#history.queue.takeJobs(options);
      const { part: read, lane: drain } = this.#worker.handlers;
      await settleAll([...parts.map(read), ...lanes.map((lane) => drain(lane))]);
    });
  }

  part(part: BackfillPart): Promise<void> {
    return this.#work(() => this.#worker.handlers.part(part));
  }

  /** It comes back when its next posting is due, as the alarm of a worker does; here the tasks ask. */
  lane(lane: Lane): Promise<void> {
    return this.#work(() => this.#worker.handlers.lane(lane));
  }

  /** One turn of what a worker does at least every minute: what is due is asked for again, dead workers' runs are closed. */
  askForDue(): Promise<void> {
    return this.#work(async () => {
      const { heartbeat, tasks, handlers } = this.#worker;
      const errors: unknown[] = [];
      for (const { everyMs, run } of [heartbeat, ...tasks]) {
        if (everyMs <= MINUTE) await run().catch((error) => errors.push(error));
      }
      // What a worker begins by itself when no tick was delivered.
      const since = await sinceLastTailMs(this.#history.database.sql);
      if (since === null || since > 2 * MINUTE) await handlers.sync('schedule').catch((error) => errors.push(error));
      await settleAll(errors.map((error) => Promise.reject(error)));
    });
  }

  /** The question for the parts of open backfills, alone. */
  askForParts(): Promise<void> {
    const { store, queue } = this;
    return this.#work(() => requestOpenParts({ store, requestPart: queue.requestPart }));
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
    return this.#context.vendors.close();
  }

  /** Where it asks, now: a history may put another queue in its place. */
  get queue() {
    const history = this.#history;
    return {
      wakeLane: (lane: Lane) => history.queue.wakeLane(lane),
      requestPart: (part: BackfillPart) => history.queue.requestPart(part),
      requestProofs: async () => {},
      ensureSchedule: async () => {},
    };
  }

  #open(): Context {
    const { clock, database, stripe, blnk, options } = this.#history;
    const { fate } = this;
    return openContext(database, {
      config: {
        ...atStripe(stripe, { readKey: async () => STRIPE_KEY }),
        ...atBlnk(blnk, options),
        syncLagMs: LAG,
      },
      overrides: {
        clock: clockOf(this.#history),
        machineNow: () => new Date(clock.nowMs() + this.#history.machineOffMs),
        random: () => 0.5,
        // Few, so that faults reach the stages.
        stripe: { ...UNLIMITED, retries: { attemptsMax: 2 } },
        blnk: { lookUpAttemptsMax: 2, lookUpFirstWaitMs: 1 },
        decorate: (name, port) => (FATEFUL.has(name) ? fate.around(port) : port),
      },
    });
  }

  /** Ends when the work ends, or as soon as the process stands still: then the rest goes on when it wakes up. */
  async #work(work: () => Promise<void>): Promise<void> {
    const done = work()
      .catch((error: unknown) => {
        if (!isPartOfLife(error)) throw error;
      })
      .finally(() => this.#worker.posting.noted());
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

function clockOf({ clock }: History): Clock {
  return {
    monotonicMs: () => clock.nowMs(),
    sleep: async (ms) => clock.advance(ms),
    // Leases are not renewed: a request that takes long loses its claim, which must do no harm.
    every: () => () => {},
  };
}
