/** Payments: succeeded PaymentIntents. The mapping (core/posting/mapping.ts) makes their transactions. */
import type { ObjectKind } from './object-kind.js';

export const PAYMENT = {
  object: 'payment',
  idPrefix: 'pi_',
  metadataKey: 'stripe_payment_intent_id',
} as const satisfies ObjectKind;
