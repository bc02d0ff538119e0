/** What may happen in a history, as data: the steps, and how chance draws them. How they are taken is play.ts. */
import fc from 'fast-check';
import type { Fault } from '../../../sandbox/blnk/faults.js';
import type { FaultEffect, Fault as StripeFault } from '../../../sandbox/stripe/faults.js';
import { DAY, HOUR, LAG, MINUTE, SECOND } from './time.js';

export type Step =
  | { readonly step: 'advance'; readonly ms: number }
  /** Paid within seconds; some share one second, and some say that they happened up to a lag ago. */
  | { readonly step: 'pay'; readonly count: number; readonly spreadMs: number; readonly kind: string }
  /** Confirmed, so with a charge, and succeeding days later; or with its first charge at the success. */
  | {
      readonly step: 'payLate';
      readonly createdAgoMs: number;
      readonly confirmAs: 'process' | 'authorize' | 'require_action' | 'fail';
      readonly confirmInMs: number;
      readonly succeedInMs: number;
    }
  /** Ticks of a healthy schedule. */
  | { readonly step: 'ticks'; readonly worker: number; readonly count: number; readonly everyMs: number }
  | { readonly step: 'sync'; readonly worker: number }
  | { readonly step: 'jobs'; readonly worker: number }
  | { readonly step: 'askForDue'; readonly worker: number }
  | { readonly step: 'atOnce'; readonly what: 'sync' | 'jobs' | 'both' }
  | { readonly step: 'loseQueue' }
  | { readonly step: 'die'; readonly worker: number; readonly afterMoments: number }
  | { readonly step: 'pause'; readonly worker: number; readonly afterMoments: number }
  | { readonly step: 'wake' }
  | { readonly step: 'stripeFault'; readonly fault: StripeFault }
  | { readonly step: 'blnkFault'; readonly fault: Fault }
  | { readonly step: 'slowRequests'; readonly ms: number }
  | { readonly step: 'databaseOff'; readonly ms: number }
  | { readonly step: 'permission'; readonly of: 'rak_event_read' | 'rak_charge_read'; readonly granted: boolean }
  | { readonly step: 'backfill'; readonly worker: number; readonly fromAgoMs: number; readonly lengthMs: number };

/** Ordinary kinds, guests, other currencies and one that must be parked. */
const KINDS = ['card_usd', 'guest', 'currency_eur', 'currency_jpy', 'currency_kwd', 'currency_unknown'] as const;

const spans = fc.constantFrom(SECOND, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY);
const worker = fc.nat(3);
const moments = fc.integer({ min: 1, max: 60 });

const arrivals = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('pay' as const),
      count: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 90, max: 130 })),
      spreadMs: fc.constantFrom(0, SECOND, MINUTE),
      kind: fc.constantFrom(...KINDS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('payLate' as const),
      createdAgoMs: fc.constantFrom(0, MINUTE, DAY, 5 * DAY, 40 * DAY),
      confirmAs: fc.constantFrom('process', 'authorize', 'require_action', 'fail'),
      confirmInMs: fc.constantFrom(0, MINUTE, DAY),
      succeedInMs: fc.constantFrom(0, MINUTE, LAG, HOUR, DAY, 3 * DAY, 14 * DAY, 30 * DAY, 60 * DAY),
    }),
  },
);

const work = fc.oneof(
  fc.record({
    step: fc.constant('ticks' as const),
    worker,
    count: fc.integer({ min: 1, max: 4 }),
    everyMs: fc.constantFrom(10 * SECOND, MINUTE),
  }),
  fc.record({ step: fc.constant('sync' as const), worker }),
  fc.record({ step: fc.constant('jobs' as const), worker }),
  fc.record({ step: fc.constant('askForDue' as const), worker }),
  fc.record({ step: fc.constant('atOnce' as const), what: fc.constantFrom('sync', 'jobs', 'both') }),
  fc.record({
    step: fc.constant('backfill' as const),
    worker,
    fromAgoMs: fc.constantFrom(HOUR, DAY, 3 * DAY, 10 * DAY),
    lengthMs: fc.constantFrom(MINUTE, DAY, 10 * DAY),
  }),
);

