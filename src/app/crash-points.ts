/**
 * Named points at which a process may be stopped from outside: what the crash suite hands in to stand there, and
 * production leaves out. The ports are wrapped here, so that stages and adapters know nothing of it.
 */
import type { CollectStore, PaymentFeeds } from '../collect/ports.js';
import type { Claim, Ledger, Outbox } from '../post/ports.js';
import type { ProveDaysPorts } from '../prove/prove-days.js';
import type { RepairStore } from '../prove/repair-ports.js';

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

export interface CrashHooks {
  /** Called whenever the process comes by; it goes on when the answer resolves. */
  at(point: CrashPoint): Promise<void>;
}

export function feedsWithPoints(feeds: PaymentFeeds, hooks: CrashHooks | undefined): PaymentFeeds {
  if (hooks === undefined) return feeds;
  const read = { hooks, point: 'collect.page_read' } as const;
  return {
    ...feeds,
    succeededEvents: (request) => after(feeds.succeededEvents(request), read),
    paymentIntents: (request) => after(feeds.paymentIntents(request), read),
    charges: (request) => after(feeds.charges(request), read),
  };
}

export function collectStoreWithPoints(store: CollectStore, hooks: CrashHooks | undefined): CollectStore {
  if (hooks === undefined) return store;
  return {
    ...store,
    storePage: (run, page) => after(store.storePage(run, page), { hooks, point: 'collect.page_stored' }),
    finishRun: (run, windowTo) => after(store.finishRun(run, windowTo), { hooks, point: 'collect.run_finished' }),
  };
}

export function ledgerWithPoints<Posting extends Ledger>(ledger: Posting, hooks: CrashHooks | undefined): Posting {
  if (hooks === undefined) return ledger;
  const answered = { hooks, point: 'post.answered' } as const;
  return {
    ...ledger,
    post: (body: string) => after(ledger.post(body), answered),
    postBulk: (bodies: readonly string[]) => after(ledger.postBulk(bodies), answered),
    findByReference: (references: readonly string[]) =>
      after(ledger.findByReference(references), { hooks, point: 'post.confirmed' }),
  };
}

/** Calls that change nothing are no points. */
export function outboxWithPoints(outbox: Outbox, hooks: CrashHooks | undefined): Outbox {
  if (hooks === undefined) return outbox;
  const isWork = ({ postings }: Claim) => postings.length > 0;
  const claimed = { hooks, point: 'post.claimed', when: isWork } as const;
  return {
    ...outbox,
    claimNew: (lane, options) => after(outbox.claimNew(lane, options), claimed),
    claimAttempted: (lane, options) => after(outbox.claimAttempted(lane, options), claimed),
    markAttempt: (token, references, leaseMs) =>
      after(outbox.markAttempt(token, references, leaseMs), {
        ...{ hooks, point: 'post.attempt_marked', when: (held) => held.size > 0 },
      }),
    settle: (token, settlements) =>
      after(outbox.settle(token, settlements), { hooks, point: 'post.settled', when: (count) => count > 0 }),
  };
}

export function proverWithPoints(prover: ProveDaysPorts, hooks: CrashHooks | undefined): ProveDaysPorts {
  if (hooks === undefined) return prover;
  const { store, proveDay } = prover;
  return {
    store: { ...store, keepProof: (proof) => after(store.keepProof(proof), { hooks, point: 'prove.kept' }) },
    proveDay: (request) => after(proveDay(request), { hooks, point: 'prove.listed' }),
  };
}

export function repairStoreWithPoints(store: RepairStore, hooks: CrashHooks | undefined): RepairStore {
  if (hooks === undefined) return store;
  return { ...store, applyItem: (item) => after(store.applyItem(item), { hooks, point: 'repair.item_done' }) };
}

interface Passing<T> {
  readonly hooks: CrashHooks;
  readonly point: CrashPoint;
  /** Whether the answer makes it a point; without it, always. */
  when?(answer: T): boolean;
}

async function after<T>(call: Promise<T>, { hooks, point, when }: Passing<T>): Promise<T> {
  const answer = await call;
  if (when?.(answer) !== false) await hooks.at(point);
  return answer;
}
