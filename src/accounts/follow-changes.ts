/**
 * Which customers changed at Stripe, or were deleted there, so that their identities in Blnk follow. Read by the time of the events; what
 * was read twice costs one more look at a customer. Stripe keeps events for 30 days: after a longer pause all are looked at.
 */
import { DAY_MS } from '../core/base/window.js';
import type { ChangeStore, CustomerFeed } from './identity-ports.js';

export interface FollowPorts {
  readonly store: ChangeStore;
  /** Null: events may not be read. Then all are looked at again each time that events would have gone. */
  readonly feed: CustomerFeed | null;
  /** Stripe's. */
  serverTime(): Promise<Date>;
}

export interface FollowOptions {
  /** Events may be shown late by so much. */
  readonly lagMs: number;
  readonly signal: AbortSignal;
}

/** A day less than Stripe keeps them. */
const EVENTS_KEPT_MS = 29 * DAY_MS;

export async function followChanges({ store, feed, serverTime }: FollowPorts, options: FollowOptions): Promise<void> {
  const now = await serverTime();
  const readTo = await store.changesReadTo();
  if (readTo === null || now.getTime() - readTo.getTime() > EVENTS_KEPT_MS) {
    // Noted first: whoever is read from now on is read as of now, or later.
    if (readTo !== null) await store.noteAllChanged();
    return store.noteChangesReadTo(now);
  }
  if (feed === null) return;
  const from = new Date(readTo.getTime() - options.lagMs);
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<CustomerFeed['changes']>> = await feed.changes({ from, after });
    await store.noteChanged(page.changes);
    after = page.next;
  } while (after !== null && !options.signal.aborted);
  if (after === null) await store.noteChangesReadTo(now);
}
