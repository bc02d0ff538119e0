/**
 * What collect needs from outside: a payment processor's feeds and a store. Adapters implement these; collect imports
 * no vendor. Every fault that crosses here is a SyncError.
 */

import type { ErrorCode } from '../core/base/error-codes.js';
import type { Window } from '../core/base/window.js';
import type { AgreedTime } from '../core/coverage/agree-on-time.js';
import type { ListCoverage } from '../core/coverage/completeness.js';
import type { SweepFacts } from '../core/coverage/sweep-plan.js';
import type { Feed, Trigger } from '../core/coverage/sync-run.js';
import type { PostingObject } from '../core/kinds/registry.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { FoundPayment, IntentNow } from '../core/posting/payment.js';
import type { Lane, Parking, Preparation } from '../core/posting/posting.js';

export interface SeenPayment {
  readonly payment: FoundPayment;
  /** When it happened by the feed: the event's creation, or the intent's for lists. Whole seconds. */
  readonly seenAt: Date;
}

/** One page, newest first, as read. */
export interface FeedPage {
  /** The succeeded payments among the page's objects. */
  readonly payments: readonly SeenPayment[];
  readonly hasMore: boolean;
  /** Cursor of the next page: the id of the last object. */
  readonly lastId: string | null;
  /** Of a list that can be read upwards too: the ids of its objects, in its order. */
  readonly ids?: readonly string[];
  /** `created` of the page's newest and oldest object. */
  readonly newest: Date | null;
  readonly oldest: Date | null;
  /**
   * The vendor's clock when the page was cut: its `Date` header minus the request's duration, and never later than the
   * clocks that agree (so never too late). Null when the header is missing or no two clocks agree; then nothing may be covered.
   */
  readonly vendorNow: Date | null;
  /** HTTP requests that this page took, retries and re-reads included. */
  readonly requests: number;
  /** Of a sweep: payments of the page that were stored before and therefore not read again. */
  readonly knownBefore?: number;
}

/** A page of charges, reduced to the intents that their money may belong to. */
export interface ChargePage extends Omit<FeedPage, 'payments'> {
  /** Captured charges that succeeded; `seenAt` is the charge's creation. An intent may come more than once. */
  readonly charges: ReadonlyArray<{ readonly chargeId: string; readonly intentId: string; readonly seenAt: Date }>;
}

export interface PageRequest {
  readonly from: Date;
  /** Null: no upper bound, so that the newest objects are seen. */
  readonly to: Date | null;
  /** Id of the last object of the page before; null for the first page. */
  readonly after: string | null;
}

/** For a page of a list that is read upwards: of all objects of the window that are newer than one, those next to it. */
export interface NewerRequest extends Window {
  /** Id of an object of the window. */
  readonly than: string;
}

export interface RetrievedIntent {
  readonly reading: IntentNow;
  /** HTTP requests that it took; none when it is no PaymentIntent's id. */
  readonly requests: number;
}

/** Both throw SyncError `stopped` when the worker is shutting down and no further try is made. */
export interface PaymentFeeds {
  /** `payment_intent.succeeded` events by event time. Throws SyncError code `cursor_gone` when `after` has aged out. */
  succeededEvents(request: PageRequest): Promise<FeedPage>;
  /** PaymentIntents by creation, of every status. */
  paymentIntents(request: PageRequest): Promise<FeedPage>;
  /** The same list, upwards. The page is newest first, too; `hasMore` says whether there are newer ones. */
  newerIntents(request: NewerRequest): Promise<FeedPage>;
  /** Charges by creation. Throws SyncError `stripe_permission_missing` when the key may not read them. */
  charges(request: PageRequest): Promise<ChargePage>;
  /** One intent by id. */
  payment(id: string): Promise<RetrievedIntent>;
}

/** The processor's clock, from one cheap request, as far as other clocks agree with it. */
export interface VendorClock {
  /**
   * Throws SyncError, transient: `no_server_time` without a `Date`, `clocks_disagree` when no two clocks agree,
   * `stripe_time_off` when two agree on a time that is days before it.
   */
  serverTime(): Promise<Date>;
}

/** Says of a time that the processor stated what may be taken for now: no single clock is trusted. */
export interface TimeJudge {
  judge(stated: Date): Promise<AgreedTime>;
}

export interface NewRun {
  readonly feed: Feed;
  readonly trigger: Trigger;
  readonly window: { readonly from: Date; readonly to: Date | null };
  readonly parentId: string | null;
}

/** A run that this process is collecting; the token is what every write checks. */
export interface OpenRun {
  readonly id: string;
  readonly feed: Feed;
}

/** A payment and what mapping made of it: pending when prepared, parked when rejected. */
export interface NewPosting {
  readonly payment: FoundPayment;
  readonly seenAt: Date;
  readonly object: PostingObject;
  readonly preparation: Preparation;
}

/** A succeeded payment that the mirror does not claim, as a sweep saw it. */
export interface PaymentBeforeStart {
  readonly paymentId: string;
  readonly created: Date | null;
  readonly chargedAt: Date;
}

export interface StoredPage {
  readonly postings: readonly NewPosting[];
  readonly beforeStart: number;
  /** Of a sweep: those behind `beforeStart`, so that the next sweep need not read them again. */
  readonly listedBeforeStart?: readonly PaymentBeforeStart[];
  /**
   * Of a sweep: the start that the page was judged by. When it has moved meanwhile, the store refuses the page: what was
   * left out by the old start would be lost.
   */
  readonly judgedByStart?: Date;
  /** Payments of the page that were known and therefore not read; those among `postings` come on top. */
  readonly knownBefore?: number;
  readonly requests: number;
  /** What this page proves to be completely read; null when nothing. */
  readonly covers: (Window & { readonly readAt: Date }) | null;
}

