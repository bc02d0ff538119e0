/** Composition: posting, joined to the outbox, to Blnk and to what is told of lanes. */
import type { PostedReferences } from '../../accounts/find-customers.js';
import { describeError } from '../../core/base/errors.js';
import { createBalanceNames } from '../../core/ledger/balance-names.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { laneName } from '../../core/posting/posting.js';
import { confirmMirror, markFirstPost } from '../../db/mirror/mirror-store.js';
import { endLanePause, noteLanePause } from '../../db/postings/lane-status.js';
import { createDismissedPostings, createOutbox } from '../../db/postings/outbox.js';
import { createLaneDrainer, type DrainPorts, type LaneDrainer } from '../../post/drain-lane.js';
import type { JudgePorts } from '../../post/judge-by-look-up.js';
import { lookUpDismissed } from '../../post/look-up-dismissed.js';
import type { Context } from '../context.js';
import { countedOutbox } from '../worker/counted-stores.js';

export interface PostingParts {
  readonly mirror: Pick<Mirror, 'mirrorId' | 'ledgerEpoch'>;
  /** Of the watch over the ledger; see `DoubtPorts`. */
  readonly confirmSource: DrainPorts['confirmSource'];
  /** Told what was posted; absent: nobody asks. */
  readonly posted?: Pick<PostedReferences, 'add'>;
}

export interface Posting {
  readonly drainer: LaneDrainer;
  /** Looks up again what was dismissed after an attempt. Answers how many the ledger holds after all. */
  lookUpDismissed(): Promise<number>;
  /** Waits until what is noted of pauses, which nobody waits for, is written. */
  noted(): Promise<void>;
}

export function createPosting(
  context: Context,
  { mirror, confirmSource, posted = { add() {} } }: PostingParts,
): Posting {
  const { database, events, vendors, timings } = context;
  const { mirrorId, ledgerEpoch: epoch } = mirror;
  const { leaseMs, finalAfterMs, backoff, lanePause, dismissedLooksAfterMs: looksAfterMs } = timings;
  const { ledger } = vendors;
  // One memory of balance names for all look-ups.
  const judging: JudgePorts = { ledger, balances: createBalanceNames(ledger), confirmSource };
  const outbox = context.decorate(
    'outbox',
    createOutbox(database.sql, {
      epoch,
      accountsMode: context.config.accounts.mode,
      onWaited: (ms) => context.flows?.storedToPosted(ms),
    }),
  );
  const dismissed = { ...judging, dismissed: createDismissedPostings(database.sql, { epoch }) };
  const { noted, ...pauses } = tellPauses(context);
  const drainer = createLaneDrainer(
    {
      ...{ ...judging, ...pauses, clock: context.clock, random: context.random },
      outbox: countedOutbox(outbox, { ...context, posted }),
      confirmMirror: () => confirmMirror(database.db, mirrorId),
      markFirstPost: () => markFirstPost(database.db, mirrorId),
      onRenewalFailed: (error) => events.claimNotRenewed({ error: describeError(error) }),
    },
    { ...context.sizes, mirrorId, leaseMs, finalAfterMs, backoff, pause: lanePause },
  );
  return {
    ...{ drainer, noted },
    async lookUpDismissed() {
      const found = await lookUpDismissed(dismissed, { mirrorId, leaseMs, looksAfterMs });
      if (found > 0) events.dismissedFound({ payments: found });
      return found;
    },
  };
}

/** In the log, and in the database for `status`. */
function tellPauses({ database, events, clock }: Context) {
  const pausedAtMs = new Map<string, number>();
  const writing = new Set<Promise<void>>();
  // A database that is away is told by everything else.
  const write = (noting: Promise<unknown>): void => {
    const written = noting
      .then(
        () => {},
        (error: unknown) => events.pauseNotRecorded({ error: describeError(error) }),
      )
      .finally(() => writing.delete(written));
    writing.add(written);
  };
  const ports: Pick<DrainPorts, 'onStalled' | 'onResumed'> = {
    onStalled(lane, stall) {
      const name = laneName(lane);
      if (!pausedAtMs.has(name)) pausedAtMs.set(name, clock.monotonicMs());
      events.lanePaused({ lane: name, ...stall });
      write(noteLanePause(database.db, lane, stall.error));
    },
    onResumed(lane) {
      const name = laneName(lane);
      const sinceMs = pausedAtMs.get(name);
      if (pausedAtMs.delete(name) && sinceMs !== undefined) {
        events.laneResumed({ lane: name, forMs: Math.round(clock.monotonicMs() - sinceMs) });
      }
      write(endLanePause(database.db, lane));
    },
  };
  return {
    ...ports,
    async noted() {
      await Promise.all(writing);
    },
  };
}
