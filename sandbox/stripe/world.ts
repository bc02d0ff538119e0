// The state of one Stripe account: its population, the intents that tests made or moved, and the three feeds over them.
// What a reader sees depends on the clock alone: an object exists from its second on, an event is listable after its
// visibility delay and until it ages out. Answers come as JSON text; HTTP is not known here.

import type { SandboxClock } from '../clock.js';
import { fraction } from '../fractions.js';
import { CustomerBook } from './customer-book.js';
import { Feed } from './feed.js';
import { type IntentPlan, standingAt } from './life.js';
import { Population, type PopulationOptions } from './population.js';
import { renderCharge } from './render-charge.js';
import { isBeforeLatestCharge, renderEvent } from './render-event.js';
import { renderIntent, renderOldIntent } from './render-intent.js';
import { IdCodec } from './scramble.js';
import { type Entry, type FeedName, SLOTS, tracesOf } from './trace.js';

export interface WorldOptions {
  readonly clock: SandboxClock;
  readonly seed: number;
  readonly livemode: boolean;
  readonly apiVersion: string;
  readonly population: PopulationOptions | null;
  /** Events become listable this long after their `created`, or a seeded random part of it. */
  readonly eventVisibilityDelayMs: number | { readonly upToMs: number };
  readonly eventLifeMs: number;
}

/** Where a cursor points, or why it does not. */
export type CursorTarget = Entry | 'missing' | 'aged_out';

export class World {
  readonly clock: SandboxClock;
  readonly population: Population;
  readonly feeds: Readonly<Record<FeedName, Feed>>;
  readonly customers: CustomerBook;
  private readonly heldPlans = new Map<number, IntentPlan>();
  private readonly heldIds = new Map<string, number>();
  private readonly intentIds: IdCodec;
  private readonly chargeIds: IdCodec;
  private readonly eventIds: IdCodec;
  private nextRank = FIRST_HELD_RANK;

  constructor(readonly options: WorldOptions) {
    this.clock = options.clock;
    this.customers = new CustomerBook(options);
    const nobody: PopulationOptions = { size: 0, from: new Date(0), to: new Date(0) };
    this.population = new Population(options.population ?? nobody, options);
    this.intentIds = new IdCodec('pi_3', options.seed + 500);
    this.chargeIds = new IdCodec('ch_3', options.seed + 3000);
    this.eventIds = new IdCodec('evt_3', options.seed + 4000);
    const isHeld = (rank: number) => this.heldPlans.size > 0 && this.heldPlans.has(rank);
    const feed = (name: FeedName) => new Feed(name, this.population, isHeld);
    this.feeds = { payment_intents: feed('payment_intents'), charges: feed('charges'), events: feed('events') };
  }

  /** Room for one more intent: its rank, and its id unless the caller brings one. */
  reserve(): { rank: number; id: string } {
    const rank = this.nextRank++;
    return { rank, id: this.intentIds.encode(rank) };
  }

  /** Holds a new plan, or another state of one that is there. */
  put(plan: IntentPlan): void {
    const before = this.heldPlans.get(plan.rank);
    for (const feed of Object.values(this.feeds)) {
      if (before !== undefined) feed.drop(before);
      feed.hold(plan);
    }
    this.heldPlans.set(plan.rank, plan);
    this.heldIds.set(plan.id, plan.rank);
  }

  /** All plans that tests made or moved, in the order of their making. */
  held(): IterableIterator<IntentPlan> {
    return this.heldPlans.values();
  }

  planOf(rank: number): IntentPlan | undefined {
    const held = this.heldPlans.get(rank);
    if (held !== undefined) return held;
    return rank < this.population.size ? this.population.planAt(rank) : undefined;
  }

  /** The plan of an intent, whether or not its time has come. */
  planById(id: string): IntentPlan | undefined {
    const rank = this.heldIds.get(id) ?? this.population.indexOf(id);
    return rank === undefined ? undefined : this.planOf(rank);
  }

  idOf(feed: FeedName, entry: { rank: number; slot: number }): string {
    const number = entry.rank * SLOTS + entry.slot;
    if (feed === 'charges') return this.chargeIds.encode(number);
    if (feed === 'events') return this.eventIds.encode(number);
    return this.planOf(entry.rank)?.id ?? '';
  }

