/**
 * A payment: a succeeded Stripe PaymentIntent, reduced to what a posting needs and freed of Stripe's types.
 * Adapters read vendor objects into these shapes; nothing here decides whether a payment can be posted.
 */

export interface Payment {
  readonly kind: 'payment';
  /** The PaymentIntent id, `pi_…`. */
  readonly id: string;
  /** `amount_received` in minor units: what was collected, not what was asked for. */
  readonly amountReceived: bigint;
  /** As Stripe sent it: a lower-case code. */
  readonly currency: string;
  /** Creation of the intent, whole seconds. */
  readonly created: Date;
  readonly livemode: boolean;
  /** `cus_…`, or the `customer_account` id, or null for a guest. */
  readonly customerId: string | null;
  readonly chargeId: string | null;
  readonly description: string | null;
  /** In Stripe's order. Pairs, not an object: a key may be `__proto__`. */
  readonly metadata: ReadonlyArray<readonly [key: string, value: string]>;
}

/** A succeeded intent that lacks, or has in a wrong type, something that must not be guessed. */
export interface UnreadablePayment {
  readonly kind: 'unreadable';
  readonly id: string;
  /** Null when even the creation time cannot be read. */
  readonly created: Date | null;
  /** Which field, what it holds, what is expected. Free of customer detail. */
  readonly problem: string;
  /** Left out where nothing could be read, or where it was stored before it was kept. */
  readonly known?: KnownOfPayment;
}

/** What could be read of a payment that cannot be posted: for the person who decides on it. Nothing is posted from it. */
export type KnownOfPayment = Partial<
  Pick<Payment, 'amountReceived' | 'currency' | 'customerId' | 'chargeId' | 'description' | 'metadata'>
>;

export type FoundPayment = Payment | UnreadablePayment;

/** What Stripe shows of one intent that is asked for by its id. `missing`: another account's, or deleted test data. */
export type IntentNow = FoundPayment | { readonly kind: 'not_succeeded' } | { readonly kind: 'missing' };

/** A payment as text for the outbox, so that one which could not be mapped can be mapped again as first stored. */
export function serializePayment(payment: FoundPayment): string {
  return JSON.stringify(payment, (_key, value) => (typeof value === 'bigint' ? value.toString() : value));
}

/** The inverse of `serializePayment`. Throws SyntaxError when the text was not written by it. */
export function parsePayment(text: string): FoundPayment {
  const stored = JSON.parse(text);
  if (stored.kind === 'unreadable') {
    const created = stored.created === null ? null : new Date(stored.created);
    if (stored.known?.amountReceived === undefined) return { ...stored, created };
    return { ...stored, created, known: { ...stored.known, amountReceived: BigInt(stored.known.amountReceived) } };
  }
  return { ...stored, amountReceived: BigInt(stored.amountReceived), created: new Date(stored.created) };
}
