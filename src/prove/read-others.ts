/**
 * Asks Stripe about payments that rows of a day name although its listing of the day does not have them. Somebody's import
 * of many payments under one effective date would cost a request for each: so a few are read by id, and from the newest of
 * them on Stripe's own list is walked backwards, as long as it brings more payments than pages. Of our postings nothing is
 * asked but what explains why one is not in the ledger.
 */

import { dayWindow, utcDay, type Window } from '../core/base/window.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { FoundPayment, IntentNow } from '../core/posting/payment.js';
import type { DayPosting } from '../core/proof/day-payment.js';
import type { OtherPayment } from '../core/proof/judge-unlisted.js';
import { keyOf } from '../core/proof/line-key.js';
import { keyOfRows } from '../core/proof/place-row.js';
import { MARKS, type StagedItem, type StoredItem, TO_DO } from '../core/proof/staged.js';
import type { DayStore } from './day-store.js';
import type { LedgerSide, OwnSide, StripeSide } from './ports.js';
import { findAllForms, namesWithout } from './read-missing.js';
import { expectedPayment, itemOfPayment } from './stage-items.js';

/** One request each. An import of years that took effect on one day must not cost a million; the rest is not seen. */
const INTENTS_READ_MAX = 1_000;

/** So many are read by id before the list is walked: the newest of them is newer than almost all of the others. */
const SAMPLE = 20;

/** Pages that may bring nothing, before a walk is given up. */
const PAGES_IN_VAIN_MAX = 3;

export interface ReadOthers {
  /** Payments of this very day, which succeeded after the listing; added to the store. */
  readonly late: readonly string[];
  readonly requests: number;
}

export interface OthersContext {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
  readonly store: DayStore;
  readonly day: string;
  readonly mirror: Mirror;
}

/** To be called when the rows of the day are placed. What Stripe says of each payment is kept in the store. */
export async function readOthers(context: OthersContext): Promise<ReadOthers> {
  const { stripe, store, day, mirror } = context;
  const late: string[] = [];
  const learn = async (id: string, found: IntentNow): Promise<void> => {
    const other = otherOf(found, dayWindow(day), mirror);
    if (other.kind === 'of_this_day') late.push(id);
    await store.put([other.kind === 'of_this_day' ? itemOfPayment(other.found, mirror) : itemOfOther(id, other)]);
    await store.drop(TO_DO.wanted, [id]);
  };
  await markWanted(store);
  const wanted = (limit: number) => store.todo(TO_DO.wanted, { after: -1, limit });
  let [requests, read] = [0, 0];
  while (read < INTENTS_READ_MAX) {
    let newest: Date | null = null;
    for (const { name: id } of await wanted(Math.min(SAMPLE, INTENTS_READ_MAX - read))) {
      const found = await stripe.readIntent(id);
      read += 1;
      requests += 1;
      await learn(id, found);
      if ('created' in found && found.created !== null && found.created > (newest ?? 0)) newest = found.created;
    }
    if ((await wanted(1)).length === 0) break;
    if (newest !== null) requests += await walkBack(context, newest, learn);
  }
  await readElsewhere(context);
  return { late, requests };
}

/** Payments that are held at a time. */
const ELSEWHERE_MAX = 1_000;

/** Of payments of other days everything that the ledger holds: what took effect on this day may be a second copy, or take one back. */
async function readElsewhere(context: OthersContext): Promise<void> {
  const { store, own } = context;
  for (let after = -1; ; ) {
    const found = await store.todo(TO_DO.other, { after, limit: ELSEWHERE_MAX });
    const last = found.at(-1);
    if (last === undefined) return;
    after = last.sequence;
    const held = found.filter(isElsewhere);
    const postings = new Map<string, DayPosting[]>();
    for (const posting of await own.postingsOf(held.map(({ name }) => name))) {
      postings.set(posting.paymentId, [...(postings.get(posting.paymentId) ?? []), posting]);
    }
    await store.put(
      held.map((item): StagedItem => {
        const { body } = item;
        return { ...item, body: { ...body, held: { ...body.held, own: postings.get(item.name) ?? [] } } };
      }),
    );
    await findAllForms(context, new Map(held.map(({ name, body }) => [name, body.day])));
  }
}

type Elsewhere = Required<Extract<OtherPayment, { readonly kind: 'created_on' }>>;

function isElsewhere(
  item: StoredItem,
): item is Extract<StoredItem, { readonly kind: 'other' }> & { readonly body: Elsewhere } {
  return item.kind === 'other' && item.body.kind === 'created_on' && item.body.held !== undefined;
}

function otherOf(
  found: IntentNow,
  { from, to }: Window,
  mirror: Mirror,
): OtherPayment | { readonly kind: 'of_this_day'; readonly found: FoundPayment } {
  if (found.kind === 'missing' || found.kind === 'not_succeeded') return { kind: found.kind };
  const { created } = found;
  const isOfAnother = created !== null && (created < from || created >= to);
  if (!isOfAnother) return { kind: 'of_this_day', found };
  const other = { kind: 'created_on', day: utcDay(created) } as const;
  return found.kind === 'payment' ? { ...other, held: { payment: expectedPayment(found, mirror), own: [] } } : other;
}

function itemOfOther(id: string, body: OtherPayment): StagedItem {
  const place = { key: keyOfRows(id, false), id, name: id };
  return { kind: 'other', ...place, marks: 0, todo: TO_DO.other, transactionId: null, body };
}

/** Payments that applied rows name and that the day's listing does not have, in the order in which their first rows came. */
async function markWanted(store: DayStore): Promise<void> {
  await store.drop(TO_DO.wanted);
  await store.drop(TO_DO.other);
  const judged = { kinds: ['row', 'placed'], marks: MARKS.claimed } as const;
  for await (const names of namesWithout(store, judged, [{ kinds: ['payment', 'unreadable'] }])) {
    await store.put(
      names.map(({ name, sequence }): StagedItem => {
        const place = { key: keyOf(name), id: name, name, sequence };
        return { kind: 'wanted', ...place, marks: 0, todo: TO_DO.wanted, transactionId: null, body: null };
      }),
    );
  }
}

/** Takes out of what is wanted what the list shows, newest first. @returns the requests that it took */
async function walkBack(
  { stripe, store }: OthersContext,
  from: Date,
  learn: (id: string, found: FoundPayment) => Promise<void>,
): Promise<number> {
  let [requests, found] = [0, 0];
  const window = { from: new Date(0), to: new Date(from.getTime() + 1_000) };
  for await (const page of stripe.listSucceeded(window)) {
    requests += page.requests;
    const ids = page.payments.map(({ id }) => id);
    const wanted = new Set((await store.find({ kinds: ['wanted'] }, ids)).map(({ name }) => name));
    for (const payment of page.payments) {
      if (!wanted.delete(payment.id)) continue;
      found += 1;
      await learn(payment.id, payment);
    }
    const isOver = (await store.todo(TO_DO.wanted, { after: -1, limit: 1 })).length === 0;
    if (isOver || requests >= found + PAGES_IN_VAIN_MAX) break;
  }
  return requests;
}
