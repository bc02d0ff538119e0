/**
 * What collect needs from the rim: a payment processor's feeds and a store. Adapters implement these; collect imports
 * no vendor. Every fault that crosses here is a SyncError.
 */
import type { Mirror } from '../core/mirror.js';
import type { FoundPayment } from '../core/payment.js';
import type { Lane } from '../core/posting.js';
import type { Feed, Trigger } from '../core/sync-run.js';
import type { Window } from '../core/window.js';

export interface SeenPayment {
  readonly payment: FoundPayment;
  /** When the feed says that it happened: the event's creation, or the intent's for lists. Whole seconds. */
  readonly seenAt: Date;
}

/** One page, newest first, as read. */
export interface FeedPage {
  /** The succeeded payments among the page's objects. */
  readonly payments: readonly SeenPayment[];
  /** All objects of the page, succeeded or not. */
  readonly objects: number;
  readonly hasMore: boolean;
  /** Cursor of the next page: the id of the last object. */
  readonly lastId: string | null;
  /** `created` of the page's newest and oldest object. */
  readonly newest: Date | null;
  readonly oldest: Date | null;
  /**
   * The vendor's clock when the page was cut: its `Date` header minus the request's duration (so never too late).
   * Null when the header is missing; then nothing may be covered.
   */
  readonly vendorNow: Date | null;
  /** HTTP requests that this page took, retries and re-reads included. */
  readonly requests: number;
}

export interface PageRequest {
  readonly from: Date;
  /** Null: no upper bound, so that the newest objects are seen. */
  readonly to: Date | null;
  /** Id of the last object of the page before; null for the first page. */
  readonly after: string | null;
}

export interface PaymentFeeds {
  /** `payment_intent.succeeded` events by event time. Throws SyncError code `cursor_gone` when `after` has aged out. */
  succeededEvents(request: PageRequest): Promise<FeedPage>;
  /** PaymentIntents by creation, of every status. */
  paymentIntents(request: PageRequest): Promise<FeedPage>;
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

export interface StoredPage {
  readonly payments: readonly SeenPayment[];
  readonly beforeStart: number;
  readonly requests: number;
  /** What this page proves to be completely read; null when nothing. */
  readonly covers: (Window & { readonly readAt: Date }) | null;
}

export interface StoreOutcome {
  /** Lanes that got new postings and should be woken. */
  readonly lanes: readonly Lane[];
  readonly stored: number;
  readonly knownBefore: number;
}

export interface CollectStore {
  mirror(): Promise<Mirror>;
  /** Sets the hand-over once; answers the one that holds. */
  setHandOver(time: Date): Promise<Date>;
  openRun(run: NewRun): Promise<OpenRun>;
  /** Payments, counts and coverage in one transaction. Throws SyncError `run_lost` when the run is no longer ours. */
  storePage(run: OpenRun, page: StoredPage): Promise<StoreOutcome>;
  /** Sets the end of the window that the run turned out to cover. */
  finishRun(run: OpenRun, windowTo: Date | null): Promise<void>;
  failRun(run: OpenRun, error: { readonly code: string; readonly message: string }): Promise<void>;
  coverage(query: { readonly feed: Feed; readonly from: Date; readonly readAfter?: Date }): Promise<Window[]>;
}
