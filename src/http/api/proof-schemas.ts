/** What was proven, and a payment with what was found and decided of it, as the API answers them. */
import { z } from '@hono/zod-openapi';
import { CERTIFICATE_STATES, FINDING_KINDS, type FindingKind, PROOF_TRIGGERS } from '../../core/proof/certificate.js';
import { Action, count, day, decimal, minor, Payment, time } from './schemas.js';

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
  ...{ id: z.uuid(), currency: z.string().nullable(), state: z.enum(CERTIFICATE_STATES), proved_at: time },
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
