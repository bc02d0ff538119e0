// Ordered runs of feed entries, walked from a bound in either direction without looking at the rest: one for intents
// that are held (a sorted array), one for those that exist only as a rule. Merging several runs gives a page.

import type { Population } from './population.js';
import { compareEntries, type Entry, type Trace } from './trace.js';

export interface Bounds {
  /** Unix seconds, both included. */
  readonly from: number;
  readonly to: number;
  /** Excluded; what is older (or newer) than it. */
  readonly cursor: Entry | undefined;
  readonly direction: 'older' | 'newer';
}

/** Gives entries one by one in its direction; undefined at the end. */
export type Run = () => Entry | undefined;

/** The objects that intents of each kind leave at one distance from their creation, by kind index. */
export interface Lane {
  readonly offset: number;
  readonly traces: readonly (readonly Trace[])[];
}

export function ruledRun(
  population: Population,
  lane: Lane,
  options: { bounds: Bounds; isHeld: (rank: number) => boolean },
): Run {
  const { bounds, isHeld } = options;
  const step = bounds.direction === 'older' ? -1 : 1;
  let waiting: Entry[] = [];
  let i = firstIndex(population, lane.offset, bounds);
  return () => {
    while (waiting.length === 0) {
      if (i < 0 || i >= population.size) return undefined;
      const rank = i;
      i += step;
      const traces = lane.traces[population.kindIndexAt(rank)] ?? [];
      const leavesNothing = traces.length === 0 || isHeld(rank);
      // A walk over kinds that leave nothing here must still end at the edge of the window.
      if (leavesNothing && rank % EDGE_EVERY !== 0) continue;
      const at = population.createdAt(rank) + lane.offset;
      if (isOutside(at, bounds)) return undefined;
      if (!leavesNothing) waiting = entriesToPop(traces, { at, rank, bounds });
    }
    return waiting.pop();
  };
}

export function heldRun(entries: readonly Entry[], bounds: Bounds): Run {
  const older = bounds.direction === 'older';
  const step = older ? -1 : 1;
  let i = older
    ? countWhere(entries.length, (n) => isWithin(entries[n], { ...bounds, from: Number.NEGATIVE_INFINITY })) - 1
    : countWhere(entries.length, (n) => !isWithin(entries[n], { ...bounds, to: Number.POSITIVE_INFINITY }));
  return () => {
    const entry = entries[i];
    if (entry === undefined || isOutside(entry.at, bounds)) return undefined;
    i += step;
    return entry;
  };
}

/** Merges runs of one direction and keeps what is accepted, at most `limit`. */
export function mergeRuns(
  runs: readonly Run[],
  options: { direction: Bounds['direction']; limit: number; accept: (entry: Entry) => boolean },
): Entry[] {
  const sign = options.direction === 'older' ? 1 : -1;
  const heads = runs.map((run) => run());
  const merged: Entry[] = [];
  while (merged.length < options.limit) {
    let best = -1;
    let bestEntry: Entry | undefined;
    for (let n = 0; n < heads.length; n++) {
      const head = heads[n];
      if (head === undefined) continue;
      if (bestEntry === undefined || sign * compareEntries(head, bestEntry) > 0) {
        best = n;
        bestEntry = head;
      }
    }
    if (bestEntry === undefined) break;
    heads[best] = runs[best]?.();
    if (options.accept(bestEntry)) merged.push(bestEntry);
  }
  return merged;
}

/** How many of the first numbers hold; the predicate must be true up to some number and false from there on. */
export function countWhere(size: number, holds: (n: number) => boolean): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const EDGE_EVERY = 64;

/** The intent's entries within the bounds, the next one of the walk last. */
function entriesToPop(traces: readonly Trace[], of: { at: number; rank: number; bounds: Bounds }): Entry[] {
  const entries = traces
    .map((trace) => ({ at: of.at, rank: of.rank, slot: trace.slot, type: trace.type }))
    .filter((entry) => isBeyond(entry, of.bounds));
  return of.bounds.direction === 'older' ? entries : entries.reverse();
}

function firstIndex(population: Population, offset: number, bounds: Bounds): number {
  const { cursor } = bounds;
  const upTo = (second: number) => countWhere(population.size, (n) => population.createdAt(n) + offset <= second);
  if (bounds.direction === 'older') {
    const last = upTo(bounds.to) - 1;
    if (cursor === undefined) return last;
    return Math.min(last, clamp(cursor.rank, { low: upTo(cursor.at - 1) - 1, high: upTo(cursor.at) - 1 }));
  }
  const first = upTo(bounds.from - 1);
  if (cursor === undefined) return first;
  return Math.max(first, clamp(cursor.rank, { low: upTo(cursor.at - 1), high: upTo(cursor.at) }));
}

function clamp(n: number, range: { low: number; high: number }): number {
  return Math.max(range.low, Math.min(range.high, n));
}

function isOutside(at: number, bounds: Bounds): boolean {
  return bounds.direction === 'older' ? at < bounds.from : at > bounds.to;
}

function isBeyond(entry: Entry, bounds: Bounds): boolean {
  if (bounds.cursor === undefined) return true;
  const order = compareEntries(entry, bounds.cursor);
  return bounds.direction === 'older' ? order < 0 : order > 0;
}

function isWithin(entry: Entry | undefined, bounds: Bounds): boolean {
  return entry !== undefined && entry.at >= bounds.from && entry.at <= bounds.to && isBeyond(entry, bounds);
}
