// Intents by hand: made, moved and edited by a test or over the control API, in the account of one world. Moves may lie
// in the future: the clock brings them about. What has happened is never taken back, so an event's snapshot never changes.

import type Stripe from 'stripe';
import type { Edit, IntentPlan, Move, MoveName } from './life.js';
import { MOVES_MAX } from './trace.js';
import type { World } from './world.js';

export interface NewIntent {
  /** Default: a fresh one that looks random. */
  readonly id?: string;
  /** Starts from that kind of `kinds.ts`, moves included; everything else given overrides it. */
  readonly kind?: string;
  /** Default: the clock's now. */
  readonly created?: Date;
  readonly amount?: number;
  readonly currency?: string;
  readonly livemode?: boolean;
  readonly customer?: Stripe.PaymentIntent['customer'];
  readonly customerAccount?: string | null;
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly paymentMethodType?: string;
  readonly captureMethod?: IntentPlan['captureMethod'];
  readonly latestCharge?: IntentPlan['latestCharge'];
  readonly eventVersion?: string;
  /** Replaces the kind's moves. Without a kind an intent begins unpaid. */
  readonly moves?: readonly NewMove[];
}

export interface NewMove {
  readonly move: MoveName;
  /** Default: the clock's now. */
  readonly at?: Date;
  readonly amountReceived?: number;
  readonly edit?: Edit;
}

/** Makes an intent and returns its id. */
export function createIntent(world: World, asked: NewIntent): string {
  const place = world.reserve();
  const id = asked.id ?? place.id;
  if (world.planById(id) !== undefined) throw new Error(`${id} exists already`);
  const created = asked.created === undefined ? world.clock.nowSeconds() : secondOf(asked.created);
  const base = world.population.planOf(world.population.kindNamed(asked.kind ?? PLAIN_KIND), {
    rank: place.rank,
    id,
    created,
    vary: false,
  });
  const { created: _date, moves, kind: _name, ...fields } = asked;
  const plain = asked.kind === undefined ? { customer: null, description: null, metadata: {}, moves: [] } : {};
  const plan: IntentPlan = {
    ...base,
    ...plain,
    ...fields,
    id,
    kind: keepsKind(asked) ? base.kind : null,
    ...(moves === undefined ? {} : { moves: moves.map((move) => moveFrom(world, move)).sort((a, b) => a.at - b.at) }),
  };
  checkMoves(plan);
  world.put(plan);
  return id;
}

/**
 * Lets something happen to an intent, one of the population too. A move in the past or present ends what was still to
 * come; it may not lie before what has happened already.
 */
export function moveIntent(world: World, id: string, asked: NewMove): void {
  const plan = world.planById(id);
  if (plan === undefined) throw new Error(`there is no intent ${id}`);
  const move = moveFrom(world, asked);
  const now = world.clock.nowSeconds();
  const kept = move.at > now ? plan.moves : plan.moves.filter((earlier) => earlier.at <= now);
  const moves = [...kept, move];
  if (asked.move === 'edit') moves.push(...plan.moves.slice(kept.length));
  const next: IntentPlan = { ...plan, moves, kind: keepsKindAfter(world, plan, asked) ? plan.kind : null };
  checkMoves(next);
  world.put(next);
}

const PLAIN_KIND = 'card_usd';

/** Whether the kind's expectation still speaks about an intent that was asked for with overrides. */
function keepsKind(asked: NewIntent): boolean {
  const { kind, amount, currency, livemode, description, metadata, moves } = asked;
  if (kind === undefined) return false;
  const overridden = [amount, currency, livemode, description, metadata].some((field) => field !== undefined);
  return !overridden && !(moves ?? []).some((move) => move.amountReceived !== undefined);
}

function keepsKindAfter(world: World, plan: IntentPlan, asked: NewMove): boolean {
  if (plan.kind === null || asked.amountReceived !== undefined) return false;
  if (asked.move !== 'succeed') return asked.edit?.description === undefined && asked.edit?.metadata === undefined;
  return world.population.kindNamed(plan.kind).life.every((step) => step.amountReceived === undefined);
}

function moveFrom(world: World, asked: NewMove): Move {
  return { ...asked, at: asked.at === undefined ? world.clock.nowSeconds() : secondOf(asked.at) };
}

function checkMoves(plan: IntentPlan): void {
  if (plan.moves.length > MOVES_MAX) throw new Error(`${plan.id} cannot have more than ${MOVES_MAX} moves`);
  let last = plan.created;
  for (const move of plan.moves) {
    if (move.at < last)
      throw new Error(`${plan.id} cannot ${move.move} at ${move.at}, before what happened at ${last}`);
    last = move.at;
  }
}

function secondOf(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