export interface StoreOutcome {
  /** Lanes that got new postings and should be woken. */
  readonly lanes: readonly Lane[];
  /** New postings that wait for a person. */
  readonly parked: readonly Parking[];
  readonly stored: number;
  readonly knownBefore: number;
  /** Where the run's window begins, as its row holds now. */
  readonly runsFrom: Date;
}

/** A backfill (feed `payment_intents`) or a sweep (feed `charges`): a parent run whose parts are read by child runs. */
export interface Backfill {
  readonly id: string;
  readonly feed: PartedFeed;
  readonly window: Window;
  readonly trigger: Trigger;
}

export type PartedFeed = Extract<Feed, 'payment_intents' | 'charges'>;

export interface BackfillPart {
  readonly backfillId: string;
  readonly window: Window;
}

/** What may be claimed: windows that nobody reads, or the older half of one that a living reader has in hand. */
export type PartSource = 'unread' | 'in_hand';

/** A window of a backfill that this process reads now, in a run of its own. */
export interface ClaimedPart {
  readonly run: OpenRun;
  readonly backfill: Backfill;
  readonly window: Window;
}

/** What a run's reading came to; what became of its postings derives from them. */
export interface CollectedCounts {
  readonly found: number;
  readonly knownBefore: number;
  readonly stored: number;
}

/** Of the asked intents: those that a sweep need not read. */
export interface KnownIntents {
  /** With a posting that holds what Stripe shows of them. */
  readonly stored: ReadonlySet<string>;
  /** Listed as created before the mirror's start, as it is now. */
  readonly beforeStart: ReadonlySet<string>;
}

/** What is decided from, without the vendor's time. */
export type StoredSweepFacts = Omit<SweepFacts, 'now' | 'lagMs'>;

export interface CollectStore {
  mirror(): Promise<Mirror>;
  openRun(run: NewRun): Promise<OpenRun>;
  /** Payments, counts and coverage in one transaction. Throws SyncError `run_lost` when the run is no longer ours. */
  storePage(run: OpenRun, page: StoredPage): Promise<StoreOutcome>;
  /** @param windowTo the end of the window that the run turned out to read; null leaves it as it was asked. */
  finishRun(run: OpenRun, windowTo: Date | null): Promise<CollectedCounts>;
  failRun(run: OpenRun, error: { readonly code: ErrorCode; readonly message: string }): Promise<void>;
  /** Windows of the events feed that were completely read, from `from` on. */
  eventCoverage(from: Date): Promise<Window[]>;
  /** Sets the hand-over once and stores the first backfill with it, both or neither. Answers false when it was set before. */
  beginMirror(cutoverAt: Date, trigger: Trigger): Promise<boolean>;
  /** Moves the start back to the window's; what lies between the window and the earlier start is then read too. */
  requestBackfill(window: Window, trigger: Trigger): Promise<Backfill>;
  /** An open backfill or sweep; null when there is none with this id. */
  backfill(id: string): Promise<Backfill | null>;
  /** Open backfills and sweeps, the oldest first. */
  openBackfills(): Promise<Backfill[]>;
  /** What the backfill's own parts have read; earlier readings do not count. */
  backfillCoverage(backfillId: string): Promise<Window[]>;
  /**
   * Takes a window of the part's backfill within the part's own, and opens a run for it. Null when there is none: all is read
   * or in the hands of living readers, or what they have is too little to share.
   *
   * @param except windows that are not to be taken
   */
  claimPart(part: BackfillPart, source: PartSource, except: readonly Window[]): Promise<ClaimedPart | null>;
  /** Closes it when all of its window is covered; a sweep's rows become one, which states what it proves. Else nothing. */
  finishBackfill(backfillId: string): Promise<void>;
  knownIntents(intentIds: readonly string[]): Promise<KnownIntents>;
  /**
   * Opens the sweeps that `decide` returns, one worker after the other, so that two never open the same. Returns how many.
   */
  requestSweeps(
    decide: (facts: StoredSweepFacts, readLists: () => Promise<ListCoverage[]>) => Promise<readonly Window[]>,
  ): Promise<number>;
  /** Up to when the newest finished run listed what is new, in place of the tail; null when there was none. */
  newestListedUpTo(): Promise<Date | null>;
  /**
   * Takes back what was covered of a time that has not come: an earlier answer stated a time ahead of the truth, and what
   * succeeded since then was not read. @returns up to when events count as read now; null when nothing lay ahead
   */
  takeBackAhead(agreed: AgreedNow): Promise<Date | null>;
  /**
   * Notes since when the key may not read a feed, or that it may again. A refusal keeps its first time.
   *
   * @param since null: it may; `now`: the database's now, when the vendor's is not known
   */
  noteRefusal(feed: RefusableFeed, since: Date | 'now' | null): Promise<void>;
}

export interface AgreedNow {
  /** What the clocks agree on. */
  readonly now: Date;
  /**
   * Stripe's answers and the clocks here did not agree lately: `now` may be a cache's of an hour ago, or that of clocks here
   * which stand in the past. Then only what the database's clock never bore out is taken back.
   */
  readonly isDoubted: boolean;
}

/** Feeds that this software can do without, for a while. */
export type RefusableFeed = 'events' | 'charges';

/** Asks the vendor with one small request. */
export interface FeedPermissionProbe {
  mayRead(feed: RefusableFeed): Promise<boolean>;
}
