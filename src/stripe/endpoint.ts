/** What Stripe limits separately: `GET /v1/payment_intents` and `GET /v1/payment_intents/{id}` do not share a limit. */
export type StripeEndpoint =
  | 'payment_intents'
  | 'payment_intent'
  | 'events'
  | 'charges'
  | 'charge'
  | 'customer'
  | 'account';
