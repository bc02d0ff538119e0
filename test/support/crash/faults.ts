/** How both stand-ins misbehave in a round. Faults that pass: none says that a payment cannot be posted. */
import type { Fault } from '../../../sandbox/blnk/faults.js';
import type { FaultEffect, Fault as StripeFault } from '../../../sandbox/stripe/faults.js';
import type { Draw } from './draw.js';

export function drawStripeFault(draw: Draw): StripeFault {
  const effect = draw.oneOf<FaultEffect>([
    { effect: 'rate_limited', reason: 'endpoint-rate' },
    { effect: 'lock_timeout' },
    { effect: 'status', status: draw.oneOf([500, 502, 503]) },
    { effect: 'reset' },
    { effect: 'truncated' },
    { effect: 'slow', delayMs: 400 },
    { effect: 'html' },
    { effect: 'wrong_json' },
    { effect: 'no_date' },
  ]);
  return { ...effect, probability: 0.05 + draw.fraction() * 0.25, times: draw.between(1, 12) };
}

export function drawBlnkFault(draw: Draw): Fault {
  const match = {
    route: draw.oneOf(['posts', 'posts', 'lookups']),
    probability: 0.05 + draw.fraction() * 0.35,
    times: draw.between(1, 12),
    seed: draw.between(1, 1_000_000),
  };
  return draw.oneOf<Fault>([
    { ...match, effect: 'status', status: draw.oneOf([429, 500, 502, 503, 504]) },
    { ...match, effect: 'status', status: 502, body: 'html', applied: true },
    { ...match, effect: 'status', status: 429, retryAfter: 1 },
    { ...match, effect: 'reset' },
    { ...match, effect: 'answer_lost' },
    { ...match, effect: 'repeated' },
    { ...match, effect: 'slow', delayMs: 300, phase: draw.oneOf(['before', 'after']) },
    { ...match, effect: 'locked', atItem: draw.between(1, 5) },
    { ...match, route: 'lookups', effect: 'stale_reads', lagMs: 500 },
  ]);
}
