/**
 * What the API takes and answers, once: these check requests, type handlers and become the OpenAPI document. Answers have the
 * shapes of `--json`; keys are only ever added, so objects are open.
 */
import { z } from '@hono/zod-openapi';
import { ACTION_KINDS, ACTION_ORIGINS } from '../../core/base/action.js';
import { FEEDS, TRIGGERS } from '../../core/coverage/sync-run.js';
import { COMPARISON_VERDICTS } from '../../core/ledger/compare-sides.js';
import { PARKING_REASONS, type ParkingReason } from '../../core/posting/posting.js';
import { DAY_MAX, DAY_MIN, isPaymentDay } from '../payment-day.js';

export const time = z.iso.datetime().openapi({ example: '2026-11-21T10:00:00.000Z' });
export const count = z.number().int();
export const minor = z
  .string()
  .regex(/^-?\d+$/)
  .nullable()
  .openapi({ description: 'Whole minor units' });
export const decimal = z
  .string()
  .nullable()
  .openapi({ description: 'The same in decimals; null where the digits are not known' });
/** Of this millennium or so: what lies beyond is no time of a payment, and the day after it none that a database takes. */
export const day = z.iso
  .date()
  .refine(isPaymentDay, { error: `allowed are days from ${DAY_MIN} to ${DAY_MAX}` })
  .openapi({ example: '2026-11-21' });

/** A ledger's rows may be of any: a certificate of what somebody else booked is named by what they wrote. */
export const currency = z.string().min(1).max(100).openapi({ example: 'USD' });

/** Of payments, whose currencies are codes in capitals. */
export const currencyFilter = z
  .string()
  .min(1)
  .max(100)
  .overwrite((text) => (/^[a-z]{3}$/i.test(text) ? text.toUpperCase() : text))
  .openapi({ example: 'USD' });

export const RUN_STATUSES = ['collecting', 'posting', 'succeeded', 'attention', 'stopped', 'failed'] as const;
export const PAYMENT_STATES = ['pending', 'posted', 'parked', 'dismissed'] as const;
export const REASONS = Object.keys(PARKING_REASONS) as [ParkingReason, ...ParkingReason[]];

const money = z.looseObject({ amount_minor: minor, amount: decimal, currency: z.string().nullable() });

export const Run = z
  .looseObject({
    ...{ id: z.uuid(), parent_id: z.uuid().nullable(), parts: count },
    ...{ feed: z.enum(FEEDS), trigger: z.enum(TRIGGERS), status: z.enum(RUN_STATUSES) },
    ...{ window_from: time, window_to: time.nullable() },
    ...{ found: count, known_before: count, stored: count, posted: count, already_there: count },
    ...{ parked: count, dismissed: count, pending: count, before_start: count, stripe_requests: count },
    ...{ error_code: z.string().nullable(), error: z.string().nullable() },
    ...{ started_at: time, finished_at: time.nullable(), duration_ms: z.number().nullable() },
    ...{ worker_id: z.uuid().nullable(), version: z.string() },
    ...{ totals: z.array(money), ledger_totals: z.array(money) },
  })
  .openapi('Run');

export const Payment = z
  .looseObject({
    ...{ reference: z.string(), payment_id: z.string(), object: z.string(), role: z.string() },
    ...{ state: z.enum(PAYMENT_STATES), reason: z.enum(REASONS).nullable(), reason_detail: z.string().nullable() },
    what_to_do: z.string().nullable(),
    ...{ amount_minor: minor, amount: decimal, currency: z.string().nullable() },
    ...{ customer_balance: z.string().nullable(), created: time, attempts: count },
    ...{ in_doubt_since: time.nullable(), unresolved: z.boolean(), last_error: z.string().nullable() },
    ...{ transaction_id: z.string().nullable(), posted_at: time.nullable(), settled_how: z.string().nullable() },
    ...{ dismissed_at: time.nullable(), dismissed_by: z.string().nullable(), dismissed_why: z.string().nullable() },
    ...{ run: z.uuid(), stored_at: time },
  })
  .openapi('Payment');

export const Action = z
  .looseObject({
    ...{ id: z.string(), at: time, actor: z.string(), origin: z.enum(ACTION_ORIGINS), kind: z.enum(ACTION_KINDS) },
    ...{ subject: z.string().nullable(), why: z.string().nullable(), result: z.string() },
  })
  .openapi('Action');

export const DayTotal = z
  .looseObject({
    ...{ day, currency: z.string(), posted_count: count, pending_count: count, parked_count: count },
    ...{
      posted_minor: minor,
      posted: decimal,
      pending_minor: minor,
      pending: decimal,
      parked_minor: minor,
      parked: decimal,
    },
  })
  .openapi('DayTotal');

