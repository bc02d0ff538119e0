/** Composition: what stores mark is counted for the log, wherever it happens. */
import type { CollectStore } from '../collect/ports.js';
import type { Tally } from '../observability/tally.js';
import type { Outbox } from '../post/ports.js';

export function countedOutbox(outbox: Outbox, tally: Tally): Outbox {
  return {
    ...outbox,
    async settle(token, settlements) {
      const settled = await outbox.settle(token, settlements);
      // Of a claim that was taken over in part nobody knows which were marked; the count is right.
      const alreadyThere = settlements.filter(({ how }) => how === 'already_there').length;
      tally.posted(settled, Math.min(settled, alreadyThere));
      return settled;
    },
    async park(token, parkings) {
      const parked = await outbox.park(token, parkings);
      if (parked > 0) tally.parked(parkings);
      return parked;
    },
  };
}

export function countedStore(store: CollectStore, tally: Tally): CollectStore {
  return {
    ...store,
    async storePage(run, page) {
      const outcome = await store.storePage(run, page);
      tally.parked(outcome.parked);
      return outcome;
    },
  };
}
