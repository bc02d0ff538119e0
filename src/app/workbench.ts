/**
 * Composition: what a command that asks Stripe and Blnk itself works with (prove, repair, rebuild, dry runs). The same
 * vendors and limits as a worker's, without queue jobs and timers.
 */
import type { WorkerConfig } from '../config.js';
import { SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { findMirror } from '../db/mirror-store.js';
import type { Log } from '../observability/log.js';
import { closeAfterFault, closeInReverse, ensureSchema, type Home, openHome } from './home.js';
import { TIMINGS } from './timings.js';
import { createVendors, type Vendors } from './vendors.js';

export interface Workbench {
  readonly config: WorkerConfig;
  readonly home: Home;
  readonly vendors: Vendors;
  /** Null on a database that no worker was started on. */
  readonly mirror: Mirror | null;
  readonly log: Log;
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

export interface WorkbenchOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** `worker` also creates an embedded home that is not there yet. */
  readonly role?: 'worker' | 'command';
}

/** Requests to Blnk at the same time; a command is one reader beside the workers. */
const REQUESTS_IN_FLIGHT = 4;

/** Opens database and vendors; sends nothing yet. Throws SyncError with what to do. */
export async function openWorkbench(config: WorkerConfig, options: WorkbenchOptions): Promise<Workbench> {
  const { log, signal } = options;
  const home = await openHome(config, { log, role: options.role ?? 'command' });
  try {
    await ensureSchema(home, config);
    const vendors = createVendors(config, {
      home,
      log,
      timings: TIMINGS,
      postsInFlightMax: REQUESTS_IN_FLIGHT,
      signal,
    });
    const close = () => closeInReverse([() => home.close(), () => vendors.close()]);
    return { config, home, vendors, mirror: await findMirror(home.database.db), log, signal, close };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

/** The mirror of a workbench that needs one, with a key of its account. Throws SyncError otherwise. */
export function mirrorOf({ mirror, vendors }: Workbench): Mirror {
  if (mirror === null) {
    throw new SyncError('This database mirrors nothing yet; start a worker once', { kind: 'fatal', code: 'no_mirror' });
  }
  if (mirror.stripeAccount !== null) vendors.expectAccount(mirror.stripeAccount);
  return mirror;
}

/** What the configuration says is mirrored, to be compared with the mirror. */
export function identityOf({ config }: Workbench) {
  return {
    livemode: config.stripe.livemode,
    blnkInstance: config.blnk.instanceId ?? 'core',
    source: config.source,
    guestDestination: config.guestDestination,
  };
}
