/**
 * Asks Stripe about payments that rows of a day name although its listing of the day does not have them. Somebody's import
 * of many payments under one effective date would cost a request for each: so a few are read by id, and from the newest of
 * them on Stripe's own list is walked backwards, as long as it brings more payments than pages. Nothing of our postings is
 * asked: what a proof says must not depend on them.
 */

import { dayWindow, utcDay } from '../core/base/window.js';
import { isApplied, type LedgerRecord } from '../core/ledger/row.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { FoundPayment, IntentNow } from '../core/posting/payment.js';
import { paymentsOfRows } from '../core/proof/day-row.js';
import { isClaimed, type OtherPayment } from '../core/proof/judge-unlisted.js';
import type { StripeSide } from './ports.js';
import { addPayment, type StripeDay } from './read-stripe.js';

/** One request each. An import of years that took effect on one day must not cost a million; the rest is not seen. */
const INTENTS_READ_MAX = 1_000;

/** So many are read by id before the list is walked: the newest of them is newer than almost all of the others. */
const SAMPLE = 20;

/** Pages that may bring nothing, before a walk is given up. */
const PAGES_IN_VAIN_MAX = 3;

export interface ReadOthers {
  readonly others: ReadonlyMap<string, OtherPayment>;
  /** Payments of this very day, which succeeded after the listing; added to it. */
  readonly late: readonly string[];
  readonly requests: number;
}

export async function readOthers(
  stripe: StripeSide,
  {
    day,
    rows,
    listed,
    mirror,
  }: {
    readonly day: string;
    readonly rows: readonly LedgerRecord[];
    readonly listed: StripeDay;
    readonly mirror: Mirror;
  },
): Promise<ReadOthers> {
  const window = dayWindow(day);
  const others = new Map<string, OtherPayment>();
  const late: string[] = [];
  const learn = (id: string, found: IntentNow): void => {
    if (found.kind === 'missing' || found.kind === 'not_succeeded') others.set(id, { kind: found.kind });
    else if (found.created !== null && (found.created < window.from || found.created >= window.to)) {
      others.set(id, { kind: 'created_on', day: utcDay(found.created) });
    } else {
      addPayment(listed, found, mirror);
      late.push(id);
    }
  };
  const wanted = namedBy(rows, { listed, mirror });
  let [requests, read] = [0, 0];
  while (wanted.size > 0 && read < INTENTS_READ_MAX) {
    let newest: Date | null = null;
    for (const id of [...wanted].slice(0, Math.min(SAMPLE, INTENTS_READ_MAX - read))) {
      const found = await stripe.readIntent(id);
      read += 1;
      requests += 1;
      wanted.delete(id);
      learn(id, found);
      if ('created' in found && found.created !== null && found.created > (newest ?? 0)) newest = found.created;
    }
    if (newest !== null && wanted.size > 0) requests += await walkBack(stripe, { from: newest, wanted, learn });
  }
  return { others, late, requests };
}

/** Payments that applied rows name and that the day's listing does not have. */
function namedBy(
  rows: readonly LedgerRecord[],
  { listed, mirror }: { readonly listed: StripeDay; readonly mirror: Mirror },
): Set<string> {
  const isListed = (id: string) => listed.payments.has(id) || listed.unreadable.has(id);
  const named = new Set<string>();
  const paymentOf = paymentsOfRows(rows, isListed);
  for (const row of rows) {
    if (!isApplied(row) || !isClaimed(row, mirror)) continue;
    const id = paymentOf(row) ?? row.reference;
    if (!isListed(id)) named.add(id);
  }
  return named;
}

/** Takes out of `wanted` what the list shows, newest first. @returns the requests that it took */
async function walkBack(
  stripe: StripeSide,
  {
    from,
    wanted,
    learn,
  }: { readonly from: Date; readonly wanted: Set<string>; learn(id: string, found: FoundPayment): void },
): Promise<number> {
  let [requests, found] = [0, 0];
  const window = { from: new Date(0), to: new Date(from.getTime() + 1_000) };
  for await (const page of stripe.listSucceeded(window)) {
    requests += page.requests;
    for (const payment of page.payments) {
      if (!wanted.delete(payment.id)) continue;
      found += 1;
      learn(payment.id, payment);
    }
    if (wanted.size === 0 || requests >= found + PAGES_IN_VAIN_MAX) break;
  }
  return requests;
}
