// Customers that tests made, changed or deleted, and the events of it. Others are as render-customer.ts has them.

import type Stripe from 'stripe';
import type { ListParameters } from './query.js';
import { unknownCursor } from './refusal.js';
import { customerObject } from './render-customer.js';
import { renderEvent } from './render-event.js';

/** What becomes of a customer; fields that are left out stay. */
export type CustomerChange = { readonly name?: string | null; readonly email?: string | null } | 'deleted';

interface BookOptions {
  readonly livemode: boolean;
  readonly apiVersion: string;
}

interface ChangeEvent {
  readonly id: string;
  readonly created: number;
  readonly json: string;
}

export const CUSTOMER_EVENTS = ['customer.updated', 'customer.deleted'] as const;

export class CustomerBook {
  readonly #customers = new Map<string, Stripe.Customer | Stripe.DeletedCustomer>();
  readonly #events: ChangeEvent[] = [];

  constructor(private readonly options: BookOptions) {}

  find(id: string): Stripe.Customer | Stripe.DeletedCustomer | undefined {
    return this.#customers.get(id);
  }

  /** @param created Unix second of the event */
  change(id: string, change: CustomerChange, created: number): void {
    const { livemode, apiVersion } = this.options;
    const before = this.#customers.get(id);
    const living = before === undefined || before.deleted === true ? customerObject({ id, livemode }) : before;
    const now = change === 'deleted' ? living : { ...living, ...change };
    this.#customers.set(id, change === 'deleted' ? { id, object: 'customer', deleted: true } : now);
    const type = change === 'deleted' ? 'customer.deleted' : 'customer.updated';
    const eventId = `evt_customer_${this.#events.length + 1}`;
    const json = renderEvent({ id: eventId, created, livemode, apiVersion, type }, JSON.stringify(now));
    this.#events.unshift({ id: eventId, created, json });
  }

  /** A page of the list of events, newest first. */
  events({ from, to, limit, startingAfter, types }: ListParameters): { objects: string[]; hasMore: boolean } {
    const fitting = this.#events.filter(
      ({ created, json }) => created >= from && created <= to && types?.some((type) => json.includes(`"${type}"`)),
    );
    const place = startingAfter === null ? -1 : fitting.findIndex(({ id }) => id === startingAfter);
    if (startingAfter !== null && place < 0) throw unknownCursor('event', startingAfter, 'starting_after');
    const left = fitting.slice(place + 1);
    return { objects: left.slice(0, limit).map(({ json }) => json), hasMore: left.length > limit };
  }
}
