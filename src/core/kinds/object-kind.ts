/** What has to be known of a kind of Stripe object that is mirrored, wherever the kind itself does not matter. */

export interface ObjectKind {
  /** Kept with each posting of it: column `object`. Never changed once released. */
  readonly object: string;
  /** How Stripe begins its ids (https://docs.stripe.com/api), and so every reference in the ledger that is made of one. */
  readonly idPrefix: string;
  /** Key of our metadata in the ledger under which its id stands. */
  readonly metadataKey: string;
}
