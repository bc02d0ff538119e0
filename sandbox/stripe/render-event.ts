// Events as Stripe shows them: the object frozen at the second of the event, in the API version of that time. Asking
// with another version changes nothing (https://docs.stripe.com/api/events).

import type Stripe from 'stripe';
import type { SandboxEventType } from './life.js';

/** The event as JSON around an object that is JSON already. */
export function renderEvent(
  envelope: {
    id: string;
    created: number;
    livemode: boolean;
    apiVersion: string;
    type: SandboxEventType | 'customer.updated' | 'customer.deleted';
  },
  objectJson: string,
): string {
  const outside: Omit<Stripe.EventBase, 'data'> = {
    id: envelope.id,
    object: 'event',
    api_version: envelope.apiVersion,
    created: envelope.created,
    livemode: envelope.livemode,
    pending_webhooks: 0,
    request: { id: `req_${envelope.id.slice(-14)}`, idempotency_key: null },
    type: envelope.type,
  };
  return `${JSON.stringify(outside).slice(0, -1)},"data":{"object":${objectJson}}}`;
}

/** Whether a version is one that had `charges` in place of `latest_charge`. */
export function isBeforeLatestCharge(apiVersion: string): boolean {
  return apiVersion < '2022-11-15';
}
