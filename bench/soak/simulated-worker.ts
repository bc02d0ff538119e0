/**
 * One worker for a simulated soak: what `src/app` composes for every worker, but for the queue and for time, which the
 * simulation gives. Waits of production cost nothing here.
 */
import { randomUUID } from 'node:crypto';
import { TIMINGS } from '../../src/app/timings.js';
import { composeWorker } from '../../src/app/worker/compose-worker.js';
import { watchLedger } from '../../src/app/worker/watch-ledger.js';
import type { BackfillPart } from '../../src/collect/ports.js';
import type { Mirror } from '../../src/core/posting/mirror.js';
import type { Lane } from '../../src/core/posting/posting.js';
import type { Database } from '../../src/db/connection/open.js';
import { openContext } from '../../test/support/context.js';
import type { SimulatedClock } from './simulated-clock.js';
import { SimulatedLanes } from './simulated-lanes.js';
import type { VendorAddresses } from './vendors.js';

export interface SimulatedParts {
  readonly database: Database;
  readonly vendors: VendorAddresses;
  readonly mirror: Mirror;
  readonly lagMs: number;
  readonly keepEmptyRunsMs: number;
  /** A day is proven for the first time so long after its end. */
  readonly provedAfterMs: number;
  readonly clock: SimulatedClock;
  /** A job or a task failed; the simulation goes on, as a worker does. */
  onFailed(name: string, error: unknown): void;
}

export interface SimulatedWorker {
  readonly lanes: SimulatedLanes;
  /** A tick of the schedule. */
  tick(): Promise<void>;
  /** One turn of what is done at least every minute. */
  tend(): Promise<void>;
  renew(): Promise<void>;
  /** One turn of proving the days that are due. */
  prove(): Promise<void>;
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;

/** Few, so that faults reach the stages. */
const ATTEMPTS_MAX = 2;

export function openSimulatedWorker(parts: SimulatedParts): SimulatedWorker {
  const { mirror, onFailed } = parts;
  const context = openSimulatedContext(parts);
  const waiting = new Map<string, BackfillPart>();
  const lanes = new SimulatedLanes({ drain: (lane) => worker.handlers.lane(lane), onFailed });
  const owner = { mirror, workerId: randomUUID() };
  const worker = composeWorker(context, {
    ...{ ...owner, queueSchema: null, signal: new AbortController().signal },
    wakeLane: async (lane) => lanes.wake(lane),
    queue: {
      wakeLane: async (lane: Lane) => lanes.wake(lane),
      async requestPart(part) {
        waiting.set(`${part.backfillId}:${part.window.from.toISOString()}`, part);
      },
      requestProofs: async () => {},
      ensureSchedule: async () => {},
    },
    ledgerWatch: watchLedger(context, { ...owner, onOther: (error) => onFailed('ledger', error) }),
    onError: onFailed,
    onAlive: () => {},
  });
  const attempt = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => onFailed(name, error));
  };
  const { handlers, heartbeat, tasks } = worker;
  return {
    lanes,
    async tick() {
      await attempt('sync', () => handlers.sync('schedule'));
      for (const [key, part] of waiting) {
        waiting.delete(key);
        await attempt('part', () => handlers.part(part));
      }
    },
    async tend() {
      for (const { name, everyMs, run } of tasks) if (everyMs <= MINUTE_MS) await attempt(name, run);
    },
    renew: () => attempt(heartbeat.name, heartbeat.run),
    prove: () => attempt('prove', () => handlers.proofs()),
    async close() {
      await worker.posting.noted();
      await context.vendors.close();
    },
  };
}

function openSimulatedContext({ vendors, database, clock, ...parts }: SimulatedParts) {
  return openContext(database, {
    config: {
      stripe: {
        apiBase: vendors.stripeUrl,
        readKey: async () => vendors.stripeKey,
        livemode: false,
        requestsPerSecond: 25,
      },
      blnk: { apiBase: vendors.ledgerUrl, readKey: async () => vendors.ledgerKey, style: 'core', instanceId: null },
      ...{ syncLagMs: parts.lagMs, keepEmptyRunsMs: parts.keepEmptyRunsMs },
    },
    timings: { proofs: { ...TIMINGS.proofs, firstAfterMs: parts.provedAfterMs, failedAfterMs: 0 } },
    overrides: {
      ...{ clock, machineNow: () => new Date(clock.monotonicMs()) },
      stripe: { retries: { attemptsMax: ATTEMPTS_MAX } },
      blnk: { lookUpAttemptsMax: ATTEMPTS_MAX, lookUpFirstWaitMs: 1 },
    },
  });
}
