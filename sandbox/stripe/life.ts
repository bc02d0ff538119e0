// The life of one PaymentIntent: what it is made of (the plan) and what has happened to it at a given second.
// `standingAt` is a pure function of plan and time, so a clock that moves changes statuses by itself, and an event's
// snapshot is simply the standing at the event's second. Nothing here is stored or rendered.

import type Stripe from 'stripe';

/** One thing that happens to an intent. `at` is in unix seconds. */
export interface Move {
  readonly at: number;
  readonly move: MoveName;
  /** What `succeed` collects, or `capture_part` so far; the full amount when absent. */
  readonly amountReceived?: number;
  /** What `edit` changes. Earlier snapshots keep the old values. */
  readonly edit?: Edit;
}

export type MoveName =
  | 'confirm_later'
  | 'require_action'
  | 'process'
  | 'authorize'
  | 'capture_part'
  | 'fail'
  | 'succeed'
  | 'cancel'
  | 'edit';

export interface Edit {
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly customer?: Stripe.PaymentIntent['customer'];
}

/** An intent as it was created, with all that has happened or will happen to it, oldest first. */
export interface IntentPlan {
  readonly id: string;
  readonly rank: number;
  /** Name in `kinds.ts`, or null for one that a test made up. */
  readonly kind: string | null;
  readonly created: number;
  readonly amount: number;
  readonly currency: string;
  readonly livemode: boolean;
  readonly customer: Stripe.PaymentIntent['customer'];
  readonly customerAccount: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly paymentMethodType: string;
  readonly captureMethod: 'automatic_async' | 'manual';
  /** How `latest_charge` is shown; `absent`: the intent has no charge at all. */
  readonly latestCharge: 'id' | 'object' | 'absent';
  /** The version in which this intent's events are frozen. */
  readonly eventVersion: string;
  readonly moves: readonly Move[];
}

export interface ChargeStanding {
  readonly slot: number;
  readonly created: number;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly captured: boolean;
  readonly amountCaptured: number;
}

export interface Standing {
  readonly status: Stripe.PaymentIntent.Status;
  readonly amountReceived: number;
  readonly amountCapturable: number;
  readonly canceledAt: number | null;
  readonly charges: readonly ChargeStanding[];
  readonly lastAttemptFailed: boolean;
  readonly edit: Edit;
}

/** What the plan's moves up to and including second `at` have made of it. */
export function standingAt(plan: IntentPlan, at: number): Standing {
  let standing = UNTOUCHED;
  for (let slot = 0; slot < plan.moves.length; slot++) {
    const move = plan.moves[slot];
    if (move === undefined || move.at > at) break;
    standing = afterMove(plan, standing, move, slot);
  }
  return standing;
}

/** The customer as it now stands on the intent: what the plan says, unless it was edited. */
export function shownCustomer(plan: IntentPlan, standing: Standing): Stripe.PaymentIntent['customer'] {
  return standing.edit.customer === undefined ? plan.customer : standing.edit.customer;
}

/** A move begins a new charge unless it settles the one that is pending or uncaptured. */
export function beginsCharge(moves: readonly { readonly move: MoveName }[], slot: number): boolean {
  const name = moves[slot]?.move;
  if (name === undefined || !ATTEMPTS.has(name)) return false;
  for (let before = slot - 1; before >= 0; before--) {
    const earlier = moves[before]?.move;
    if (earlier === 'process' || earlier === 'authorize' || earlier === 'capture_part') return false;
    if (earlier === 'fail' || earlier === 'cancel' || earlier === 'succeed') return true;
  }
  return true;
}

