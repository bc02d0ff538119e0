/**
 * Which sweeps are to be asked for now. Decided from coverage and the vendor's time alone, so that asking twice, or from
 * two workers one after the other, gives nothing new. Pure.
 */

import { DAY_MS, earlier, floorToSecond, HOUR_MS, later, merged, type Window } from '../base/window.js';
import {
  CHARGE_TO_SUCCESS_MAX_MS,
  type CoverageFacts,
  completenessOf,
  EVENT_LIFE_MS,
  successGaps,
  unlistedWindows,
  unseenSuccesses,
} from './completeness.js';

export interface SweepFacts extends Omit<CoverageFacts, 'lists' | 'now'> {
  /** The vendor's now. */
  readonly now: Date;
  /** The earliest reading that the coverage of backfills rests on; null when there is none. */
  readonly listsReadAt: Date | null;
  /** Windows of the sweeps that are not finished. */
  readonly open: readonly Window[];
  /** Windows of the sweeps that were asked for last, finished or not. */
  readonly recent: readonly Window[];
  /** Whether a backfill is being read. */
  readonly isBackfilling: boolean;
}

/** A short sweep looks back this far: most debits and all card payments succeed sooner after their charge. */
const SHORT_SWEEP_MS = 3 * DAY_MS;

/** With events a short sweep only looks for what the vendor never told; without them it is what finds late successes. */
const SHORT_EVERY_MS = DAY_MS;
const SHORT_EVERY_WITHOUT_EVENTS_MS = HOUR_MS;
const FULL_EVERY_WITHOUT_EVENTS_MS = DAY_MS;

/**
 * @param readLists the coverage of backfills; many rows, and asked for only where they decide
 * @returns the windows of charges to be swept, none that an open sweep reads already
 */
export async function sweepsDue(
  facts: SweepFacts,
  readLists: () => Promise<CoverageFacts['lists']>,
): Promise<Window[]> {
  const { cutoverAt, mayRead } = facts;
  if (cutoverAt === null || !mayRead.charges) return [];
  const lists = needsLists(facts, cutoverAt) ? await readLists() : null;
  // What the backfill has not listed yet would be read one by one by a sweep.
  if (lists !== null && facts.isBackfilling && unlistedWindows({ ...facts, lists }).length > 0) return [];
  const full = lists === null ? [] : fullSweepsDue({ ...facts, lists });
  return [...full, ...shortSweepDue(facts, full)];
}

/** False in the ordinary case: every success up to what events still show was read, even if all lists were as old as the oldest. */
function needsLists(facts: SweepFacts, cutoverAt: Date): boolean {
  const { mayRead, isBackfilling, startsAt, listsReadAt: readAt } = facts;
  if (!mayRead.events || isBackfilling || readAt === null) return true;
  const oldestEvent = new Date(facts.now.getTime() - EVENT_LIFE_MS);
  if (oldestEvent <= cutoverAt) return false;
  const gaps = gapsToSweep({ ...facts, lists: [{ from: startsAt, to: cutoverAt, readAt }] });
  return gaps.some((gap) => gap.from < oldestEvent);
}

function fullSweepsDue(facts: SweepFacts & CoverageFacts): Window[] {
  const gaps = gapsToSweep(facts);
  return facts.mayRead.events ? sweepsOfAgedGaps(facts, gaps) : dailySweep(facts, gaps[0]);
}

/** What keeps the mirror from being complete, and what only lists have closed since: a sweep shows what no list does. */
function gapsToSweep(facts: CoverageFacts): Window[] {
  return merged([...successGaps(facts), ...unseenSuccesses(facts)]);
}

/** Each from 75 days before its gap: whatever succeeded in the gap was charged after that. */
function sweepsOfAgedGaps(facts: SweepFacts & CoverageFacts, gaps: readonly Window[]): Window[] {
  const { now, lagMs, open } = facts;
  const oldestEvent = new Date(now.getTime() - EVENT_LIFE_MS);
  const asked = gaps
    .filter((gap) => gap.from < oldestEvent)
    .map((gap) => ({ from: sweepFrom(facts, gap.from), to: earlier(plus(gap.to, lagMs), now) }));
  // The tail reads what events still show, so an open sweep suffices that reads up to there.
  const enough = plus(oldestEvent, lagMs);
  return merged(asked)
    .map(toSeconds(now))
    .filter((window) => !open.some((one) => one.from <= window.from && one.to >= earlier(window.to, enough)));
}

/** Without events completeness ends where a full sweep proves it, so one is read every day. */
function dailySweep(facts: SweepFacts & CoverageFacts, gap: Window | undefined): Window[] {
  const { now, open, recent } = facts;
  if (gap === undefined) return [];
  const window = toSeconds(now)({ from: sweepFrom(facts, gap.from), to: now });
  const since = plus(now, -FULL_EVERY_WITHOUT_EVENTS_MS);
  const isFresh =
    recent.some((one) => one.from <= window.from && one.to > since) ||
    (gap.from > since && completenessOf(facts).complete !== null);
  const isOpen = open.some((one) => one.from <= window.from && one.to > gap.from);
  return isFresh || isOpen || window.from >= window.to ? [] : [window];
}

function shortSweepDue({ now, startsAt, mayRead, recent }: SweepFacts, full: readonly Window[]): Window[] {
  const everyMs = mayRead.events ? SHORT_EVERY_MS : SHORT_EVERY_WITHOUT_EVENTS_MS;
  const window = toSeconds(now)({ from: later(startsAt, plus(now, -SHORT_SWEEP_MS)), to: now });
  const isFresh = [...recent, ...full].some((one) => one.to > plus(now, -everyMs) && one.from <= window.from);
  return isFresh || window.from >= window.to ? [] : [window];
}

/** No payment of the mirror was charged before its start, unless it is none of its payments. */
function sweepFrom({ startsAt }: SweepFacts, gapFrom: Date): Date {
  return later(startsAt, plus(gapFrom, -CHARGE_TO_SUCCESS_MAX_MS));
}

/** Whole seconds, never narrower at the beginning, and never beyond now. */
function toSeconds(now: Date): (window: Window) => Window {
  return ({ from, to }) => ({ from: floorToSecond(from), to: earlier(ceilToSecond(to), floorToSecond(now)) });
}

function ceilToSecond(time: Date): Date {
  return new Date(Math.ceil(time.getTime() / 1_000) * 1_000);
}

function plus(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
