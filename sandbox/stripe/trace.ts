// Where an intent shows up in the three feeds: which objects it leaves there, at which second, under which slot.
// The same rule serves a kind (seconds counted from creation) and a plan (unix seconds). Slots number the objects of one
// intent in the order in which they come to be; with the intent's rank they make the object's id.

import { beginsCharge, eventsOf, type IntentPlan, type MoveName, type SandboxEventType } from './life.js';

export type FeedName = 'payment_intents' | 'charges' | 'events';

export interface Trace {
  readonly at: number;
  readonly slot: number;
  /** The event's type; null in the other feeds. */
  readonly type: SandboxEventType | null;
}

/** A place in a feed. Feeds are ordered by `at`, then `rank`, then `slot`. */
export interface Entry extends Trace {
  readonly rank: number;
}

export const SLOTS = 64;
/** Each move takes two event slots, after one for the creation. */
export const MOVES_MAX = 31;

export interface Subject {
  readonly created: number;
  readonly moves: readonly { readonly at: number; readonly move: MoveName }[];
  readonly latestCharge: IntentPlan['latestCharge'];
}

export function tracesOf(feed: FeedName, subject: Subject): readonly Trace[] {
  switch (feed) {
    case 'payment_intents':
      return [{ at: subject.created, slot: 0, type: null }];
    case 'charges':
      return subject.latestCharge === 'absent' ? [] : chargeTraces(subject);
    case 'events':
      return eventTraces(subject);
    default:
      return feed satisfies never;
  }
}

/** Negative when `a` is older than `b`. */
export function compareEntries(a: Entry, b: Entry): number {
  return a.at - b.at || a.rank - b.rank || a.slot - b.slot;
}

function chargeTraces(subject: Subject): readonly Trace[] {
  const traces: Trace[] = [];
  for (const [slot, move] of subject.moves.entries()) {
    if (beginsCharge(subject.moves, slot)) traces.push({ at: move.at, slot, type: null });
  }
  return traces;
}

function eventTraces(subject: Subject): readonly Trace[] {
  const traces: Trace[] = [{ at: subject.created, slot: 0, type: 'payment_intent.created' }];
  for (const [index, move] of subject.moves.entries()) {
    const types = eventsOf(move.move, { beganCharge: beginsCharge(subject.moves, index) });
    for (const [place, type] of types.entries()) {
      if (subject.latestCharge === 'absent' && type.startsWith('charge.')) continue;
      traces.push({ at: move.at, slot: 1 + index * 2 + place, type });
    }
  }
  return traces;
}