  /** The entry of an object that a reader may see now. */
  find(feed: FeedName, id: string): CursorTarget {
    const entry = this.entryOf(feed, id);
    if (entry === undefined || !this.isVisible(feed, entry)) return 'missing';
    return feed === 'events' && entry.at < this.oldestEventSecond() ? 'aged_out' : entry;
  }

  isVisible(feed: FeedName, entry: Entry): boolean {
    const delayMs = feed === 'events' ? this.visibilityDelayMs(entry) : 0;
    return entry.at * 1000 + delayMs <= this.clock.nowMs();
  }

  oldestEventSecond(): number {
    return Math.ceil((this.clock.nowMs() - this.options.eventLifeMs) / 1000);
  }

  /** The object as it is shown now; an event as it was frozen. */
  render(feed: FeedName, entry: Entry, expand?: ReadonlySet<string>): string {
    const plan = this.planOf(entry.rank);
    if (plan === undefined) throw new Error(`no intent has rank ${entry.rank}`);
    const now = this.clock.nowSeconds();
    switch (feed) {
      case 'payment_intents':
        return renderIntent(plan, standingAt(plan, now), {
          chargeId: this.chargeNamer(plan),
          ...(expand === undefined ? {} : { expand }),
        });
      case 'charges':
        return this.chargeJson(plan, { slot: entry.slot, at: now });
      case 'events':
        return this.eventJson(plan, entry);
      default:
        return feed satisfies never;
    }
  }

  private entryOf(feed: FeedName, id: string): Entry | undefined {
    let rank: number | undefined;
    let slot = 0;
    if (feed === 'payment_intents') {
      rank = this.planById(id)?.rank;
    } else {
      const number = (feed === 'charges' ? this.chargeIds : this.eventIds).decode(id);
      if (number === undefined) return undefined;
      rank = Math.floor(number / SLOTS);
      slot = number % SLOTS;
    }
    const plan = rank === undefined ? undefined : this.planOf(rank);
    if (plan === undefined) return undefined;
    const trace = tracesOf(feed, plan).find((candidate) => candidate.slot === slot);
    return trace === undefined ? undefined : { ...trace, rank: plan.rank };
  }

  private visibilityDelayMs(entry: Entry): number {
    const delay = this.options.eventVisibilityDelayMs;
    if (typeof delay === 'number') return delay;
    return fraction(this.options.seed + 6, entry.rank * SLOTS + entry.slot) * delay.upToMs;
  }

  private chargeNamer(plan: IntentPlan): (slot: number) => string {
    return (slot) => this.chargeIds.encode(plan.rank * SLOTS + slot);
  }

  private chargeJson(plan: IntentPlan, of: { slot: number; at: number }): string {
    const standing = standingAt(plan, of.at);
    const charge = standing.charges.find((candidate) => candidate.slot === of.slot);
    if (charge === undefined) throw new Error(`${plan.id} has no charge in slot ${of.slot} at ${of.at}`);
    return JSON.stringify(renderCharge(this.chargeNamer(plan)(of.slot), { plan, standing, charge }));
  }

  private eventJson(plan: IntentPlan, entry: Entry): string {
    const type = entry.type;
    if (type === null) throw new Error('an event has a type');
    // Two moves in one second are two snapshots: the standing is taken at the move, not at the end of the second.
    const moves = plan.moves.slice(0, Math.ceil(entry.slot / 2));
    const then: IntentPlan = { ...plan, moves };
    const standing = standingAt(then, entry.at);
    const chargeId = this.chargeNamer(plan);
    const envelope = {
      id: this.idOf('events', entry),
      created: entry.at,
      livemode: plan.livemode,
      apiVersion: plan.eventVersion,
      type,
    };
    const charge = standing.charges.at(-1);
    if (type.startsWith('charge.') && charge !== undefined) {
      return renderEvent(
        envelope,
        JSON.stringify(renderCharge(chargeId(charge.slot), { plan: then, standing, charge })),
      );
    }
    const render = isBeforeLatestCharge(plan.eventVersion) ? renderOldIntent : renderIntent;
    return renderEvent(envelope, render(then, standing, { chargeId }));
  }
}

/** Above every rank of a population, so that an intent made by hand is the newest within its second. */
const FIRST_HELD_RANK = 2 ** 31;
