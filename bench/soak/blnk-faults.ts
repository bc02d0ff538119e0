/** The faults of a soak on Blnk's side: each of them as often as the others, together as often as asked. */
import type { BlnkFaults, Fault, FaultEffect } from '../../sandbox/blnk/faults.js';

const OF_POSTS: readonly FaultEffect[] = [
  { effect: 'reset' },
  { effect: 'answer_lost' },
  { effect: 'repeated' },
  { effect: 'status', status: 500, body: 'core', applied: true },
  { effect: 'status', status: 503, body: 'html' },
  { effect: 'status', status: 429, body: 'cloud', retryAfter: 1 },
  { effect: 'locked', atItem: 2 },
];

const OF_LOOK_UPS: readonly FaultEffect[] = [
  { effect: 'reset' },
  { effect: 'status', status: 500, body: 'core' },
  { effect: 'status', status: 503, body: 'html' },
  { effect: 'status', status: 429, body: 'cloud' },
];

/** @param share of all posts, and of all look-ups, 0 to 1 */
export function addBlnkFaults(faults: BlnkFaults, share: number): void {
  if (share === 0) return;
  const all: Fault[] = [
    ...OF_POSTS.map((effect) => ({ ...effect, route: 'posts', probability: share / OF_POSTS.length })),
    ...OF_LOOK_UPS.map((effect) => ({ ...effect, route: 'lookups', probability: share / OF_LOOK_UPS.length })),
  ];
  for (const [seed, fault] of all.entries()) faults.add({ ...fault, seed: seed + 1 });
}
