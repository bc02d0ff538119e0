/**
 * What the key may read besides the list of payments. A key without events, or without charges, proves less, and is no
 * reason to stop: the refusal is noted in the mirror, where `status` and all workers see it, and told again and again.
 */
import type { CollectStore, FeedPermissionProbe, RefusableFeed, VendorClock } from '../collect/ports.js';
import type { Clock } from '../core/base/clock.js';
import { SyncError } from '../core/base/errors.js';
import { HOUR_MS } from '../core/base/window.js';
import { isTimeUnknown } from '../core/coverage/agree-on-time.js';

export type PermissionChange = 'refused' | 'allowed';

export interface PermissionPorts {
  readonly store: Pick<CollectStore, 'mirror' | 'noteRefusal'>;
  readonly vendorClock: VendorClock;
  readonly clock: Clock;
  readonly permissions: FeedPermissionProbe;
  /** Tells people that a feed may not be read, again every hour, or that it may again. */
  onPermission(feed: RefusableFeed, change: PermissionChange): void;
}

/** A permission that was refused is asked for again this often: one request, and no failed run. */
const PROBE_EVERY_MS = HOUR_MS;

export interface PermissionWatch {
  /** Asks again, at the first call and then hourly, for what was refused. */
  probe(): Promise<void>;
  /** Whether this fault is the lack of the permission; if so it is noted. */
  isRefusal(error: unknown, feed: RefusableFeed): Promise<boolean>;
}

/** Keeps what the mirror holds of the key's permissions up to date, and logs every change and every refusal that lasts. */
export function createPermissionWatch(ports: PermissionPorts): PermissionWatch {
  let lastProbeMs: number | null = null;
  const note = async (feed: RefusableFeed): Promise<void> => {
    await ports.store.noteRefusal(feed, await timeOrNow(ports.vendorClock));
    ports.onPermission(feed, 'refused');
  };
  return {
    async probe() {
      const { eventsRefusedSince, chargesRefusedSince } = await ports.store.mirror();
      const nowMs = ports.clock.monotonicMs();
      if (lastProbeMs !== null && nowMs - lastProbeMs < PROBE_EVERY_MS) return;
      const refused = { events: eventsRefusedSince, charges: chargesRefusedSince };
      for (const feed of ['events', 'charges'] as const) {
        if (refused[feed] === null) continue;
        // When nothing answers now, the reading that follows shows it better.
        const isAllowed = await ports.permissions.mayRead(feed).catch(() => null);
        if (isAllowed === null) continue;
        if (isAllowed) await ports.store.noteRefusal(feed, null);
        ports.onPermission(feed, isAllowed ? 'allowed' : 'refused');
      }
      lastProbeMs = nowMs;
    },

    async isRefusal(error, feed) {
      if (!(error instanceof SyncError) || error.code !== 'stripe_permission_missing') return false;
      // The same code stands for any permission, so the feed itself is asked.
      if (await ports.permissions.mayRead(feed)) return false;
      await note(feed);
      return true;
    },
  };
}

/** A refusal is a fact whatever time it is; without the vendor's time the database's dates it. */
export async function timeOrNow(clock: VendorClock): Promise<Date | 'now'> {
  try {
    return await clock.serverTime();
  } catch (error) {
    if (isTimeUnknown(error)) return 'now';
    throw error;
  }
}
