// Money in every currency class of https://docs.stripe.com/currencies: amounts at Stripe are in the smallest unit that
// Stripe counts in, which is neither ISO 4217's nor Intl's. Precision is Blnk's factor between major and minor units.

import { defineKind, type Kind, posted } from '../kind.js';

export const CURRENCY_KINDS: readonly Kind[] = [
  money('eur', { amount: 2599, precision: 100, weight: 150, varyBy: 13 }),
  money('gbp', { amount: 4999, precision: 100, weight: 60, varyBy: 17 }),
  money('inr', { amount: 120_050, precision: 100 }),
  money('brl', { amount: 8990, precision: 100 }),
  // Zero-decimal: 500 JPY is 500.
  money('jpy', { amount: 500, precision: 1, weight: 20, varyBy: 1 }),
  money('krw', { amount: 15_000, precision: 1 }),
  money('vnd', { amount: 250_000, precision: 1 }),
  money('clp', { amount: 9990, precision: 1 }),
  money('xof', { amount: 6500, precision: 1 }),
  money('pyg', { amount: 73_000, precision: 1 }),
  // ISO 4217 gives the ariary two decimals, Stripe none.
  money('mga', { amount: 45_000, precision: 1 }),
  // Special cases: without decimals in daily life, two on the wire.
  money('isk', { amount: 129_900, precision: 100 }),
  money('ugx', { amount: 3_700_000, precision: 100 }),
  money('huf', { amount: 399_000, precision: 100 }),
  money('twd', { amount: 65_000, precision: 100 }),
  money('idr', { amount: 25_000_000, precision: 100 }),
  money('cop', { amount: 4_500_000, precision: 100 }),
  money('pkr', { amount: 140_000, precision: 100 }),
  money('lbp', { amount: 8_950_000, precision: 100 }),
  // Three decimals, the last of which must be 0.
  money('kwd', { amount: 5120, precision: 1000, weight: 5, varyBy: 10 }),
  money('bhd', { amount: 1000, precision: 1000 }),
  money('jod', { amount: 7090, precision: 1000 }),
  money('omr', { amount: 12_340, precision: 1000 }),
  money('tnd', { amount: 31_500, precision: 1000 }),
  // Twelve digits, the most that Stripe takes; sums of these leave the safe integers.
  money('usd', { name: 'usd_twelve_digits', amount: 999_999_999_999, precision: 100 }),
  money('idr', { name: 'idr_twelve_digits', amount: 999_999_999_900, precision: 100 }),
  money('jpy', { name: 'jpy_twelve_digits', amount: 999_999_999_999, precision: 1 }),
  money('usd', { name: 'usd_one_cent', amount: 1, precision: 100 }),
];

function money(
  currency: string,
  options: { amount: number; precision: 1 | 100 | 1000; name?: string; weight?: number; varyBy?: number },
): Kind {
  return defineKind(options.name ?? `currency_${currency}`, {
    currency,
    amount: options.amount,
    weight: options.weight ?? 1,
    varyBy: options.varyBy ?? 0,
    expected: posted({
      amount: BigInt(options.amount),
      currency: currency.toUpperCase(),
      precision: options.precision,
    }),
  });
}
