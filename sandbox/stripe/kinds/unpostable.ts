// Succeeded payments whose amount must not be guessed: each has to be parked, with the reason that stands here.

import { defineKind, type Kind, type ParkedReason } from '../kind.js';

export const UNPOSTABLE_KINDS: readonly Kind[] = [
  parked('currency_unknown', 'unknown_currency', { currency: 'zzz' }),
  parked('currency_not_of_stripe', 'unknown_currency', { currency: 'xau' }),
  parked('received_nothing', 'amount_not_positive', { life: [{ after: 2, move: 'succeed', amountReceived: 0 }] }),
  parked('received_less_than_nothing', 'amount_not_positive', {
    life: [{ after: 2, move: 'succeed', amountReceived: -500 }],
  }),
  // Stripe asks for 5120 or 5130; 5124 fils cannot have been charged.
  parked('three_decimals_in_full', 'three_decimal_amount', { currency: 'kwd', amount: 5124 }),
  parked('three_decimals_in_full_tnd', 'three_decimal_amount', { currency: 'tnd', amount: 10_001 }),
  parked('wrong_livemode', 'wrong_livemode', { livemode: 'other' }),
  parked('amount_with_a_fraction', 'unreadable_payment', { amount: 1999.5 }),
  // Above 2^53: JSON readers round it, so nobody knows what was meant.
  parked('amount_beyond_safe_integers', 'unreadable_payment', { amount: 2 ** 60 }),
];

function parked(name: string, reason: ParkedReason, differs: Partial<Omit<Kind, 'name' | 'expected'>>): Kind {
  return defineKind(name, { ...differs, expected: { outcome: 'parked', reason } });
}
