/**
 * How many requests a second go to Stripe at most.
 *
 * Source: https://docs.stripe.com/rate-limits (25 requests a second to one endpoint; 100 a second for a live account, 25 in a
 * sandbox; Stripe raises both for accounts that ask).
 */

export interface StripeLimits {
  /** Share of Stripe's limits that this mirror may use, 0 to 1. */
  readonly share: number;
  readonly livemode: boolean;
  /** Requests a second that Stripe allows to one endpoint of this account. */
  readonly endpointPerSecond: number;
}

const ACCOUNT_PER_SECOND = { live: 100, sandbox: 25 };

/** As they are configured. */
export function stripeLimitsOf({
  stripe,
  stripeShare: share,
}: {
  readonly stripe: { readonly livemode: boolean; readonly requestsPerSecond: number };
  readonly stripeShare: number;
}): StripeLimits {
  return { share, livemode: stripe.livemode, endpointPerSecond: stripe.requestsPerSecond };
}

/** Of the whole account, without the share. A raised limit of an endpoint is one of the account as well. */
export function accountPerSecond({ livemode, endpointPerSecond }: StripeLimits): number {
  return Math.max(livemode ? ACCOUNT_PER_SECOND.live : ACCOUNT_PER_SECOND.sandbox, endpointPerSecond);
}

/** Requests a second to one endpoint that these limits allow, when nothing else is asked meanwhile. */
export function requestsPerSecond(limits: StripeLimits): number {
  return limits.share * Math.min(limits.endpointPerSecond, accountPerSecond(limits));
}
