/** What decision one payment is decided from, and what the ledger should hold of it. Pure. */

import { formatMoney } from '../base/money.js';
import type { ResolveBalance } from '../ledger/balance-names.js';
import type { LedgerRecord } from '../ledger/row.js';
import { type MappingRules, preparePayment } from '../posting/mapping.js';
import type { IntentNow, Payment } from '../posting/payment.js';
import type { ParkingReason, PostingRole, PostingState, PreparedTransaction } from '../posting/posting.js';

/** One of our own postings of the payment. */
export interface OwnRow {
  readonly reference: string;
  readonly role: PostingRole;
  readonly state: PostingState;
  readonly reason: ParkingReason | null;
  readonly dismissed: boolean;
  /** By a repair plan, because another posting stands for it; else a person did. */
  readonly dismissedByPlan: boolean;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly destination: string | null;
}

export interface RepairFacts {
  readonly paymentId: string;
  readonly intent: IntentNow;
  /** All that the ledger shows under its references and with its id in our metadata; in any order. */
  readonly rows: readonly LedgerRecord[];
  readonly own: readonly OwnRow[];
  readonly rules: MappingRules;
  /** Of the payment's currency. */
  readonly resolve: ResolveBalance;
}

export interface Expected {
  readonly kind: 'payment';
  /** As it was first stored, as far as our postings tell. */
  readonly payment: Payment;
  readonly transaction: PreparedTransaction;
  readonly resolve: ResolveBalance;
}

export type Expectation =
  | Expected
  /** Nothing may be in the ledger. */
  | { readonly kind: 'none'; readonly problem: string }
  /** It cannot be said what should be in the ledger, or never be posted. */
  | { readonly kind: 'unusable'; readonly problem: string };

/** The transaction that the ledger should hold. A customer that was set later is a note: the first destination stays. */
export function expectPayment({ paymentId, intent, own, rules, resolve }: Omit<RepairFacts, 'rows'>): Expectation {
  switch (intent.kind) {
    case 'missing':
      return { kind: 'none', problem: `Stripe knows no payment ${paymentId} in this account and mode` };
    case 'not_succeeded':
      return { kind: 'none', problem: `${paymentId} has not succeeded in Stripe` };
    case 'unreadable':
      return {
        kind: 'unusable',
        problem: `Stripe shows ${paymentId} without something that must not be guessed: ${intent.problem}`,
      };
    case 'payment':
      break;
    default:
      return intent satisfies never;
  }
  const stored = own.find(({ reference }) => reference === paymentId);
  const payment = asFirstStored(intent, stored?.destination ?? null, rules);
  const preparation = preparePayment(payment, rules);
  if (preparation.kind === 'rejected') {
    return {
      kind: 'unusable',
      problem: `${paymentId} cannot be posted (${preparation.reason}): ${preparation.detail}`,
    };
  }
  const { transaction } = preparation;
  const differs = stored === undefined ? null : differenceTo(stored, transaction);
  if (differs !== null) return { kind: 'unusable', problem: differs };
  return { kind: 'payment', payment, transaction, resolve };
}

function asFirstStored(payment: Payment, destination: string | null, rules: MappingRules): Payment {
  if (destination === null) return payment;
  return { ...payment, customerId: destination === rules.guestDestination ? null : destination.replace(/^@/, '') };
}

function differenceTo(
  stored: OwnRow,
  { reference, amount, currency, destination }: PreparedTransaction,
): string | null {
  const { amount: storedAmount, currency: storedCurrency } = stored;
  if (storedAmount === null || storedCurrency === null || stored.destination === null) return null;
  if (storedAmount === amount && storedCurrency === currency && stored.destination === destination) return null;
  return (
    `our posting ${reference} was stored as ${formatMoney({ amount: storedAmount, currency: storedCurrency })} to ${stored.destination}, ` +
    `and Stripe shows ${formatMoney({ amount, currency })} to ${destination} now: find out which one is right before anything is posted`
  );
}

export function ownOf({ own }: RepairFacts, reference: string): OwnRow | undefined {
  return own.find((row) => row.reference === reference);
}

/**
 * Whether another posting stands for a dismissed one, or did until our table lost it: then no person decided anything. What
 * stands for a payment does not stand for its replacements and corrections: one that a person dismissed stays out.
 */
export function isStoodFor({ own, paymentId }: RepairFacts, base: string): boolean {
  if (own.some(({ reference, dismissedByPlan }) => reference === base && dismissedByPlan)) return true;
  return base === paymentId && own.some(({ role }) => role !== 'original');
}
