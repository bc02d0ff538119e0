// What may go wrong with a request to Stripe. Which request is hit is ../faults.ts, how it looks on the wire fault-answers.ts.

import type { EffectFields } from '../control.js';
import type { FaultMatch, Faults } from '../faults.js';
import type { RateLimitReason } from './refusal.js';

export type FaultEffect =
  | { readonly effect: 'rate_limited'; readonly reason: RateLimitReason }
  | { readonly effect: 'rate_limited_400' }
  | { readonly effect: 'lock_timeout' }
  | { readonly effect: 'status'; readonly status: number }
  /** The connection is reset before any answer. */
  | { readonly effect: 'reset' }
  /** Half of the body, then a closed connection. */
  | { readonly effect: 'truncated' }
  /** No answer until released, or until the client leaves. */
  | { readonly effect: 'hang' }
  | { readonly effect: 'slow'; readonly delayMs: number }
  | { readonly effect: 'html'; readonly status?: number }
  /** Status 200 and a body that is no JSON, or the given one. */
  | { readonly effect: 'wrong_json'; readonly body?: string }
  | { readonly effect: 'no_date' }
  /** A `Date` that is ahead of the clock by so much, or behind it: a cache, a proxy that writes its own. */
  | { readonly effect: 'wrong_date'; readonly aheadMs: number };

/** `route` is the name of a route, as `payment_intents.list`. */
export type Fault = FaultMatch & FaultEffect;

export type StripeFaults = Faults<Fault>;

export const EFFECTS: EffectFields<FaultEffect['effect']> = {
  rate_limited: { reason: 'string' },
  rate_limited_400: {},
  lock_timeout: {},
  status: { status: 'number' },
  reset: {},
  truncated: {},
  hang: {},
  slow: { delayMs: 'number' },
  html: {},
  wrong_json: {},
  no_date: {},
  wrong_date: { aheadMs: 'number' },
};
