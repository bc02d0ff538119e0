/**
 * What the stage that keeps identities needs from outside: a list of customers on disk, Blnk, and with `full` Stripe's customers.
 * Refusals of a single customer are values; faults of the surroundings are thrown as SyncError.
 */
import type { CustomerDetails, IdentityFields, Mark } from '../core/accounts/identity.js';
import type { FoundBalance, IdentityReason } from '../core/accounts/link-balances.js';

/** Holds until somebody else takes the customer over, or something new becomes known of it: then there is more to do. */
export interface IdentityClaim {
  readonly customer: string;
  /** Opaque. */
  readonly lease: string;
}

/** A customer whose identity is to be made, linked or brought up to date by this process, for as long as its lease lasts. */
export interface DueIdentity extends IdentityClaim {
  readonly identityId: string;
  /** Blnk was seen to have it. */
  readonly isCreated: boolean;
  /** Currencies in which it was posted to, and whose balance is not known to be linked. */
  readonly unlinked: readonly string[];
  /** Whether name and e-mail address are still to be written, as far as they are kept at all. */
  readonly wantsDetails: boolean;
  /** Tries in a row that came to nothing, for back-off. */
  readonly attempts: number;
}

export interface CustomerCurrency {
  readonly customer: string;
  readonly currency: string;
}

/** What a claim on a customer ends with. */
export type IdentityEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly error: string; readonly dueInMs: number }
  | { readonly kind: 'parked'; readonly reason: IdentityReason; readonly detail: string; readonly dueInMs: number };

export interface IdentityStore {
  /** Customers that are due, for nobody else until the lease is over. */
  claim(options: { readonly limit: number; readonly leaseMs: number }): Promise<DueIdentity[]>;
  /** Blnk has it; or has it no more. */
  noteCreated(customer: string, isCreated: boolean): Promise<void>;
  noteLinked(customer: string, balance: { readonly currency: string; readonly balanceId: string }): Promise<void>;
  /** Nothing where the claim does not hold. @param asOf Stripe's time of what was written */
  noteDetails(claim: IdentityClaim, asOf: Date): Promise<void>;
  /** Nothing where the claim does not hold. */
  end(claim: IdentityClaim, end: IdentityEnd): Promise<void>;
  /** Gives customers back that were claimed and not looked at. */
  release(claims: readonly IdentityClaim[]): Promise<void>;
}

export type IdentityAnswer =
  | { readonly kind: 'done' }
  /** Blnk refuses it for good. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The identity or balance that it is about is not there (yet). */
  | { readonly kind: 'missing'; readonly message: string }
  /** Something else has it in hand just now. */
  | { readonly kind: 'later'; readonly message: string };

export interface IdentityLedger {
  /** `done` too when it was there before: it is made of the same. */
  createIdentity(identity: {
    readonly identityId: string;
    readonly fields: IdentityFields;
    readonly mark: Mark;
  }): Promise<IdentityAnswer>;
  updateIdentity(identityId: string, fields: IdentityFields): Promise<IdentityAnswer>;
  linkBalance(balanceId: string, identityId: string): Promise<IdentityAnswer>;
  /** Writes our one key, whole; everything beside it stays. */
  markBalance(balanceId: string, mark: Mark): Promise<IdentityAnswer>;
  /** All balances of at most 100 names, in every currency, by name. */
  balancesOfNames(names: readonly string[]): Promise<ReadonlyMap<string, readonly FoundBalance[]>>;
}

/** A customer as Stripe has it. What it does not have says nothing: an id may be one of another kind of object. */
export type CustomerReading =
  | { readonly kind: 'found'; readonly details: CustomerDetails }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'missing' };

export interface CustomerReader {
  /** @returns with Stripe's time, never too late; null where it is not known */
  readCustomer(customer: string): Promise<{ readonly reading: CustomerReading; readonly asOf: Date | null }>;
}

export interface CustomerChange {
  readonly customer: string;
  /** Whole seconds. */
  readonly at: Date;
}

export interface CustomerFeed {
  /** Changes and deletions since a time, newest first, page by page. */
  changes(request: { readonly from: Date; readonly after: string | null }): Promise<{
    readonly changes: readonly CustomerChange[];
    /** Cursor of the next page; null: this was the last one. */
    readonly next: string | null;
    /** Stripe's time when the page was cut; null where it is not known. */
    readonly now: Date | null;
  }>;
}

export interface ChangeStore {
  /** Up to when changes were read; null: never. */
  changesReadTo(): Promise<Date | null>;
  noteChangesReadTo(to: Date): Promise<void>;
  /** Those whose details were read before are due again. */
  noteChanged(changes: readonly CustomerChange[]): Promise<void>;
  /** All of them are: what happened meanwhile is not known any more. */
  noteAllChanged(): Promise<void>;
}