/** The events that a move causes, in order. */
export function eventsOf(move: MoveName, options: { beganCharge: boolean }): readonly SandboxEventType[] {
  switch (move) {
    case 'require_action':
      return ['payment_intent.requires_action'];
    case 'process':
      return ['charge.pending', 'payment_intent.processing'];
    case 'authorize':
      return ['charge.succeeded', 'payment_intent.amount_capturable_updated'];
    case 'capture_part':
      return ['charge.updated', 'payment_intent.amount_capturable_updated'];
    case 'fail':
      return ['charge.failed', 'payment_intent.payment_failed'];
    case 'succeed':
      return [options.beganCharge ? 'charge.succeeded' : 'charge.updated', 'payment_intent.succeeded'];
    case 'cancel':
      return ['payment_intent.canceled'];
    case 'confirm_later':
    case 'edit':
      return [];
    default:
      return move satisfies never;
  }
}

export type SandboxEventType =
  | 'charge.pending'
  | 'charge.succeeded'
  | 'charge.failed'
  | 'charge.updated'
  | 'payment_intent.created'
  | 'payment_intent.requires_action'
  | 'payment_intent.processing'
  | 'payment_intent.amount_capturable_updated'
  | 'payment_intent.payment_failed'
  | 'payment_intent.succeeded'
  | 'payment_intent.canceled';

const ATTEMPTS: ReadonlySet<MoveName> = new Set<MoveName>(['process', 'authorize', 'fail', 'succeed']);

const UNTOUCHED: Standing = {
  status: 'requires_payment_method',
  amountReceived: 0,
  amountCapturable: 0,
  canceledAt: null,
  charges: [],
  lastAttemptFailed: false,
  edit: {},
};

function afterMove(plan: IntentPlan, before: Standing, move: Move, slot: number): Standing {
  const received = move.amountReceived ?? plan.amount;
  const attempt = { slot, at: move.at };
  switch (move.move) {
    case 'confirm_later':
      return { ...before, status: 'requires_confirmation' };
    case 'require_action':
      return { ...before, status: 'requires_action' };
    case 'process':
      return { ...before, status: 'processing', charges: withCharge(plan, before, attempt, PENDING) };
    case 'authorize':
      return {
        ...before,
        status: 'requires_capture',
        amountCapturable: plan.amount,
        charges: withCharge(plan, before, attempt, HELD),
      };
    case 'capture_part':
      return {
        ...before,
        amountReceived: received,
        amountCapturable: Math.max(0, plan.amount - received),
        charges: withCharge(plan, before, attempt, { ...HELD, amountCaptured: received }),
      };
    case 'fail':
      return {
        ...before,
        status: 'requires_payment_method',
        lastAttemptFailed: true,
        charges: withCharge(plan, before, attempt, FAILED),
      };
    case 'succeed':
      return {
        ...before,
        status: 'succeeded',
        amountReceived: received,
        amountCapturable: 0,
        lastAttemptFailed: false,
        charges: withCharge(plan, before, attempt, { status: 'succeeded', captured: true, amountCaptured: received }),
      };
    case 'cancel':
      return { ...before, status: 'canceled', amountCapturable: 0, canceledAt: move.at };
    case 'edit':
      return { ...before, edit: { ...before.edit, ...move.edit } };
    default:
      return move.move satisfies never;
  }
}

type ChargeState = Omit<ChargeStanding, 'slot' | 'created'>;

const PENDING: ChargeState = { status: 'pending', captured: true, amountCaptured: 0 };
const HELD: ChargeState = { status: 'succeeded', captured: false, amountCaptured: 0 };
const FAILED: ChargeState = { status: 'failed', captured: false, amountCaptured: 0 };

function withCharge(
  plan: IntentPlan,
  before: Standing,
  attempt: { slot: number; at: number },
  state: ChargeState,
): readonly ChargeStanding[] {
  if (plan.latestCharge === 'absent') return [];
  const last = before.charges.at(-1);
  if (last !== undefined && !beginsCharge(plan.moves, attempt.slot)) {
    return [...before.charges.slice(0, -1), { slot: last.slot, created: last.created, ...state }];
  }
  return [...before.charges, { slot: attempt.slot, created: attempt.at, ...state }];
}
