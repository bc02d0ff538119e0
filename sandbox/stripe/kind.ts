// What a kind of payment is: how it looks at Stripe and what a right mirror must do with it.
// The expectation is written by hand, from Stripe's rules, and never computed by the code that is tested.

import type { IntentPlan, Move } from './life.js';

export type ParkedReason =
  | 'unknown_currency'
  | 'amount_not_positive'
  | 'three_decimal_amount'
  | 'wrong_livemode'
  | 'unreadable_payment';

/** What the ledger must hold once the intent has succeeded. Amounts are minor units. */
export type Expected =
  | {
      readonly outcome: 'posted';
      readonly amount: bigint;
      readonly currency: string;
      readonly precision: 1 | 100 | 1000;
      /** `cut`: description or metadata cannot be kept whole, the payment is posted all the same. */
      readonly text: 'intact' | 'cut';
    }
  | { readonly outcome: 'parked'; readonly reason: ParkedReason }
  | { readonly outcome: 'none' };

export interface Kind {
  readonly name: string;
  /** Share in a population, relative to the other kinds. Every kind also comes up in turn, whatever its weight. */
  readonly weight: number;
  readonly amount: number;
  readonly currency: string;
  /** Makes amounts of one kind differ: a multiple of this is added to the amounts, expected ones included. 0: never. */
  readonly varyBy: number;
  readonly customer: 'id' | 'object' | 'deleted' | 'account' | 'account_and_customer' | 'guest';
  readonly livemode: 'same' | 'other';
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Adds a metadata key `order_id` that differs for every intent. */
  readonly numbered: boolean;
  readonly paymentMethodType: string;
  readonly latestCharge: IntentPlan['latestCharge'];
  /** Null: the sandbox's own version. */
  readonly eventVersion: string | null;
  readonly life: readonly LifeMove[];
  readonly expected: Expected;
}

/** A move at so many seconds after the intent's creation. */
export type LifeMove = Omit<Move, 'at' | 'edit'> & { readonly after: number };

export const DAY = 86_400;

/** Paid by card two seconds after its creation: what most payments are. */
const PAID_AT_ONCE: readonly LifeMove[] = [{ after: 2, move: 'succeed' }];

/** A kind that is an ordinary card payment of 19.99 US dollars but for what is said. */
export function defineKind(name: string, differs: Partial<Omit<Kind, 'name'>>): Kind {
  return {
    name,
    weight: 1,
    amount: 1999,
    currency: 'usd',
    varyBy: 0,
    customer: 'id',
    livemode: 'same',
    description: 'Order at the sandbox shop',
    metadata: {},
    numbered: true,
    paymentMethodType: 'card',
    latestCharge: 'id',
    eventVersion: null,
    life: PAID_AT_ONCE,
    expected: posted({ amount: 1999n, currency: 'USD', precision: 100 }),
    ...differs,
  };
}

/** The expectation of a payment that is posted; its text intact unless said. */
export function posted(what: {
  amount: bigint;
  currency: string;
  precision: 1 | 100 | 1000;
  text?: 'intact' | 'cut';
}): Expected {
  return { outcome: 'posted', text: 'intact', ...what };
}
