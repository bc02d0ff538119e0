/**
 * What post needs from outside: a ledger and the outbox. Answers about a transaction are values, because each of them
 * has its own next step; only faults of the surroundings (credentials, database) are thrown, as SyncError.
 */

import type { BalanceFinder } from '../core/ledger/balance-names.js';
import type { RowFinder } from '../core/ledger/find-forms.js';
import type { LedgerRow } from '../core/ledger/row.js';
import type { ExpectedRow } from '../core/ledger/settlement.js';
import type { Lane, Parking, ParkingReason, Settlement } from '../core/posting/posting.js';

/** What the ledger said to a post. Nothing but `applied` settles anything without a look-up. */
export type PostAnswer =
  /** 201 with status APPLIED: the transaction is in, and this is its row. Bulk answers carry no rows. */
  | { readonly kind: 'applied'; readonly row: LedgerRow | null }
  /** 409 TXN_DUPLICATE_REFERENCE: the reference exists, with whatever content. */
  | { readonly kind: 'duplicate'; readonly message: string }
  /** 423, 429, 503 and the like: not applied, or not knowable; ask again later. */
  | { readonly kind: 'busy'; readonly message: string; readonly retryAfterMs: number | null }
  /** 400/404 about this very transaction: it can never be posted as it is. */
  | {
      readonly kind: 'refused';
      readonly message: string;
      /** The ledger does not know the id of one of its balances. */
      readonly isBalanceUnknown?: true;
      /** Under which it is parked; absent: it is refused for good. */
      readonly reason?: ParkingReason;
    }
  /** Timeout, reset, 5xx, HTML, a queued 201, a bulk that stopped: nothing is known. */
  | {
      readonly kind: 'unclear';
      readonly message: string;
      /** How long whoever answered asked us to wait; absent when nothing was said. */
      readonly retryAfterMs?: number;
      /** A bulk that stopped because something else held a balance for too long. */
      readonly isLocked?: true;
      /** Position in the bulk, from 0, of the item that the answer blames. */
      readonly blamed?: number;
    };

export interface Ledger extends RowFinder<LedgerRow>, BalanceFinder {
  /**
   * @param body JSON text of one prepared transaction
   * @param assertMaySend throws when it is too late to send; asked again by what has to wait before its request
   * @throws SyncError `fatal` for 401, 403 and missing overdraft
   */
  post(body: string, assertMaySend?: () => void): Promise<PostAnswer>;
  /** Posts in order, each on its own; stops at the first failure, so every answer but `applied` needs a look-up. */
  postBulk(bodies: readonly string[], assertMaySend?: () => void): Promise<PostAnswer>;
}

/** A posting that this process holds a claim on. */
export interface ClaimedPosting extends Omit<ExpectedRow, 'mirrorId'> {
  /** The same of all of a claim. */
  readonly lane: Lane;
  /** The body to post, byte for byte. */
  readonly prepared: string;
  readonly attempts: number;
  /** Look-ups without an answer so far, for back-off. */
  readonly lookUps: number;
  /** Milliseconds since the last attempt by the database's clock; null when there was none. */
  readonly sinceLastAttemptMs: number | null;
  /** Set when the ledger refused it for good; it is parked once a late look-up confirms its absence. */
  readonly reason: ParkingReason | null;
  readonly reasonDetail: string | null;
  /** Why it was put off the last time; null when it never was. */
  readonly lastError: string | null;
}

export interface Claim {
  readonly token: string;
  readonly postings: readonly ClaimedPosting[];
}

export interface Postponement {
  readonly reference: string;
  /** From now, by the database's clock. */
  readonly dueInMs: number;
  readonly error: string;
  /** True: an attempt may have been applied. False: known not to be applied. */
  readonly inDoubt: boolean;
  /** What was seen is not what earlier look-ups saw: they are counted from this one. */
  readonly firstLook?: boolean;
  /** To be parked with this reason once it is due and still absent. */
  readonly reason?: ParkingReason;
  readonly reasonDetail?: string;
}

export interface ClaimLimits {
  readonly limit: number;
  readonly leaseMs: number;
}

export interface NewClaimOptions extends ClaimLimits {
  /** `waiting`: what is due the longest. `newest`: the payments that were created last. */
  readonly first: 'waiting' | 'newest';
}

export interface Outbox {
  /** Claims due postings that were never attempted and marks the attempt, in one statement. */
  claimNew(lane: Lane, options: NewClaimOptions): Promise<Claim>;
  /** Claims due postings that were attempted before: they are looked up first. Marks no attempt. */
  claimAttempted(lane: Lane, options: ClaimLimits): Promise<Claim>;
  /** Writes a further attempt on disk before the request goes out. Answers the references that the claim still holds. */
  markAttempt(token: string, references: readonly string[], leaseMs: number): Promise<Set<string>>;
  /** Extends the lease of those that the claim still holds. False when it holds none of them any more. */
  renew(token: string, references: readonly string[], leaseMs: number): Promise<boolean>;
  /** Each needs the token; what was taken over in the meantime is left alone. Answers how many were marked. */
  settle(token: string, settlements: readonly Settlement[]): Promise<number>;
  postpone(token: string, postponements: readonly Postponement[]): Promise<number>;
  park(token: string, parkings: readonly Parking[]): Promise<number>;
  /** Milliseconds until the lane's next posting is due (0 or less: now); null when nothing is pending. */
  nextDueInMs(lane: Lane): Promise<number | null>;
}

/** Dismissed postings that were attempted: the attempt may still show up in the ledger. */
export interface DismissedPostings {
  /**
   * Claims those of one lane whose next look is due.
   * @param looksAfterMs when to look, counted from the dismissal; as many looks as there are entries
   */
  claimDismissed(options: ClaimLimits & { readonly looksAfterMs: readonly number[] }): Promise<Claim>;
  /** Marks those that the ledger holds as posted, notes that they were dismissed, and counts the look of all others. */
  markLooked(token: string, found: readonly Settlement[]): Promise<void>;
}
