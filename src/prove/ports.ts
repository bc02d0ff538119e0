/**
 * What prove needs from outside: both sides listed afresh, and our own postings as a third. Everything here only reads.
 * Every fault that crosses is a SyncError.
 */

import type { Window } from '../core/base/window.js';
import type { BalanceFinder } from '../core/ledger/balance-names.js';
import type { RowFinder } from '../core/ledger/find-forms.js';
import type { LedgerRecord } from '../core/ledger/row.js';
import type { FoundPayment, IntentNow } from '../core/posting/payment.js';
import type { Acceptance } from '../core/proof/acceptance.js';
import type { Certificate, CertificateState, ProofTrigger } from '../core/proof/certificate.js';
import type { DayPosting } from '../core/proof/day-payment.js';

/** One listing of PaymentIntents by creation, page by page, newest first. */
export interface IntentListing {
  /** The succeeded ones of a page. */
  readonly payments: readonly FoundPayment[];
  /** Stripe's clock when the page was cut; null when its answer carried none. */
  readonly vendorNow: Date | null;
  /** HTTP requests that the page took. */
  readonly requests: number;
  /** The place behind this page, for who goes on later; null when it is the last one. Only the adapter reads it. */
  readonly next: string | null;
}

/** One page of a list of the ledger. */
export interface LedgerPage {
  readonly rows: readonly LedgerRecord[];
  /** As of `IntentListing`; behind the last page there may be an empty one. */
  readonly next: string;
}

/** Rows of our postings, page by page. */
export interface PostingPage {
  readonly postings: readonly DayPosting[];
  readonly next: string;
}

export interface SucceededSince {
  readonly ids: ReadonlySet<string>;
  readonly requests: number;
}

export interface StripeSide {
  /**
   * Every succeeded PaymentIntent created in the window. Throws when the window cannot be read to its end.
   * @param after the `next` of a page of the same window, to go on behind it
   */
  listSucceeded(window: Window, after?: string | null): AsyncIterable<IntentListing>;
  /**
   * Those of the payments that succeeded since `from`, by events; as far as a bounded number of pages goes. None when the
   * key may not read events.
   */
  succeededSince(from: Date, paymentIds: ReadonlySet<string>): Promise<SucceededSince>;
  /** One intent as it is now. */
  readIntent(id: string): Promise<IntentNow>;
}

/** Rows by their effective date: in a window, of which one end may be open, or without a date. Parts of a list that are read at the same time. */
export type DayPart = { readonly from: Date | null; readonly to: Date | null } | 'undated';

export interface LedgerSide extends RowFinder<LedgerRecord>, BalanceFinder {
  /**
   * All rows, of any status, whose `stripe_day` is this day, page by page; one row may come twice when others arrive meanwhile.
   * @param part only those that took effect in a part of the day; see `partsOfDay`
   */
  listDay(day: string, part?: DayPart | null, after?: string | null): AsyncIterable<LedgerPage>;
  /**
   * Rows whose reference begins with `pi_` and which carry none of our metadata, by their effective date within the
   * window, or by their creation when they have none. Page by page.
   */
  listForeign(window: Window, after?: string | null): AsyncIterable<LedgerPage>;
  /** All rows, of any status, with this payment's id in our metadata: the payment, its replacements and corrections, and doubles. */
  listOfPayment(paymentId: string): Promise<LedgerRecord[]>;
  /** Ids of the balances of this name, by currency: all that there are. */
  balancesOf(indicator: string): Promise<Map<string, string>>;
  /**
   * What a balance stood at when everything that took effect before `at` was in it, in minor units; computed from the
   * transactions. Throws SyncError `blnk_scope_missing` when the key may not read it.
   */
  balanceBefore(balanceId: string, at: Date): Promise<bigint>;
  /** HTTP requests so far, for the cost of a proof. */
  requestCount(): number;
}

/** What a rebuild asks a ledger about its past, when the database that knew it is lost. */
export interface LedgerHistory {
  /**
   * The oldest `stripe_day` of our transactions, `2026-11-21`; null when there are none. Found by the effective dates,
   * which a ledger can search: one whose effective date was moved to a later day, by hand, is not found.
   */
  oldestEffectiveDay(): Promise<string | null>;
  /** The `stripe_mirror` ids in the ledger, at most 5 of them. */
  mirrorIds(): Promise<string[]>;
  /** Whether the ledger holds any transaction, of whatever status, with this `stripe_mirror` id. */
  hasTransactionOf(mirrorId: string): Promise<boolean>;
  /** Whether it holds one that moved money. */
  hasAppliedOf(mirrorId: string): Promise<boolean>;
}

export interface OwnSide {
  /** How many postings have an effective date in the window. */
  countPostings(window: Window): Promise<number>;
  /** All postings with an effective date in the window, page by page. @param after the `next` of a page, to go on behind it */
  listPostings(window: Window, after?: string | null): AsyncIterable<PostingPage>;
  /** All postings of at most 1,000 payments, whatever their dates. */
  postingsOf(paymentIds: readonly string[]): Promise<DayPosting[]>;
}

/** What people accepted. */
export interface AcceptedSide {
  /** Those that were not taken back, of a day; of all days when it is null. */
  inForce(day: string | null): Promise<Acceptance[]>;
}

/** A proof of one day as it is to be kept. */
export interface FinishedProof {
  /** Of all days that were proven together. */
  readonly proofId: string;
  readonly trigger: ProofTrigger;
  readonly day: string;
  /** When it began, as `beginProof` said; of a proof that was interrupted, when its first attempt did. */
  readonly provedAt: Date;
  readonly certificates: readonly Certificate[];
  readonly stripeRequests: number;
  readonly ledgerRequests: number;
  readonly stripeAsOf: Date;
}

export interface KeptCertificate extends Certificate {
  readonly id: string;
  /** The sealed certificate that this one takes back, and why. */
  readonly reopens: string | null;
  readonly reopenedBecause: string | null;
}

/** What the newest proof of a day came to. */
export interface DayStanding {
  readonly day: string;
  /** When the proof began. */
  readonly provedAt: Date;
  /** Of its currencies. */
  readonly states: readonly CertificateState[];
  /** A posting of the day was stored after the proof began. */
  readonly storedSince: boolean;
  /** A difference of the day was accepted, or an acceptance taken back, after the proof began. */
  readonly acceptanceSince: boolean;
  /** A payment of the day was dismissed, or that decision ended, after the proof began. */
  readonly decidedSince: boolean;
  /** An item of a repair plan was done on the day after the proof began. */
  readonly repairedSince: boolean;
  /** Of the proofs of the week before this one, and this one, how many sealed the day without seeing a part of it; 0 where this one saw all. */
  readonly unseenProofs: number;
}

export interface BegunProof {
  readonly provedAt: Date;
  /** Of the day's newest proof: when it began, null when there is none, and its currencies. */
  readonly lastProvedAt: Date | null;
  readonly earlierCurrencies: readonly string[];
}

export interface CertificateStore {
  /**
   * To be called before anything of the day is read. `provedAt` is the database's clock: a posting that is stored from now
   * on reopens the day.
   */
  beginProof(day: string): Promise<BegunProof>;
  /** All certificates of the day, or none. Adds rows, changes none. */
  keepProof(proof: FinishedProof): Promise<KeptCertificate[]>;
}