const stripeEffect = fc.constantFrom<FaultEffect[]>(
  { effect: 'rate_limited', reason: 'endpoint-rate' },
  { effect: 'rate_limited_400' },
  { effect: 'lock_timeout' },
  { effect: 'status', status: 500 },
  { effect: 'status', status: 503 },
  { effect: 'reset' },
  { effect: 'truncated' },
  { effect: 'html' },
  { effect: 'wrong_json' },
  { effect: 'no_date' },
  // Never the same error as another clock's of a history: two that are wrong alike are believed.
  { effect: 'wrong_date', aheadMs: HOUR },
  { effect: 'wrong_date', aheadMs: -HOUR },
  { effect: 'wrong_date', aheadMs: 23 * HOUR },
  { effect: 'wrong_date', aheadMs: MINUTE },
);

const stripeFault: fc.Arbitrary<StripeFault> = fc
  .record({
    effect: stripeEffect,
    route: fc.constantFrom('payment_intents.list', 'events.list', 'charges.list', 'payment_intents.retrieve'),
    nth: fc.integer({ min: 1, max: 4 }),
    times: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ effect, ...match }) => ({ ...effect, ...match }));

const times = fc.integer({ min: 1, max: 6 });
const blnkFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    effect: fc.constant('status'),
    route: fc.constantFrom('posts', 'lookups', 'POST /balances/filter'),
    status: fc.constantFrom(408, 409, 423, 429, 500, 502, 503, 504),
    body: fc.constantFrom('core', 'html', 'empty', 'cloud'),
    applied: fc.boolean(),
    times,
  }),
  fc.record({
    effect: fc.constantFrom('answer_lost', 'repeated', 'reset'),
    route: fc.constantFrom('posts', 'lookups'),
    times,
  }),
  fc.record({
    effect: fc.constant('locked'),
    route: fc.constant('posts'),
    atItem: fc.integer({ min: 1, max: 30 }),
    times,
  }),
  // A replica that does not move, until it is asked no more.
  fc.record({
    effect: fc.constant('stale_reads'),
    route: fc.constant('lookups'),
    times: fc.integer({ min: 1, max: 12 }),
  }),
);

const faults = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.constant('stripeFault' as const), fault: stripeFault }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('blnkFault' as const), fault: blnkFault }) },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('slowRequests' as const),
      ms: fc.constantFrom(0, 5 * SECOND, MINUTE, 20 * MINUTE),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('databaseOff' as const),
      ms: fc.constantFrom(-10 * MINUTE, 0, 10 * MINUTE),
    }),
  },
);

const interruptions = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.constant('die' as const), worker, afterMoments: moments }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('pause' as const), worker, afterMoments: moments }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('wake' as const) }) },
);

const permissions = fc.record({
  step: fc.constant('permission' as const),
  of: fc.constantFrom('rak_event_read', 'rak_charge_read'),
  granted: fc.boolean(),
});

export interface Drawing {
  /** The longest that no worker runs. */
  readonly outageMaxMs: number;
}

/** What a history may be made of, and how often each comes. */
const SORTS = {
  pauses: { weight: 4, arbitrary: spans.map((ms) => ({ step: 'advance' as const, ms })) },
  arrivals: { weight: 5, arbitrary: arrivals },
  work: { weight: 8, arbitrary: work },
  ask: { weight: 4, arbitrary: fc.record({ step: fc.constant('askForDue' as const), worker }) },
  faults: { weight: 3, arbitrary: faults },
  interruptions: { weight: 3, arbitrary: interruptions },
  loseQueue: { weight: 1, arbitrary: fc.constant({ step: 'loseQueue' as const }) },
  permissions: { weight: 1, arbitrary: permissions },
  outages: {
    weight: 1,
    arbitrary: fc.constantFrom(12 * DAY, 27 * DAY, 35 * DAY, 90 * DAY).map((ms) => ({ step: 'advance' as const, ms })),
  },
} satisfies Record<string, { weight: number; arbitrary: fc.Arbitrary<Step> }>;

/** Histories of these sorts of steps, by chance. */
export function drawSteps(
  sorts: ReadonlyArray<keyof typeof SORTS>,
  { outageMaxMs }: Drawing,
): fc.Arbitrary<readonly Step[]> {
  const step: fc.Arbitrary<Step> = fc.oneof(...sorts.map((sort) => SORTS[sort]));
  return fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }).map((steps) => within(steps, outageMaxMs));
}

/** Without the pauses that would add up to more. */
function within(steps: readonly Step[], ms: number): readonly Step[] {
  let left = ms;
  return steps.filter((step) => {
    if (step.step !== 'advance') return true;
    left -= step.ms;
    return left >= 0;
  });
}
