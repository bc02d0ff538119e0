/**
 * What the API takes and answers, once: these check requests, type handlers and become the OpenAPI document. Answers have the
 * shapes of `--json`; keys are only ever added, so objects are open.
 */
import { z } from '@hono/zod-openapi';
import { ACTION_KINDS, ACTION_ORIGINS } from '../../core/base/action.js';
import { FEEDS, TRIGGERS } from '../../core/coverage/sync-run.js';
import { COMPARISON_VERDICTS } from '../../core/ledger/compare-sides.js';
import { PARKING_REASONS, type ParkingReason } from '../../core/posting/posting.js';
import { FINDING_KINDS, type FindingKind, PROOF_TRIGGERS } from '../../core/proof/certificate.js';
import { DAY_MAX, DAY_MIN, isPaymentDay } from '../payment-day.js';

const time = z.iso.datetime().openapi({ example: '2026-11-21T10:00:00.000Z' });
const count = z.number().int();
const minor = z
  .string()
  .regex(/^-?\d+$/)
  .nullable()
  .openapi({ description: 'Whole minor units' });
const decimal = z
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
export const DAY_STATES = ['sealed', 'sealed_with_exceptions', 'open', 'broken', 'not_covered'] as const;
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

const acceptedBy = z.looseObject({ ...{ id: z.uuid(), by: z.string(), at: time, why: z.string() } });
const findingKind = z.enum(Object.keys(FINDING_KINDS) as [FindingKind, ...FindingKind[]]).openapi('FindingKind');
const hash = z.string().openapi({ description: 'SHA-256 in hex over the lines of this side' });

export const Finding = z
  .looseObject({
    ...{ kind: findingKind, detail: z.string() },
    payment_id: z.string().nullable().openapi({
      description: 'The PaymentIntent, or the reference of a row without one; null for what is about the whole day',
    }),
    stripe: z
      .looseObject({ ...{ amount_minor: minor, amount: decimal, currency: z.string(), created: z.string() } })
      .nullable(),
    ledger: z.array(
      z.looseObject({
        ...{ reference: z.string(), transaction_id: z.string(), status: z.string() },
        ...{ amount_minor: minor, amount: decimal, currency: z.string() },
        ...{ source: z.string(), destination: z.string(), effective_date: z.string().nullable() },
      }),
    ),
    accepted: acceptedBy.optional().openapi({ description: 'Who accepted this very difference' }),
  })
  .openapi('Finding');

const proof = {
  ...{ id: z.uuid(), currency: z.string().nullable(), state: z.enum(DAY_STATES), proved_at: time },
  trigger: z.enum(PROOF_TRIGGERS),
  findings_count: count,
  reopens: z.uuid().nullable().openapi({ description: 'The sealed certificate that this one contradicts' }),
  reopened_because: z.string().nullable(),
};

export const Certificate = z
  .looseObject({
    ...{ ...proof, day, proof_id: z.uuid() },
    ...{ stripe_count: count, stripe_sum_minor: minor, stripe_sum: decimal, stripe_hash: hash },
    ...{ ledger_count: count, ledger_sum_minor: minor, ledger_sum: decimal, ledger_hash: hash },
    ...{ postings_count: count, postings_sum_minor: minor, postings_sum: decimal, postings_hash: hash },
    ...{ movement_minor: minor, movement: decimal, unexplained_minor: minor, unexplained: decimal },
    accepted: z.array(acceptedBy.extend({ payment_id: z.string().nullable(), kind: findingKind })),
    not_seen: z.array(z.string()).openapi({ description: 'What the proof could not see, in words' }),
    reopened: z.boolean().openapi({ description: 'It was sealed, and is to be proven again' }),
    ...{ stripe_as_of: time, stripe_requests: count, ledger_requests: count, version: z.string() },
  })
  .openapi('Certificate');

export const FullCertificate = Certificate.extend({ findings: z.array(Finding) }).openapi('FullCertificate');

export const DayCertificates = z
  .looseObject({
    certificates: z.array(FullCertificate).openapi({ description: 'Of the newest proof, by currency' }),
    history: z.array(z.looseObject(proof)).openapi({ description: 'Of all proofs, the newest first, at most 100' }),
    history_count: count,
  })
  .openapi('DayCertificates');

export const Acceptance = z
  .looseObject({
    ...{ id: z.uuid(), day, payment_id: z.string(), by: z.string(), at: time, why: z.string() },
    ...{ taken_back_at: time.nullable(), taken_back_by: z.string().nullable(), taken_back_why: z.string().nullable() },
  })
  .openapi('Acceptance');

export const Action = z
  .looseObject({
    ...{ id: z.string(), at: time, actor: z.string(), origin: z.enum(ACTION_ORIGINS), kind: z.enum(ACTION_KINDS) },
    ...{ subject: z.string().nullable(), why: z.string().nullable(), result: z.string() },
  })
  .openapi('Action');

export const PaymentSides = Payment.extend({
  ...{ source_balance: z.string().nullable(), due_at: time },
  ...{ first_attempt_at: time.nullable(), last_attempt_at: time.nullable() },
  stripe_side: z.string().nullable().openapi({ description: 'JSON text; kept until it is prepared' }),
  ledger_side: z.string().nullable().openapi({ description: 'JSON text of the request; kept until it is posted' }),
  dashboard_url: z.string().nullable().openapi({ description: "Its page in Stripe's dashboard" }),
  past_dismissals: z.array(z.looseObject({})).openapi({ description: 'Decisions that ended since' }),
  acceptances: z.array(Acceptance),
  findings: z
    .array(
      z.looseObject({ day, proved_at: time, kind: findingKind, detail: z.string(), accepted: acceptedBy.optional() }),
    )
    .openapi({ description: 'What the newest proof of its day found of it' }),
  actions: z.array(Action).openapi({ description: 'What people asked for and decided about it, the newest first' }),
}).openapi('PaymentSides');

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
