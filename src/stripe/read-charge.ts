/**
 * Reads a charge as a list shows it: whose intent its money may belong to. Nothing is built from a charge; the intent is
 * read by its id. A charge is left out only when it clearly shows that it brought no money.
 */
import type { ChargePage } from '../collect/ports.js';
import { unreadableAnswer } from './read-list.js';
import { isIntentId, isObjectId, isRecord } from './read-payment.js';

/** @param object one charge, parsed from JSON and not trusted in any way */
export function succeededCharge(object: unknown, seenAt: Date): ChargePage['charges'][number][] {
  if (!isRecord(object) || typeof object.id !== 'string') throw unreadableAnswer('a charge without its id');
  const { id: chargeId, payment_intent: intent, status, captured } = object;
  // Charges made without an intent are no PaymentIntents, and not mirrored; Stripe marks them with null.
  if (intent === null) return [];
  const intentId = isRecord(intent) ? intent.id : intent;
  if (!isIntentId(intentId)) {
    const name = isObjectId(chargeId) ? `the charge ${chargeId}` : 'a charge';
    throw unreadableAnswer(`${name} with something else than an intent's id`);
  }
  if (status === 'failed' || status === 'pending' || captured === false) return [];
  return [{ chargeId, intentId, seenAt }];
}
