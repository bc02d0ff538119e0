/**
 * Composition: names and e-mail addresses of customers, as far as they may be read: the key has to allow it, and the share of Stripe's
 * reads must not be used up, which payments need more.
 */
import { followChanges } from '../../accounts/follow-changes.js';
import type { CustomerReader } from '../../accounts/identity-ports.js';
import { HOUR_MS } from '../../core/base/window.js';
import { createChangeStore, noteCustomersRefused } from '../../db/accounts/change-store.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import type { Context } from '../context.js';
import { readingInForce } from '../interval-in-force.js';
import { tellPermission } from '../worker/tell-work.js';

export interface DetailReading {
  /** Before some hundred customers. @returns null when nothing is to be read of them */
  begin(): Promise<CustomerReader | null>;
}

/** Of the share, so that what is left is for payments. */
const SHARE_USED_MAX = 0.8;

export function createDetailReading(context: Context, { signal }: { readonly signal: AbortSignal }): DetailReading {
  const { clock, config, database, timings, vendors } = context;
  const { customers, account } = vendors;
  const store = createChangeStore(database.sql);
  // Who was read while a change was on its way is found by the next look.
  const lagMs = Math.max(config.syncLagMs, 2 * timings.identities.changesEveryMs);
  const mayRead = createPermission(context);
  let followedAtMs = Number.NEGATIVE_INFINITY;
  return {
    async begin() {
      if (!(await mayRead())) return null;
      const mirror = await findMirror(database.db);
      const { stripeReads } = await readingInForce(config, database, mirror);
      if (stripeReads.allowed !== null && stripeReads.used > stripeReads.allowed * SHARE_USED_MAX) return null;
      if (clock.monotonicMs() - followedAtMs >= timings.identities.changesEveryMs) {
        const feed = (mirror?.eventsRefusedSince ?? null) === null ? customers : null;
        await followChanges({ store, feed, serverTime: () => account.serverTime() }, { lagMs, signal });
        followedAtMs = clock.monotonicMs();
      }
      return customers;
    },
  };
}

/** Asked at the first turn, and hourly: keys are replaced while a worker runs. */
function createPermission({ clock, config, database, events, vendors }: Context): () => Promise<boolean> {
  let known: { readonly may: boolean; readonly atMs: number } | null = null;
  return async () => {
    if (known !== null && clock.monotonicMs() - known.atMs < HOUR_MS) return known.may;
    const may = await vendors.customers.mayRead();
    const isNew = await noteCustomersRefused(database.sql, !may);
    if (!may || isNew) {
      const change = may ? 'allowed' : 'refused';
      tellPermission(events, { feed: 'customers', change, livemode: config.stripe.livemode });
    }
    known = { may, atMs: clock.monotonicMs() };
    return may;
  };
}
