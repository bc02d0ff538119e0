// When money arrives, and how much of it: late successes, second attempts, holds, parts, and those that never succeed.
// Delays stay within what Stripe documents for the method (debits 14 business days, vouchers up to 60 days, holds 7).

import { DAY, defineKind, type Kind, type LifeMove, posted } from '../kind.js';

const NONE = { expected: { outcome: 'none' } } as const;

export const LIFE_KINDS: readonly Kind[] = [
  paid('three_d_secure', { weight: 40, varyBy: 19 }, [
    { after: 2, move: 'require_action' },
    { after: 90, move: 'succeed' },
  ]),
  paid('second_card', { weight: 30, varyBy: 19 }, [
    { after: 2, move: 'fail' },
    { after: 90, move: 'succeed' },
  ]),
  paid('third_card', { weight: 3 }, [
    { after: 2, move: 'fail' },
    { after: 90, move: 'fail' },
    { after: 3600, move: 'succeed' },
  ]),
  paid('debit_three_days', { weight: 20, varyBy: 23, paymentMethodType: 'us_bank_account' }, [
    { after: 2, move: 'process' },
    { after: 3 * DAY, move: 'succeed' },
  ]),
  paid('debit_eighteen_days', { weight: 5, paymentMethodType: 'sepa_debit' }, [
    { after: 2, move: 'process' },
    { after: 18 * DAY, move: 'succeed' },
  ]),
  paid('voucher', { weight: 5, paymentMethodType: 'konbini' }, [
    { after: 2, move: 'require_action' },
    { after: 26 * DAY, move: 'succeed' },
  ]),
  paid('confirmed_after_45_days', { weight: 3 }, [{ after: 45 * DAY, move: 'succeed' }]),
  paid('hold_captured', { weight: 20, varyBy: 7 }, [
    { after: 2, move: 'authorize' },
    { after: 2 * DAY, move: 'succeed' },
  ]),
  defineKind('partial_capture', {
    weight: 10,
    amount: 1000,
    life: [
      { after: 2, move: 'authorize' },
      { after: 2 * DAY, move: 'succeed', amountReceived: 700 },
    ],
    expected: posted({ amount: 700n, currency: 'USD', precision: 100 }),
  }),
  defineKind('overcapture', {
    amount: 1000,
    life: [
      { after: 2, move: 'authorize' },
      { after: 2 * DAY, move: 'succeed', amountReceived: 1200 },
    ],
    expected: posted({ amount: 1200n, currency: 'USD', precision: 100 }),
  }),
  defineKind('multicapture', {
    amount: 1000,
    life: [
      { after: 2, move: 'authorize' },
      { after: 3600, move: 'capture_part', amountReceived: 400 },
      { after: 2 * DAY, move: 'succeed', amountReceived: 900 },
    ],
    expected: posted({ amount: 900n, currency: 'USD', precision: 100 }),
  }),
  defineKind('abandoned', { ...NONE, weight: 60, life: [] }),
  defineKind('never_confirmed', { ...NONE, weight: 5, life: [{ after: 2, move: 'confirm_later' }] }),
  defineKind('action_never_taken', { ...NONE, weight: 10, life: [{ after: 2, move: 'require_action' }] }),
  defineKind('processing_for_ever', { ...NONE, weight: 2, life: [{ after: 2, move: 'process' }] }),
  defineKind('card_declined', { ...NONE, weight: 30, life: [{ after: 2, move: 'fail' }] }),
  defineKind('debit_returned', {
    ...NONE,
    weight: 3,
    paymentMethodType: 'us_bank_account',
    life: [
      { after: 2, move: 'process' },
      { after: 3 * DAY, move: 'fail' },
    ],
  }),
  defineKind('hold_open', { ...NONE, weight: 3, life: [{ after: 2, move: 'authorize' }] }),
  defineKind('hold_with_part_open', {
    ...NONE,
    life: [
      { after: 2, move: 'authorize' },
      { after: 3600, move: 'capture_part', amountReceived: 400 },
    ],
  }),
  defineKind('hold_expired', {
    ...NONE,
    weight: 3,
    life: [
      { after: 2, move: 'authorize' },
      { after: 7 * DAY, move: 'cancel' },
    ],
  }),
  defineKind('canceled', { ...NONE, weight: 15, life: [{ after: 3600, move: 'cancel' }] }),
];

function paid(name: string, differs: Partial<Omit<Kind, 'name'>>, life: readonly LifeMove[]): Kind {
  return defineKind(name, { ...differs, life });
}
