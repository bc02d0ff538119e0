// Who paid: the shapes in which Stripe names a customer, each with an ordinary payment around it.

import { defineKind, type Kind, posted } from '../kind.js';

export const CUSTOMER_KINDS: readonly Kind[] = [
  defineKind('card_usd', { weight: 500, varyBy: 37 }),
  defineKind('guest', { weight: 120, varyBy: 11, customer: 'guest' }),
  defineKind('customer_object', { weight: 5, varyBy: 100, customer: 'object' }),
  defineKind('customer_deleted', { weight: 5, varyBy: 100, customer: 'deleted' }),
  defineKind('customer_account', { weight: 10, varyBy: 100, customer: 'account' }),
  defineKind('customer_account_beside_customer', { customer: 'account_and_customer' }),
  defineKind('latest_charge_object', { weight: 5, latestCharge: 'object' }),
  defineKind('no_charge', { weight: 2, latestCharge: 'absent' }),
  defineKind('old_event_snapshot', { weight: 10, varyBy: 10, eventVersion: '2020-08-27' }),
  defineKind('older_event_snapshot', {
    weight: 2,
    amount: 2500,
    eventVersion: '2019-02-11',
    expected: posted({ amount: 2500n, currency: 'USD', precision: 100 }),
  }),
  defineKind('recent_event_snapshot', { weight: 5, varyBy: 10, eventVersion: '2024-06-20' }),
];
