// One of the three lists of the account (intents, charges, events), newest first: the rule-made population and the
// intents that are held, merged. Knows order, windows and cursors; nothing of HTTP, retention or rendering.

import type { IntentPlan } from './life.js';
import type { Population } from './population.js';
import { type Bounds, countWhere, heldRun, type Lane, mergeRuns, ruledRun } from './runs.js';
import { compareEntries, type Entry, type FeedName, tracesOf } from './trace.js';

export interface FeedQuery extends Bounds {
  readonly limit: number;
  /** Only events of these types; null: all. */
  readonly types: readonly string[] | null;
  readonly accept: (entry: Entry) => boolean;
}

export interface FeedPage {
  /** Newest first, whatever the direction. */
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

export class Feed {
  private readonly held: Entry[] = [];
  private readonly lanes: readonly Lane[];
  private readonly lanesByTypes = new Map<string, readonly Lane[]>();

  constructor(
    readonly name: FeedName,
    private readonly population: Population,
    private readonly isHeld: (rank: number) => boolean,
  ) {
    this.lanes = lanesOf(name, population);
  }

  /** Takes in all objects of a plan that is held from now on. */
  hold(plan: IntentPlan): void {
    for (const trace of tracesOf(this.name, plan)) {
      const entry: Entry = { ...trace, rank: plan.rank };
      const place = countWhere(this.held.length, (n) => compareEntries(this.held[n] ?? entry, entry) < 0);
      this.held.splice(place, 0, entry);
    }
  }

  /** Forgets the objects of a plan as it was held. */
  drop(plan: IntentPlan): void {
    for (const trace of tracesOf(this.name, plan)) {
      const entry: Entry = { ...trace, rank: plan.rank };
      const place = countWhere(this.held.length, (n) => compareEntries(this.held[n] ?? entry, entry) < 0);
      const found = this.held[place];
      if (found !== undefined && compareEntries(found, entry) === 0) this.held.splice(place, 1);
    }
  }

  page(query: FeedQuery): FeedPage {
    const types = query.types;
    const runs = this.lanesFor(types).map((lane) =>
      ruledRun(this.population, lane, { bounds: query, isHeld: this.isHeld }),
    );
    if (this.held.length > 0) runs.push(heldRun(this.held, query));
    const merged = mergeRuns(runs, {
      direction: query.direction,
      limit: query.limit + 1,
      accept: (entry) => matchesTypes(entry.type, types) && query.accept(entry),
    });
    const hasMore = merged.length > query.limit;
    const entries = hasMore ? merged.slice(0, query.limit) : merged;
    return { entries: query.direction === 'older' ? entries : entries.reverse(), hasMore };
  }

  private lanesFor(types: readonly string[] | null): readonly Lane[] {
    if (types === null) return this.lanes;
    const key = types.join(' ');
    const known = this.lanesByTypes.get(key);
    if (known !== undefined) return known;
    const lanes = this.lanes
      .map((lane) => ({
        offset: lane.offset,
        traces: lane.traces.map((traces) => traces.filter((trace) => matchesTypes(trace.type, types))),
      }))
      .filter((lane) => lane.traces.some((traces) => traces.length > 0));
    if (this.lanesByTypes.size >= TYPE_SETS_MAX) this.lanesByTypes.clear();
    this.lanesByTypes.set(key, lanes);
    return lanes;
  }
}

const TYPE_SETS_MAX = 100;

/** `payment_intent.*` stands for all types that begin so. */
function matchesTypes(type: string | null, types: readonly string[] | null): boolean {
  if (types === null || type === null) return true;
  return types.some((wanted) => (wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted));
}

function lanesOf(name: FeedName, population: Population): readonly Lane[] {
  const byKind = population.kinds.map((kind) =>
    tracesOf(name, {
      created: 0,
      moves: kind.life.map(({ after, move }) => ({ at: after, move })),
      latestCharge: kind.latestCharge,
    }),
  );
  const offsets = [...new Set(byKind.flatMap((traces) => traces.map((trace) => trace.at)))];
  return offsets.map((offset) => ({
    offset,
    traces: byKind.map((traces) => traces.filter((trace) => trace.at === offset)),
  }));
}
