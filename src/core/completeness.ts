/**
 * Up to when is everything known? Says "complete from A to B" only where it can be proven from coverage, and otherwise
 * names the holes and what closes them. Pure: it is given coverage and a time; it reads nothing and guesses nothing.
 *
 * A payment created at `c` is certainly stored when the events feed was completely read from its success on. That is so
 * from `c` on, or from a moment at which the list of payments showed `c` (a success before that moment was in the list).
 */
import { DAY_MS, merged, remaining, type Window } from './window.js';

/** A part of a list of payments that was completely read, as it was at `readAt`. */
export interface ListCoverage extends Window {
  readonly readAt: Date;
}

export interface CoverageFacts {
  /** The vendor shows payments late by at most this: what was read at `t` is certain only up to `t - lagMs`. */
  readonly lagMs: number;
  readonly now: Date;
  /** Payments created at or after this time are asked for. */
  readonly startsAt: Date;
  /** The ceiling of the first backfill; null until the first run. */
  readonly handOverAt: Date | null;
  /** Success times that were read completely: the events feed. */
  readonly events: readonly Window[];
  /** Creation times whose payments were listed completely: backfills. */
  readonly lists: readonly ListCoverage[];
}

/**
 * `backfill`: workers read it by themselves. `tail`: the next sync reads it. `read_again`: its events are gone at the
 * vendor; only reading the list again, from the start up to the hole's end, closes it.
 */
type HoleCloser = 'backfill' | 'tail' | 'read_again';

export interface Hole extends Window {
  readonly feed: 'events' | 'payment_intents';
  readonly closedBy: HoleCloser;
}

export interface Completeness {
  /** Every payment created in this window that succeeded before its end is stored; null when that holds for none. */
  readonly complete: Window | null;
  /** What keeps `complete` from reaching as far as the newest event that was read; oldest first. */
  readonly holes: readonly Hole[];
}

/** Stripe keeps events for 30 days (https://docs.stripe.com/api/events); a day is left for clocks and long reads. */
const EVENT_LIFE_MS = 29 * DAY_MS;

/** @returns how far completeness reaches, and the holes in the way of going further */
export function completenessOf(facts: CoverageFacts): Completeness {
  const runs = merged(facts.events).filter((run) => run.to > facts.startsAt);
  const newest = runs.at(-1);
  const sound = runs.filter((run) => listedBefore(run.from, facts)).at(-1);
  const complete = sound === undefined ? null : { from: facts.startsAt, to: sound.to };
  if (newest !== undefined && sound === newest) return { complete, holes: [] };
  return { complete, holes: holesOf(facts, { newest, after: complete?.to ?? null }) };
}

/** True when the lists show everything created before `from`, read so late that events from `from` on cover the rest. */
function listedBefore(from: Date, { startsAt, lists, lagMs }: CoverageFacts): boolean {
  const late = lists.filter((list) => list.readAt.getTime() - lagMs >= from.getTime());
  return remaining({ from: startsAt, to: from }, late).length === 0;
}

function holesOf(
  facts: CoverageFacts,
  { newest, after }: { readonly newest: Window | undefined; readonly after: Date | null },
): Hole[] {
  const { startsAt, now, events, lists } = facts;
  const handOverAt = facts.handOverAt ?? now;
  const unlisted = remaining({ from: startsAt, to: handOverAt }, lists);
  const lateSuccesses = remaining({ from: eventsNeededFrom(facts, handOverAt), to: newest?.to ?? now }, events);
  const holes: Hole[] = [
    ...unlisted.map((window) => ({ ...window, feed: 'payment_intents' as const, closedBy: 'backfill' as const })),
    ...lateSuccesses.map((window) => ({ ...window, feed: 'events' as const, closedBy: eventHoleCloser(window, now) })),
  ];
  return holes.filter((hole) => after === null || hole.to > after).sort((a, b) => a.from.getTime() - b.from.getTime());
}

/**
 * The latest moment from which events, read without a hole, leave nothing out: the hand-over, or earlier, the oldest
 * reading that some part of the list still rests on. Found by halving: later thresholds keep fewer readings.
 */
function eventsNeededFrom({ startsAt, lists, lagMs }: CoverageFacts, handOverAt: Date): Date {
  const asked = { from: startsAt, to: handOverAt };
  const uncovered = lengthMs(remaining(asked, lists));
  const readings = [...new Set(lists.map((list) => list.readAt.getTime()))].sort((a, b) => a - b);
  let enough = 0;
  let tooLate = readings.length;
  while (tooLate - enough > 1) {
    const middle = Math.floor((enough + tooLate) / 2);
    const kept = lists.filter((list) => list.readAt.getTime() >= (readings[middle] ?? 0));
    if (lengthMs(remaining(asked, kept)) === uncovered) enough = middle;
    else tooLate = middle;
  }
  const oldest = readings[enough];
  return oldest === undefined ? handOverAt : new Date(Math.min(oldest - lagMs, handOverAt.getTime()));
}

function eventHoleCloser(hole: Window, now: Date): HoleCloser {
  return hole.from.getTime() >= now.getTime() - EVENT_LIFE_MS ? 'tail' : 'read_again';
}

function lengthMs(windows: readonly Window[]): number {
  return windows.reduce((sum, window) => sum + window.to.getTime() - window.from.getTime(), 0);
}
