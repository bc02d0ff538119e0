/** The faults of a soak on Stripe's side: each of them as often as the others, together as often as asked. */
import type { FaultEffect, StripeFaults } from '../../sandbox/stripe/faults.js';

const EFFECTS: readonly FaultEffect[] = [
  { effect: 'reset' },
  { effect: 'truncated' },
  { effect: 'html' },
  { effect: 'status', status: 500 },
  { effect: 'status', status: 503 },
  { effect: 'rate_limited', reason: 'endpoint-rate' },
  { effect: 'lock_timeout' },
];

/** @param share of all requests, 0 to 1 */
export function addStripeFaults(faults: StripeFaults, share: number): void {
  if (share === 0) return;
  for (const [seed, effect] of EFFECTS.entries()) {
    faults.add({ ...effect, probability: share / EFFECTS.length, seed: seed + 1 });
  }
}
