/**
 * A world for histories: both stand-ins, one database and any number of worker processes, all on one clock that only
 * moves when told (requests to Stripe may take time on it). The queue is a list of wakes in memory, which a history may
 * lose. Nothing of the stages is replaced; their ports are wrapped by what may happen to a process.
 */
import { randomUUID } from 'node:crypto';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../../../sandbox/clock.js';
import type { Permission } from '../../../sandbox/stripe/access.js';
import { type StripeSandbox, startStripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import { newMappingVersion } from '../../../src/core/posting/mapping.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import { createMirror } from '../../../src/db/mirror/mirror-store.js';
import { createReadModel, type ReadModel } from '../../../src/db/reads/read-model.js';
import type { HistoryDatabase } from './database.js';
import { type HistoryQueue, ListedWakes } from './queue.js';
import { BEGINNING, DAY, LAG, MINUTE } from './time.js';
import { HistoryWorker, STRIPE_KEY } from './worker.js';

const PERMISSIONS: readonly Permission[] = [
  'rak_payment_intent_read',
  'rak_event_read',
  'rak_charge_read',
  'rak_accounts_kyc_basic_read',
];

export interface HistoryOptions {
  readonly style: 'cloud' | 'core';
  /** Default: two days before the beginning. */
  readonly startsAt?: Date;
  readonly workers: number;
  /** Events become visible late by up to this, or by exactly this. */
  readonly eventsLateByMs: number | { readonly always: number };
  readonly seed: number;
  /** Balances that the source is spread over; default: one. */
  readonly sourceShards?: number;
}

export class History {
  readonly clock: SandboxClock;
  /** Where wakes go: a list in memory, unless a real queue is put in its place. */
  queue: HistoryQueue = new ListedWakes();
  /** How far the database's clock is off. */
  databaseOffMs = 0;
  /** How far the clock of the workers' machines is off. */
  machineOffMs = 0;
  readonly workers: HistoryWorker[] = [];
  /** Moves the clock at a moment when nothing is under way that nobody waits for: days within one request are no history. */
  whenIdle: (moveClock: () => void) => Promise<void> = async (moveClock) => moveClock();
  readonly #stillRunning = new Set<Promise<void>>();

  private constructor(
    readonly database: HistoryDatabase,
    readonly stripe: StripeSandbox,
    readonly blnk: BlnkSandbox,
    readonly options: HistoryOptions,
    readonly mirror: Mirror,
    private readonly granted: Permission[],
  ) {
    this.clock = stripe.clock;
    for (let n = 0; n < options.workers; n += 1) this.workers.push(new HistoryWorker(this));
  }

  static async open(database: HistoryDatabase, options: HistoryOptions): Promise<History> {
    await database.wipe();
    const clock = SandboxClock.frozen(BEGINNING);
    await database.setNow(clock.now());
    const granted = [...PERMISSIONS];
    const stripe = await startStripeSandbox({
      clock,
      seed: options.seed,
      restrictedKeys: { [STRIPE_KEY]: granted },
      eventVisibilityDelayMs:
        typeof options.eventsLateByMs === 'number' ? { upToMs: options.eventsLateByMs } : options.eventsLateByMs.always,
    });
    const blnk = await startBlnkSandbox({ clock, seed: options.seed, lockWaitMs: 20, leakLockMs: 0 });
    const { sourceShards = 1 } = options;
    const mirror = await createMirror(database.db, {
      mirrorId: randomUUID(),
      stripeAccount: stripe.account,
      livemode: false,
      blnkInstance: options.style === 'core' ? 'core' : blnk.instanceId,
      source: '@stripe',
      sourceShards,
      guestDestination: '@stripe_guests',
      accountsMode: 'indicators',
      mappingVersion: newMappingVersion({ sourceShards }),
      startsAt: options.startsAt ?? new Date(BEGINNING.getTime() - 2 * DAY),
    });
    return new History(database, stripe, blnk, options, mirror, granted);
  }

  /** A worker's process that lives and does not stand still; a dead or paused one is replaced by a fresh one. */
  worker(index: number): HistoryWorker {
    const place = index % this.workers.length;
    const worker = this.workers[place];
    if (worker !== undefined && !worker.fate.isDead && !worker.fate.isPaused) return worker;
    const fresh = new HistoryWorker(this);
    // What stands still goes on being there, and wakes up some time.
    if (worker?.fate.isPaused === true) this.workers.push(worker);
    this.workers[place] = fresh;
    return fresh;
  }

  /** Time passes for both vendors and for the database. */
  async advance(ms: number): Promise<void> {
    await this.whenIdle(() => this.clock.advance(ms));
    await this.alignDatabase();
  }

  /** The database's clock after requests took time, or after its own error changed. */
  alignDatabase(): Promise<void> {
    return this.database.setNow(new Date(this.clock.nowMs() + this.databaseOffMs));
  }

  /** The key may or may not read that from now on. */
  setPermission(permission: Permission, isGranted: boolean): void {
    const place = this.granted.indexOf(permission);
    if (place >= 0) this.granted.splice(place, 1);
    if (isGranted) this.granted.push(permission);
  }

  reads(): ReadModel {
    return createReadModel(this.database.db, {
      ...{ lagMs: LAG, intervalMs: MINUTE, stripeReads: { used: 0, allowed: null, forecast: 0 } },
      machineNow: () => new Date(this.clock.nowMs() + this.machineOffMs),
    });
  }

  /** Work of a process that stands still; it ends after the process woke up. */
  keepRunning(work: Promise<void>): void {
    const running = work.finally(() => this.#stillRunning.delete(running));
    this.#stillRunning.add(running);
  }

  /** Wakes every process that stands still and waits for what it was doing. Throws what that threw. */
  async wakeAll(): Promise<void> {
    for (const worker of this.workers) worker.fate.wake();
    await Promise.all(this.#stillRunning);
  }

  /** From now on everything works: no fault, no missing permission, right clocks, and nobody stands still. */
  async endFaults(): Promise<void> {
    this.stripe.faults.clear();
    this.blnk.faults.clear();
    this.stripe.setRequestTime(0);
    for (const permission of PERMISSIONS) this.setPermission(permission, true);
    this.databaseOffMs = 0;
    await this.alignDatabase();
    await this.wakeAll();
    for (const worker of this.workers) worker.fate.spare();
  }

  async close(): Promise<void> {
    this.stripe.faults.clear();
    this.blnk.faults.clear();
    await Promise.allSettled([this.wakeAll()]);
    for (const worker of this.workers) await worker.close();
    await Promise.all([this.stripe.close(), this.blnk.close()]);
  }
}
