// What an ordinary shop takes: cards in a few currencies, sums of daily life, some that failed or were given up. Not among the
// kinds that a population has by itself, which are there to be hostile.

import { defineKind, type Kind, posted } from '../kind.js';

const NONE = { outcome: 'none' } as const;

export const SHOP_KINDS: readonly Kind[] = [
  order('shop_eur', { currency: 'eur', amount: 1990, varyBy: 9, weight: 34 }),
  order('shop_usd', { currency: 'usd', amount: 2400, varyBy: 11, weight: 26 }),
  order('shop_gbp', { currency: 'gbp', amount: 1850, varyBy: 7, weight: 10 }),
  order('shop_guest_eur', { currency: 'eur', amount: 3500, varyBy: 13, weight: 10, customer: 'guest' }),
  order('shop_usd_large', { currency: 'usd', amount: 18_900, varyBy: 45, weight: 4 }),
  defineKind('shop_jpy', {
    ...{ currency: 'jpy', amount: 3200, varyBy: 10, weight: 3, description: 'Order at the demo shop' },
    expected: posted({ amount: 3200n, currency: 'JPY', precision: 1 }),
  }),
  defineKind('shop_declined', { weight: 6, life: [{ after: 2, move: 'fail' }], expected: NONE }),
  defineKind('shop_canceled', { weight: 3, life: [{ after: 1800, move: 'cancel' }], expected: NONE }),
];

type Order = Pick<Kind, 'currency' | 'amount' | 'varyBy' | 'weight'> & { readonly customer?: Kind['customer'] };

function order(name: string, differs: Order): Kind {
  return defineKind(name, {
    ...differs,
    description: 'Order at the demo shop',
    expected: posted({
      amount: BigInt(differs.amount),
      currency: differs.currency.toUpperCase(),
      precision: 100,
    }),
  });
}
