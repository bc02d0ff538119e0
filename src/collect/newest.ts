/**
 * What stands in for the tail while the key may not read events: the list of payments for what is new. It shows payments
 * that succeed soon after they were created; late successes are the sweeps'. So it covers nothing.
 */

import { floorToSecond, later, merged } from '../core/base/window.js';
import type { Trigger } from '../core/coverage/sync-run.js';
import { STRIPE_EPOCH } from '../core/posting/mirror.js';
import { collectRun } from './collect-run.js';
import { readWindow } from './read-window.js';
import type { CollectPorts } from './store-page.js';
import { type TailOutcome, tailBegin } from './tail.js';

export interface NewestOptions {
  readonly trigger: Trigger;
  /** How far before what was seen last the list is read again: payments are listed late, and succeed late. */
  readonly lagMs: number;
  readonly signal: AbortSignal;
}

/** One run over what was created since the last one. Throws SyncError; the run's row is then `failed`. */
export async function collectNewest(ports: CollectPorts, options: NewestOptions): Promise<TailOutcome> {
  const { trigger, lagMs, signal } = options;
  const mirror = await ports.store.mirror();
  const begin = tailBegin(mirror, lagMs);
  const events = merged(await ports.store.eventCoverage(begin)).at(-1)?.to ?? begin;
  // The key may have read events for months since it could not the last time.
  const seenUpTo = later(events, (await ports.store.newestListedUpTo()) ?? begin);
  const from = floorToSecond(new Date(seenUpTo.getTime() - lagMs));
  let seen: Pick<TailOutcome, 'newest' | 'vendorNow'> = { newest: null, vendorNow: null };
  const run = await collectRun(
    ports.store,
    { feed: 'payment_intents', trigger, window: { from, to: null }, parentId: null },
    async (open) => {
      const outcome = await readWindow(
        {
          run: open,
          mirror,
          from,
          to: null,
          list: (request) => ports.feeds.paymentIntents(request),
          coverUpTo: () => null,
          coverNothingBefore: () => STRIPE_EPOCH,
          signal,
        },
        ports,
      );
      seen = outcome;
      return { complete: outcome.complete, windowTo: outcome.vendorNow };
    },
  );
  return { ...run, newest: seen.newest, vendorNow: seen.vendorNow };
}
