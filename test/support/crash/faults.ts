/** How both stand-ins misbehave in a round. Faults that pass: none says that a payment cannot be posted. */
import type { Fault } from '../../../sandbox/blnk/faults.js';
import type { FaultRule } from '../../../sandbox/stripe/faults.js';
import type { Draw } from './draw.js';

export function drawStripeFault(draw: Draw): FaultRule {
  const fault = draw.oneOf<FaultRule['fault']>([
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
  return { fault, probability: 0.05 + draw.fraction() * 0.25, times: draw.between(1, 12) };
}

export function drawBlnkFault(draw: Draw): Fault {
  const match = {
    route: draw.oneOf(['posts', 'posts', 'lookups']),
    probability: 0.05 + draw.fraction() * 0.35,
    times: draw.between(1, 12),
    seed: draw.between(1, 1_000_000),
  };
  return draw.oneOf<Fault>([
    { ...match, kind: 'status', status: draw.oneOf([429, 500, 502, 503, 504]) },
    { ...match, kind: 'status', status: 502, body: 'html', applied: true },
    { ...match, kind: 'status', status: 429, retryAfter: 1 },
    { ...match, kind: 'reset' },
    { ...match, kind: 'answer_lost' },
    { ...match, kind: 'repeated' },
    { ...match, kind: 'slow', delayMs: 300, phase: draw.oneOf(['before', 'after']) },
    { ...match, kind: 'locked', atItem: draw.between(1, 5) },
    { ...match, route: 'lookups', kind: 'stale_reads', lagMs: 500 },
  ]);
}
