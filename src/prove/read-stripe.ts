/** Stripe's side of a day, listed afresh, reduced to what comparing needs. */

import { SyncError } from '../core/base/errors.js';
import { earlier, type Window } from '../core/base/window.js';
import { type MappingRules, preparePayment } from '../core/posting/mapping.js';
import type { FoundPayment, Payment, UnreadablePayment } from '../core/posting/payment.js';
import type { UnreadableOfDay } from '../core/proof/compare-day.js';
import type { ExpectedPayment } from '../core/proof/day-payment.js';
import type { StripeSide } from './ports.js';

export interface StripeDay {
  readonly payments: Map<string, ExpectedPayment>;
  readonly unreadable: Map<string, UnreadableOfDay>;
  readonly requests: number;
  /** Stripe's clock when the first page was cut. */
  readonly asOf: Date;
}

/**
 * Throws SyncError `no_server_time` when a page came without Stripe's time: then nobody knows what it was as of.
 *
 * @param onSize told after each page how many payments there are; may throw
 */
export async function readStripeDay(
  stripe: StripeSide,
  window: Window,
  rules: MappingRules,
  onSize: (payments: number) => Promise<void>,
): Promise<StripeDay> {
  const day = { payments: new Map(), unreadable: new Map() };
  let requests = 0;
  let asOf: Date | null = null;
  for await (const page of stripe.listSucceeded(window)) {
    if (page.vendorNow === null) throw noServerTime();
    asOf = asOf === null ? page.vendorNow : earlier(asOf, page.vendorNow);
    requests += page.requests;
    for (const found of page.payments) addPayment(day, found, rules);
    await onSize(day.payments.size);
  }
  if (asOf === null) throw noServerTime();
  return { ...day, requests, asOf };
}

/** Keeps of a payment what comparing needs, and no customer detail. */
export function addPayment(
  { payments, unreadable }: Pick<StripeDay, 'payments' | 'unreadable'>,
  found: FoundPayment,
  rules: MappingRules,
): void {
  if (found.kind === 'payment') payments.set(found.id, expect(found, rules));
  else unreadable.set(found.id, reduce(found));
}

function reduce({ id, problem, known }: UnreadablePayment): UnreadableOfDay {
  return { id, problem, currency: known?.currency?.toUpperCase() ?? null };
}

function expect(payment: Payment, rules: MappingRules): ExpectedPayment {
  const { id, created, amountReceived: amount } = payment;
  const facts = { id, amount, currency: payment.currency.toUpperCase(), created };
  const preparation = preparePayment(payment, rules);
  if (preparation.kind === 'rejected') {
    return { ...facts, balances: null, refused: `${preparation.reason}: ${preparation.detail}` };
  }
  const { source, destination } = preparation.transaction;
  return { ...facts, balances: { source, destination }, refused: null };
}

function noServerTime(): SyncError {
  return new SyncError(
    "Stripe's time is not known, so that nobody knows as of when a proof would be: its answer had no Date header (a proxy in between has to pass it on), or no two clocks agree (see status)",
    { kind: 'transient', code: 'no_server_time' },
  );
}