export const Lane = z
  .looseObject({
    ...{ source: z.string(), currency: z.string(), pending: count, in_doubt: count, unresolved: count },
    ...{ oldest_due: time, error: z.string().nullable(), paused_since: time.nullable() },
  })
  .openapi('Lane');

export const Progress = z
  .looseObject({
    ...{ id: z.uuid(), status: z.enum(RUN_STATUSES), found: count, stored: count },
    ...{ pending: count, parked: count, dismissed: count },
  })
  .openapi('Progress');

const side = z.looseObject({
  ...{ amount_minor: minor, amount: decimal, currency: z.string().nullable() },
  ...{ source: z.string().nullable(), destination: z.string().nullable() },
  ...{ effective_at: time.nullable(), status: z.string().nullable() },
});

export const Comparison = z
  .looseObject({
    ...{
      reference: z.string(),
      payment_id: z.string(),
      verdict: z.enum(COMPARISON_VERDICTS),
      detail: z.string().nullable(),
    },
    expected: side.nullable().openapi({ description: 'What the ledger should hold, as Stripe shows the payment now' }),
    ...{ ledger: side.nullable(), note: z.string().nullable(), transaction_id: z.string().nullable() },
    differences: z.array(z.string()),
    ...{ stripe_requests: count, ledger_requests: count },
  })
  .openapi('Comparison');

const left = z.looseObject({
  items: count,
  sums: z.array(z.looseObject({ amount_minor: minor, amount: decimal, currency: z.string() })),
});

export const Repair = z
  .looseObject({
    ...{ id: z.uuid(), from_day: day, to_day: day, planned_by: z.string(), planned_at: time },
    ...{ applied_by: z.string().nullable(), applied_at: time.nullable() },
    counts: z.record(z.string(), count),
    left: left.openapi({ description: 'What is not done yet; repeated as `confirm` to apply it' }),
  })
  .openapi('Repair');

export const RepairItem = z
  .looseObject({
    ...{ item: count, day, payment_id: z.string(), finding: z.string(), action: z.string() },
    ...{ reference: z.string().nullable(), amount_minor: minor, amount: decimal, currency: z.string().nullable() },
    ...{ state: z.string(), detail: z.string(), done_at: time.nullable() },
    standing: z
      .enum(['found', 'gone', 'not_proven'])
      .openapi({ description: 'What a proof after the plan shows of it' }),
  })
  .openapi('RepairItem');

export const WorkInHand = z
  .looseObject({
    ...{ what: z.enum(['plan', 'apply']), subject: z.string().nullable(), since: time },
    progress: z.looseObject({ what: z.string(), done: count, all: count }).nullable(),
  })
  .openapi('WorkInHand');

export const EndedWork = WorkInHand.extend({
  ended_at: time,
  fault: z.string().nullable().openapi({ description: 'Why it failed; null when it was done' }),
}).openapi('EndedWork');

export const Need = z.looseObject({
  ...{ code: z.string(), severity: z.enum(['error', 'warning', 'notice']), text: z.string() },
  command: z.string().nullable(),
});

export const Status = z
  .looseObject({
    state: z.enum(['not_started', 'unknown', 'reading', 'incomplete', 'behind', 'complete']),
    answer: z.string(),
    needs: z.array(Need),
    ok: z.boolean().openapi({ description: 'Whether no person is needed, as the exit code of `status`' }),
    ...{ now: time, complete: z.looseObject({ from: time, to: time }).nullable(), behind_ms: z.number().nullable() },
  })
  .openapi('Status');

export const Setting = z
  .looseObject({
    variable: z.string(),
    value: z.string().nullable().openapi({ description: 'Null for a secret' }),
    from: z.enum(['default', 'variable', 'file']),
    note: z.string().nullable(),
  })
  .openapi('Setting');

export const ProblemDocument = z
  .looseObject({
    type: z.string().openapi({ description: 'Where the runbook says what to do' }),
    ...{ title: z.string(), status: z.number().int(), code: z.string(), detail: z.string() },
    instance: z.string().nullable(),
    errors: z.array(z.looseObject({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem');

export function page<Item extends z.ZodType>(item: Item) {
  return z.looseObject({ data: z.array(item), next_cursor: z.string().nullable() });
}

export const queueTold = z.boolean().openapi({
  description: 'Whether the queue could be told; where not, workers find it in the database within a minute',
});

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

export const paging = {
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT).openapi({ example: LIMIT_DEFAULT }),
  cursor: z.string().max(600).optional(),
};

/** References are Stripe's ids and what this software adds to them. */
export const reference = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[\x21-\x7e]+$/);
