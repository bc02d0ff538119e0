// What a right mirror holds, intent by intent, as of a time: told from the kinds' own statements, one intent after the
// other, so that a million of them can be compared without keeping them. An intent that a test made up without a kind is
// `unstated`: its test knows what must become of it.

import type { Expected } from './kind.js';
import { type IntentPlan, shownCustomer, standingAt } from './life.js';
import { customerIdOf } from './render-customer.js';
import type { World } from './world.js';

export interface ExpectedPayment {
  readonly id: string;
  readonly rank: number;
  readonly kind: string | null;
  readonly created: Date;
  /** When it succeeded; null while it has not. */
  readonly succeeded: Date | null;
  readonly expected: Expected | { readonly outcome: 'unstated' };
  /** As `@…` in the ledger, null unless posted. */
  readonly destination: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExpectedTotals {
  readonly intents: number;
  readonly none: number;
  readonly unstated: number;
  readonly posted: number;
  readonly parked: Readonly<Record<string, number>>;
  /** By currency code; amounts in minor units. */
  readonly currencies: Readonly<Record<string, { readonly payments: number; readonly amount: bigint }>>;
}

export interface ExpectationOptions {
  /** Default: the clock's now. */
  readonly at?: Date;
  readonly guestDestination?: string;
}

/** Every intent that exists at that time, oldest of the population first, then those made by hand. */
export function* expectedPayments(
  world: World,
  options: ExpectationOptions & { fromRank?: number } = {},
): Generator<ExpectedPayment> {
  const at = Math.floor((options.at?.getTime() ?? world.clock.nowMs()) / 1000);
  const guests = options.guestDestination ?? '@stripe_guests';
  const fromRank = options.fromRank ?? 0;
  for (let rank = fromRank; rank < world.population.size; rank++) {
    if (world.population.createdAt(rank) > at) break;
    const plan = world.planOf(rank);
    if (plan !== undefined)
      yield expectedOf(world, plan, { at, guests, variation: world.population.variationAt(rank) });
  }
  for (const plan of world.held()) {
    if (plan.rank < world.population.size || plan.rank < fromRank || plan.created > at) continue;
    yield expectedOf(world, plan, { at, guests, variation: 0 });
  }
}

/** The sums over all of them. */
export function expectedTotals(world: World, options: ExpectationOptions = {}): ExpectedTotals {
  const counts = { intents: 0, none: 0, unstated: 0, posted: 0 };
  const parked: Record<string, number> = {};
  const currencies: Record<string, { payments: number; amount: bigint }> = {};
  for (const { expected } of expectedPayments(world, options)) {
    counts.intents += 1;
    if (expected.outcome === 'parked') {
      parked[expected.reason] = (parked[expected.reason] ?? 0) + 1;
      continue;
    }
    counts[expected.outcome] += 1;
    if (expected.outcome !== 'posted') continue;
    const sum = currencies[expected.currency] ?? { payments: 0, amount: 0n };
    currencies[expected.currency] = { payments: sum.payments + 1, amount: sum.amount + expected.amount };
  }
  return { ...counts, parked, currencies };
}

function expectedOf(
  world: World,
  plan: IntentPlan,
  of: { at: number; guests: string; variation: number },
): ExpectedPayment {
  const success = plan.moves.find((move) => move.move === 'succeed' && move.at <= of.at);
  // What was edited after the success is a note, not another payment.
  const standing = standingAt(plan, success?.at ?? of.at);
  const expected = success === undefined ? NONE : statedFor(world, plan, { variation: of.variation });
  const customer = customerIdOf(shownCustomer(plan, standing)) ?? plan.customerAccount;
  const destination = customer === null ? of.guests : `@${customer}`;
  return {
    id: plan.id,
    rank: plan.rank,
    kind: plan.kind,
    created: new Date(plan.created * 1000),
    succeeded: success === undefined ? null : new Date(success.at * 1000),
    expected,
    destination: expected.outcome === 'posted' ? destination : null,
    description: standing.edit.description === undefined ? plan.description : standing.edit.description,
    metadata: standing.edit.metadata ?? plan.metadata,
  };
}

function statedFor(world: World, plan: IntentPlan, of: { variation: number }): ExpectedPayment['expected'] {
  if (plan.kind === null) return UNSTATED;
  const stated = world.population.kindNamed(plan.kind).expected;
  // The kind says "never", a test made it succeed all the same.
  if (stated.outcome === 'none') return UNSTATED;
  return stated.outcome === 'posted' ? { ...stated, amount: stated.amount + BigInt(of.variation) } : stated;
}

const NONE: Expected = { outcome: 'none' };
const UNSTATED = { outcome: 'unstated' } as const;
