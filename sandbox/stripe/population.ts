// A history of any number of intents that exists only as a rule: what intent number i is follows from i and the seed.
// Nothing is stored per intent, so a million of them take no memory, and `created` never falls as i grows: every search
// by time is a binary search. The rule must not depend on the clock; what has happened so far is life.ts's question.

import type Stripe from 'stripe';
import { fraction, hash32 } from '../fractions.js';
import type { Kind } from './kind.js';
import { KINDS, kindNamed } from './kinds.js';
import type { IntentPlan } from './life.js';
import { customerShape } from './render-customer.js';
import { IdCodec } from './scramble.js';

export interface PopulationOptions {
  readonly size: number;
  /** Intents are created in [from, to). */
  readonly from: Date;
  readonly to: Date;
  readonly kinds?: readonly Kind[];
  /** How many customers share the payments. Default 300. */
  readonly customers?: number;
  /** The share of all intents that the newest tenth of the time holds, 0 to 1. Default: a tenth. */
  readonly newestTenth?: number;
}

export class Population {
  readonly size: number;
  readonly kinds: readonly Kind[];
  private readonly kindsByName: ReadonlyMap<string, Kind>;
  private readonly fromSeconds: number;
  private readonly secondsPerIntent: number;
  private readonly customers: number;
  private readonly newestTenth: number;
  private readonly weights: readonly number[];
  private readonly ids: IdCodec;
  private readonly customerIds: IdCodec;
  private readonly accountIds: IdCodec;

  constructor(
    options: PopulationOptions,
    private readonly world: { seed: number; livemode: boolean; apiVersion: string },
  ) {
    const span = (options.to.getTime() - options.from.getTime()) / 1000;
    if (!Number.isInteger(options.size) || options.size < 0) throw new RangeError('size is a whole number of intents');
    if (options.size > 0 && !(span > 0)) throw new RangeError('a population needs a time to live in: from < to');
    this.size = options.size;
    this.kinds = options.kinds ?? KINDS;
    this.kindsByName = new Map(this.kinds.map((kind) => [kind.name, kind]));
    this.fromSeconds = Math.floor(options.from.getTime() / 1000);
    this.secondsPerIntent = this.size === 0 ? 0 : span / this.size;
    this.customers = options.customers ?? 300;
    this.newestTenth = options.newestTenth ?? 0.1;
    this.ids = new IdCodec('pi_3', world.seed);
    this.customerIds = new IdCodec('cus_', world.seed + 1000);
    this.accountIds = new IdCodec('acct_', world.seed + 2000);
    let sum = 0;
    this.weights = this.kinds.map((kind) => (sum += kind.weight));
  }

  /** Every eighth intent takes the kinds in turn, so that each comes up; the others follow the weights. */
  kindIndexAt(i: number): number {
    if (i % TURN === TURN - 1) return Math.floor(i / TURN) % this.kinds.length;
    const draw = fraction(this.world.seed + 1, i) * (this.weights.at(-1) ?? 0);
    let low = 0;
    let high = this.weights.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.weights[middle] ?? 0) > draw) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  kindAt(i: number): Kind {
    const kind = this.kinds[this.kindIndexAt(i)];
    if (kind === undefined) throw new RangeError('a population needs at least one kind');
    return kind;
  }

  /** The kind of that name, of this population's or of all. */
  kindNamed(name: string): Kind {
    return this.kindsByName.get(name) ?? kindNamed(name);
  }

  /** Unix seconds. Some groups of four share one second, however thin the population. */
  createdAt(i: number): number {
    const group = Math.floor(i / TIED);
    const tied = hash32(this.world.seed + 2, group) % 16 === 0;
    const place = tied ? group * TIED : i + fraction(this.world.seed + 3, i);
    return this.fromSeconds + Math.floor(this.atTime(place / this.size) * this.size * this.secondsPerIntent);
  }

  /** The share of the time that has passed once a share of the intents is made. */
  private atTime(share: number): number {
    const older = 1 - this.newestTenth;
    if (this.newestTenth === 0.1) return share;
    return share < older ? (share / older) * 0.9 : 0.9 + ((share - older) / this.newestTenth) * 0.1;
  }

  idAt(i: number): string {
    return this.ids.encode(i);
  }

  indexOf(id: string): number | undefined {
    const i = this.ids.decode(id);
    return i !== undefined && i < this.size ? i : undefined;
  }

  customerIdAt(i: number): string {
    return this.customerIds.encode(hash32(this.world.seed + 4, i) % this.customers);
  }

  isCustomer(id: string): boolean {
    const n = this.customerIds.decode(id);
    return this.size > 0 && n !== undefined && n < this.customers;
  }

  /** What is added to the amounts of intent i, expected ones included. */
  variationAt(i: number): number {
    return (hash32(this.world.seed + 5, i) % 1000) * this.kindAt(i).varyBy;
  }

  planAt(i: number): IntentPlan {
    return this.planOf(this.kindAt(i), { rank: i, id: this.idAt(i), created: this.createdAt(i), vary: true });
  }

  /** A plan of that kind; without `vary` its amounts are the kind's own. */
  planOf(kind: Kind, at: { rank: number; id: string; created: number; vary: boolean }): IntentPlan {
    const extra = at.vary && kind.varyBy > 0 ? (hash32(this.world.seed + 5, at.rank) % 1000) * kind.varyBy : 0;
    const livemode = kind.livemode === 'same' ? this.world.livemode : !this.world.livemode;
    return {
      id: at.id,
      rank: at.rank,
      kind: kind.name,
      created: at.created,
      amount: kind.amount + extra,
      currency: kind.currency,
      livemode,
      customer: this.customerOf(kind, { rank: at.rank, livemode }),
      customerAccount: kind.customer.startsWith('account') ? this.accountIds.encode(at.rank % this.customers) : null,
      description: kind.description,
      metadata: kind.numbered ? { order_id: `order_${at.rank}`, ...kind.metadata } : kind.metadata,
      paymentMethodType: kind.paymentMethodType,
      captureMethod: kind.life.some((step) => step.move === 'authorize') ? 'manual' : 'automatic_async',
      latestCharge: kind.latestCharge,
      eventVersion: kind.eventVersion ?? this.world.apiVersion,
      moves: kind.life.map(({ after, move, amountReceived }) => ({
        at: at.created + after,
        move,
        ...(amountReceived === undefined ? {} : { amountReceived: amountReceived + extra }),
      })),
    };
  }

  private customerOf(kind: Kind, at: { rank: number; livemode: boolean }): Stripe.PaymentIntent['customer'] {
    return customerShape(kind.customer, { id: this.customerIdAt(at.rank), livemode: at.livemode });
  }
}

const TURN = 8;
const TIED = 4;
