/**
 * The signature of a webhook, checked by Stripe's own library over the raw body (https://docs.stripe.com/webhooks#verify-official-libraries).
 * Older than five minutes it is refused, so that what somebody recorded cannot be sent again for long.
 */
import Stripe from 'stripe';

const TOLERANCE_S = 300;

/** @param secrets any of them may have signed it: two are in use while one is exchanged. Null: none of them did. */
export function verifyWebhook(
  body: string,
  { signature, secrets }: { readonly signature: string; readonly secrets: readonly string[] },
): { readonly type: string } | null {
  for (const secret of secrets) {
    try {
      return { type: String(Stripe.webhooks.constructEvent(body, signature, secret, TOLERANCE_S).type) };
    } catch {
      // Of another secret, too old, or no JSON: which of them is nobody's business who cannot sign.
    }
  }
  return null;
}
