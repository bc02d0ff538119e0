/**
 * Composition: the sessions that operations work with which ask Stripe and Blnk themselves (prove, repair, rebuild, dry
 * runs). The same vendors and limits as a worker's, without queue jobs and timers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerConfig } from '../../config/config.js';
import { SyncError } from '../../core/base/errors.js';
import { giveUpWith, orStopped } from '../../core/base/give-up.js';
import type { Database } from '../../db/connection/open.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import type { Events } from '../../observability/events.js';
import type { Log } from '../../observability/log.js';
import type { DryRunSession } from '../../operations/dry-run.js';
import type { Session } from '../../operations/session.js';
import { packageVersion } from '../../package-root.js';
import { type Context, createContext } from '../context.js';
import { eventsOf } from '../events-of.js';
import { closeAfterFault, closeInReverse, ensureSchema, type Home, openHome } from '../home.js';
import { lookAtLedger } from '../look-at-ledger.js';
import type { Overrides } from '../overrides.js';
import { TIMINGS } from '../timings.js';
import { createVendors, type Vendors } from '../vendors.js';

/** A session on a database that somebody else opened; its vendors are to be closed. */
export interface JoinedSession extends Session, Context {
  readonly vendors: Vendors;
  readonly clock: Context['clock'];
}

export interface OpenedSession extends JoinedSession {
  readonly home: Home;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** `worker` also creates an embedded home that is not there yet. */
  readonly role?: 'worker' | 'command';
  readonly overrides?: Overrides | undefined;
  /** In whose name what is done is noted; absent where only reading is done. */
  readonly userName?: string;
}

/** Requests to Blnk at the same time; a command is one reader beside the workers. */
const REQUESTS_IN_FLIGHT = 4;

/** Opens database and vendors; sends nothing yet. Throws SyncError with what to do. */
export async function openSession(config: WorkerConfig, options: SessionOptions): Promise<OpenedSession> {
  const giving = giveUpWith(options.signal);
  return orStopped(giving.signal, async () => {
    const session = await open(config, options, giving.signal);
    giving.end();
    return session;
  });
}

async function open(config: WorkerConfig, options: SessionOptions, giveUp: AbortSignal): Promise<OpenedSession> {
  const { log, signal } = options;
  const home = await openHome(config, { log, role: options.role ?? 'command', giveUp });
  try {
    await ensureSchema(home, config);
    const session = await joinSession(config, { ...options, database: home.database, events: eventsOf(log), signal });
    return { ...session, home, close: () => closeInReverse([() => home.close(), () => session.vendors.close()]) };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

export interface JoinedParts extends Pick<SessionOptions, 'signal' | 'overrides'> {
  readonly database: Database;
  readonly events: Events;
}

/** Opens no connection yet: vendors that are asked nothing cost nothing. */
export async function joinSession(
  config: WorkerConfig,
  { database, events, signal, overrides }: JoinedParts,
): Promise<JoinedSession> {
  const parts = { database, events, timings: TIMINGS, requestsToBlnkMax: REQUESTS_IN_FLIGHT };
  const context = createContext(config, { ...parts, signal, abortLookUps: signal }, overrides);
  return {
    ...{ ...context, signal, mirror: await findMirror(database.db) },
    lookAtLedger: (mirror) => lookAtLedger(context, mirror, { remembers: false }),
  };
}

/** The same for a dry run: a database that is not there yet is not created, and one without tables gets none. */
export async function openDryRunSession(
  config: WorkerConfig,
  { log, signal }: SessionOptions,
): Promise<DryRunSession & Pick<OpenedSession, 'close'>> {
  if (config.database.kind === 'url' || existsSync(join(config.database.dataDir, 'postgres'))) {
    try {
      return await openSession(config, { log, signal });
    } catch (error) {
      if (!(error instanceof SyncError && error.code === 'not_migrated')) throw error;
    }
  }
  const vendors = createVendors(config, {
    ...{ database: null, events: eventsOf(log), timings: TIMINGS, requestsToBlnkMax: 1 },
    ...{ signal, abortLookUps: signal },
  });
  const none = { database: null, mirror: null };
  return { config, vendors, signal, ...none, version: packageVersion(), close: () => vendors.close() };
}
