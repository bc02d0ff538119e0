/**
 * The words for a posting: one ledger transaction that we owe. What states it has, why it may be parked,
 * and the transaction that was prepared for it. Rules only; storing is `db/`, sending is `post/`.
 */
import type { PostingObject } from '../kinds/registry.js';

/**
 * Why a posting exists. `original`: under the object's own id. `replacement`: in the place of an original whose reference
 * cannot be used. `correction`: the difference to what the ledger has.
 */
export type PostingRole = 'original' | 'replacement' | 'correction';

/** `pending`: not yet confirmed in the ledger. `posted`: confirmed. `parked`: held for a person. */
export type PostingState = 'pending' | 'posted' | 'parked';

/** Stable codes, shown in CLI, tables and views. The texts answer "what does a person do now?". */
export const PARKING_REASONS = {
  unknown_currency:
    'Stripe sent a currency that this version does not know; its number of decimals must not be guessed',
  amount_not_positive: 'the amount received is zero or negative',
  three_decimal_amount: 'a three-decimal amount that is not divisible by 10, which Stripe does not allow',
  wrong_livemode: 'the payment is of the other mode (live or test) than this mirror',
  same_balance: 'the customer id names the source balance or the balance of guests, which are not customers',
  unreadable_payment: 'Stripe sent the intent without something that must not be guessed',
  conflict: 'the ledger holds this reference with other content, or in parts',
  burnt_reference:
    'somebody used this reference before, and Blnk rejected it or it was voided, so it can never be used again',
  refused_by_blnk: 'Blnk refuses this transaction for good',
  balance_missing: "Blnk does not know the balance of the payment's customer, which it had made before",
  rebuild: 'not in the ledger when the database was rebuilt; it may have been left out on purpose before',
} as const;

export type ParkingReason = keyof typeof PARKING_REASONS;

/** How a posting came to be `posted`: our own transaction was seen, or somebody else's equal one was adopted. */
export type SettledHow = 'posted' | 'already_there';

/** A posting that is held for a person, and why. */
export interface Parking {
  readonly reference: string;
  readonly reason: ParkingReason;
  readonly detail: string;
}

/** A posting that the ledger holds, and as which of its transactions. */
export interface Settlement {
  readonly reference: string;
  readonly transactionId: string;
  readonly how: SettledHow;
  readonly exception: string | null;
}

/** A decision to leave a posting out that does not hold any more: it was retried, or a repair took it up. */
export interface PastDismissal {
  readonly at: string;
  readonly by: string | null;
  readonly why: string | null;
  /** Why it was parked then. */
  readonly reason: ParkingReason | null;
  readonly endedAt: string;
}

/**
 * What is posted together, a few chunks at a time: everything of one currency on the mirror's own balance, on whichever side of
 * the transaction that is. Blnk applies one transaction after the other to a balance. Chosen when a transaction is prepared.
 */
export interface Lane {
  /** One of the mirror's own balances, by name (source-shards.ts). */
  readonly source: string;
  readonly currency: string;
}

/** One word per lane, for the database, job ids and logs. The currency comes first because it never contains a colon. */
export function laneName({ source, currency }: Lane): string {
  return `${currency}:${source}`;
}

/** @returns null when it is no name of a lane */
export function parseLane(name: string): Lane | null {
  const [, currency, source] = /^([^:]+):(.+)$/s.exec(name) ?? [];
  return currency === undefined || source === undefined ? null : { source, currency };
}

/** The exact transaction to be posted. `body` is what goes on the wire, byte for byte, now or in a year. */
export interface PreparedTransaction {
  readonly reference: string;
  readonly object: PostingObject;
  readonly role: PostingRole;
  readonly lane: Lane;
  readonly amount: bigint;
  /** Blnk's factor: 1, 100 or 1000. */
  readonly precision: number;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date;
  /** JSON text of the request body of `POST /transactions`. */
  readonly body: string;
}

/** What mapping answers: a transaction, or why there cannot be one. */
export type Preparation =
  | { readonly kind: 'prepared'; readonly transaction: PreparedTransaction }
  | { readonly kind: 'rejected'; readonly reason: ParkingReason; readonly detail: string };
