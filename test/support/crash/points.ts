/**
 * Named points at which a process of a test may be stopped: between an answer of a port and what is made of it. The ports are
 * wrapped by one `decorate`, which the composition of a worker or a command is handed.
 */
import type { Decorate } from '../../../src/app/overrides.js';
import type { Claim } from '../../../src/post/ports.js';
import { decorateWith } from '../context.js';

export const CRASH_POINTS = [
  /** A page of a feed was read; nothing of it is stored. */
  'collect.page_read',
  /** The page and its coverage are stored; the run is open. */
  'collect.page_stored',
  'collect.run_finished',
  /** Postings are claimed. Of new ones the attempt is on disk as well; nothing was sent. */
  'post.claimed',
  /** A further attempt is on disk; it was not sent. */
  'post.attempt_marked',
  /** Blnk answered a post; nothing is written down. */
  'post.answered',
  /** A look-up was answered; nothing is written down. */
  'post.confirmed',
  /** Postings are marked as posted. */
  'post.settled',
  /** Both sides of a day were listed and compared; nothing is kept. */
  'prove.listed',
  /** The day's certificates are kept. */
  'prove.kept',
  /** An item of a repair plan is done. */
  'repair.item_done',
  /** A page was judged by the ledger and stored. */
  'rebuild.page_stored',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Called whenever the process comes by; it goes on when the answer resolves. */
export type ComeBy = (point: CrashPoint) => Promise<void>;

export function standAtPoints(comeBy: ComeBy): Decorate {
  return decorateWith({
    feeds: (feeds) => {
      const read = after(comeBy, 'collect.page_read');
      return {
        ...feeds,
        succeededEvents: read(feeds.succeededEvents),
        paymentIntents: read(feeds.paymentIntents),
        newerIntents: read(feeds.newerIntents),
        charges: read(feeds.charges),
      };
    },
    collectStore: (store) => ({
      ...store,
      storePage: after(comeBy, 'collect.page_stored')(store.storePage),
      finishRun: after(comeBy, 'collect.run_finished')(store.finishRun),
    }),
    ledger: (ledger) => ({
      ...ledger,
      post: after(comeBy, 'post.answered')(ledger.post),
      postBulk: after(comeBy, 'post.answered')(ledger.postBulk),
      findByReference: after(comeBy, 'post.confirmed')(ledger.findByReference),
    }),
    // Calls that change nothing are no points.
    outbox: (outbox) => {
      const isWork = ({ postings }: Claim): boolean => postings.length > 0;
      return {
        ...outbox,
        claimNew: after(comeBy, 'post.claimed', isWork)(outbox.claimNew),
        claimAttempted: after(comeBy, 'post.claimed', isWork)(outbox.claimAttempted),
        markAttempt: after(comeBy, 'post.attempt_marked', (held: Set<string>) => held.size > 0)(outbox.markAttempt),
        settle: after(comeBy, 'post.settled', (count: number) => count > 0)(outbox.settle),
      };
    },
    prover: ({ store, proveDay }) => ({
      store: { ...store, keepProof: after(comeBy, 'prove.kept')(store.keepProof) },
      proveDay: after(comeBy, 'prove.listed')(proveDay),
    }),
    repairStore: (store) => ({ ...store, applyItem: after(comeBy, 'repair.item_done')(store.applyItem) }),
    rebuild: ({ rebuild }) => ({
      rebuild: (asked, listener) =>
        rebuild(asked, {
          ...listener,
          update: after(comeBy, 'rebuild.page_stored')(async (progress) => listener.update(progress)),
        }),
    }),
  });
}

/** @param counts whether the answer makes it a point; without it, always */
function after<Answer = unknown>(comeBy: ComeBy, point: CrashPoint, counts: (answer: Answer) => boolean = () => true) {
  return <Given extends unknown[], Result extends Answer>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      const answer = await call(...given);
      if (counts(answer)) await comeBy(point);
      return answer;
    };
}
