/** Composition: what stores mark is counted for the log, wherever it happens. */
import type { PostedReferences } from '../../accounts/find-customers.js';
import type { CollectStore } from '../../collect/ports.js';
import type { Flows } from '../../observability/flows.js';
import type { Tally } from '../../observability/tally.js';
import type { Outbox } from '../../post/ports.js';

/** Absent flows: of a command, which nobody measures. */
export interface Counts {
  readonly tally: Tally;
  readonly flows?: Pick<Flows, 'settled'>;
  /** Told what was marked as posted. */
  readonly posted?: Pick<PostedReferences, 'add'>;
}

export function countedOutbox(outbox: Outbox, { tally, flows, posted }: Counts): Outbox {
  return {
    ...outbox,
    async settle(token, settlements) {
      const settled = await outbox.settle(token, settlements);
      // Of a claim that was taken over in part nobody knows which were marked; the count is right.
      posted?.add(settlements.map(({ reference }) => reference));
      const alreadyThere = Math.min(settled, settlements.filter(({ how }) => how === 'already_there').length);
      tally.posted(settled, alreadyThere);
      flows?.settled('posted', settled - alreadyThere);
      flows?.settled('already_there', alreadyThere);
      return settled;
    },
    async park(token, parkings) {
      const parked = await outbox.park(token, parkings);
      if (parked > 0) tally.parked(parkings);
      flows?.settled('parked', parked);
      return parked;
    },
  };
}

export function countedStore(store: CollectStore, { tally, flows }: Counts): CollectStore {
  return {
    ...store,
    async storePage(run, page) {
      const outcome = await store.storePage(run, page);
      tally.parked(outcome.parked);
      flows?.settled('parked', outcome.parked.length);
      return outcome;
    },
  };
}
