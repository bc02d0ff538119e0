/**
 * Reads a `payment_intent.succeeded` event and judges its snapshot. A snapshot is used only when it holds by itself all
 * that is needed, in a version we know: an event is frozen in the version of its time. All else is read again by id.
 */

import type { Payment } from '../core/posting/payment.js';
import { unreadableAnswer } from './read-list.js';
import { isIntentId, isRecord, readCreated, readPaymentIntent } from './read-payment.js';
import { isReadableVersion } from './snapshot-version.js';

/** The only events that tell of money received: `succeeded` is an intent's last state. */
export const SUCCEEDED_EVENT = 'payment_intent.succeeded';

export interface SucceededEvent {
  readonly created: Date;
  readonly intentId: string;
  /** Creation of the intent as the snapshot shows it, if it does. */
  readonly intentCreated: Date | null;
  /** Null: the intent must be read again. */
  readonly payment: Payment | null;
}

/** @param value one object of the list of events, not trusted */
export function readSucceededEvent(value: unknown): SucceededEvent {
  if (!isRecord(value) || value.type !== SUCCEEDED_EVENT)
    throw unreadableAnswer(`an event that is no ${SUCCEEDED_EVENT}`);
  const created = readCreated(value.created);
  if ('problem' in created) throw unreadableAnswer('an event without its time of creation');
  const intent = isRecord(value.data) ? value.data.object : undefined;
  const intentId = isRecord(intent) ? intent.id : undefined;
  if (!isRecord(intent) || !isIntentId(intentId))
    throw unreadableAnswer('an event without the id of its PaymentIntent');
  const intentCreated = readCreated(intent.created);
  const reading = isReadableVersion(value.api_version) ? readPaymentIntent(intent) : undefined;
  return {
    created: created.value,
    intentId,
    intentCreated: 'value' in intentCreated ? intentCreated.value : null,
    payment: reading?.kind === 'payment' ? reading : null,
  };
}
