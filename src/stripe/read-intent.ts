/**
 * Asks for one PaymentIntent by its id. "Stripe does not have it" is a value: test data can be deleted, and a key of
 * another account sees none of ours.
 */
import type { RetrievedIntent } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import type { StripeClient } from './client.js';
import { unreadableAnswer } from './read-list.js';
import { isIntentId, readPaymentIntent } from './read-payment.js';

/** Ids come from the ledger, too, where anybody writes references: what cannot be an id is no path to ask Stripe for. */
export async function retrieveIntent(client: StripeClient, id: string): Promise<RetrievedIntent> {
  if (!isIntentId(id)) return { reading: { kind: 'missing' }, requests: 0 };
  try {
    const { body, requests } = await client.request('payment_intent', (stripe, options) =>
      stripe.paymentIntents.retrieve(id, {}, options),
    );
    const reading = readPaymentIntent(body);
    // Another id than the one asked for would book one payment's money under another's name.
    if (reading.kind === 'no_id' || reading.id !== id)
      throw unreadableAnswer(`something else than the PaymentIntent ${id}`);
    return { reading, requests };
  } catch (error) {
    if (error instanceof SyncError && error.code === 'stripe_resource_missing') {
      return { reading: { kind: 'missing' }, requests: 1 };
    }
    throw error;
  }
}
