/** What was proven about days, and what is to be repaired. Rows are added, and what they say is never changed. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, index, integer, jsonb, numeric, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { CertificateState, DayFinding, ProofTrigger } from '../../core/proof/certificate.js';
import type { ItemState, RepairAction, SeenRow } from '../../core/repair/repair-plan.js';
import { currencyDecimals } from './currency-decimals.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

/** Sums of a day pass 2^53 minor units; PostgreSQL's numeric keeps them whole. */
const sum = (name: string) => numeric(name, { precision: 40, scale: 0 });

export const certificates = ownSchema.table(
  'certificates',
  {
    id: uuid('id').primaryKey(),
    /** The proof that this certificate is a part of: one execution of `prove`, or one scheduled turn. */
    proofId: uuid('proof_id').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    currency: text('currency'),
    state: text('state').$type<CertificateState>().notNull(),
    trigger: text('trigger').$type<ProofTrigger>().notNull(),
    stripeCount: integer('stripe_count').notNull(),
    stripeSum: sum('stripe_sum').notNull(),
    stripeHash: text('stripe_hash').notNull(),
    ledgerCount: integer('ledger_count').notNull(),
    ledgerSum: sum('ledger_sum').notNull(),
    ledgerHash: text('ledger_hash').notNull(),
    postingsCount: integer('postings_count').notNull(),
    postingsSum: sum('postings_sum').notNull(),
    postingsHash: text('postings_hash').notNull(),
    movement: sum('movement'),
    unexplained: sum('unexplained'),
    findings: jsonb('findings').$type<readonly DayFinding[]>().notNull(),
    findingsCount: integer('findings_count').notNull(),
    notSeen: jsonb('not_seen').$type<readonly string[]>().notNull(),
    reopens: uuid('reopens'),
    reopenedBecause: text('reopened_because'),
    stripeRequests: integer('stripe_requests').notNull(),
    ledgerRequests: integer('ledger_requests').notNull(),
    stripeAsOf: instant('stripe_as_of').notNull(),
    provedAt: instant('proved_at').notNull().defaultNow(),
    version: text('version').notNull(),
  },
  (table) => [index('certificates_day').on(table.day, table.provedAt), index('certificates_proved').on(table.provedAt)],
);

export const repairs = ownSchema.table('repairs', {
  id: uuid('id').primaryKey(),
  fromDay: date('from_day', { mode: 'string' }).notNull(),
  toDay: date('to_day', { mode: 'string' }).notNull(),
  plannedBy: text('planned_by').notNull(),
  plannedAt: instant('planned_at').notNull().defaultNow(),
  appliedBy: text('applied_by'),
  appliedAt: instant('applied_at'),
  /** The run that the postings of this plan belong to. */
  runId: uuid('run_id'),
  version: text('version').notNull(),
});

export const repairItems = ownSchema.table(
  'repair_items',
  {
    repairId: uuid('repair_id')
      .notNull()
      .references(() => repairs.id),
    item: integer('item').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    paymentId: text('payment_id').notNull(),
    finding: text('finding').$type<DayFinding['kind']>().notNull(),
    action: text('action').$type<RepairAction>().notNull(),
    reference: text('reference'),
    currency: text('currency'),
    amount: bigint('amount', { mode: 'bigint' }),
    seen: jsonb('seen').$type<readonly SeenRow[]>().notNull(),
    state: text('state').$type<ItemState>().notNull(),
    detail: text('detail').notNull(),
    doneAt: instant('done_at'),
  },
  (table) => [
    primaryKey({ columns: [table.repairId, table.item] }),
    index('repair_items_open').on(table.repairId).where(sql`${table.state} = 'planned'`),
  ],
);

/**
 * The certificates of each day's newest proof: a currency that it does not have is no longer there on any side. `reopened`
 * when a payment of that day was stored after it, in this currency or in one that the proof did not know, when what was
 * accepted of it was taken back, or when a dismissal of one of its payments ended. `stripe_sum`, `ledger_sum`, `postings_sum` and `unexplained` are older names of the same minor
 * units, for code and queries from before there was `_minor`.
 */
export const dayCertificates = ownSchema
  .view('day_certificates', {
    day: date('day', { mode: 'string' }).notNull(),
    currency: text('currency'),
    state: text('state').$type<CertificateState>().notNull(),
    reopened: boolean('reopened').notNull(),
    stripeCount: integer('stripe_count').notNull(),
    ledgerCount: integer('ledger_count').notNull(),
    postingsCount: integer('postings_count').notNull(),
    findingsCount: integer('findings_count').notNull(),
    reopenedBecause: text('reopened_because'),
    provedAt: instant('proved_at').notNull(),
    stripeAsOf: instant('stripe_as_of').notNull(),
    certificateId: uuid('certificate_id').notNull(),
    stripeSumMinor: numeric('stripe_sum_minor').notNull(),
    ledgerSumMinor: numeric('ledger_sum_minor').notNull(),
    postingsSumMinor: numeric('postings_sum_minor').notNull(),
    unexplainedMinor: numeric('unexplained_minor'),
    currencyDecimals: integer('currency_decimals'),
  })
  .as(sql`
  select
    newest.day,
    newest.currency,
    newest.state,
    newest.state = 'sealed_with_exceptions' and exists (
      select 1 from stripe_blnk_sync.acceptances acceptance
      where acceptance.day = newest.day and acceptance.taken_back_at > newest.proved_at
        and newest.findings @> jsonb_build_array(jsonb_build_object('accepted', jsonb_build_object('id', acceptance.id)))
    ) or case when newest.state in ('sealed', 'sealed_with_exceptions') and (
      -- One probe of an index, which settles it for all days but those with late payments.
      select max(posting.stored_at) from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at then exists (
      select 1 from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
        and posting.stored_at > newest.proved_at
        and (
          posting.currency is not distinct from newest.currency
          or not exists (
            select 1 from stripe_blnk_sync.certificates sibling
            where sibling.day = newest.day and sibling.proof_id = newest.proof_id and sibling.currency = posting.currency
          )
        )
    ) else false end or case when newest.state = 'sealed_with_exceptions' then exists (
      select 1 from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
        and (posting.dismissed_at is not null or posting.past_dismissals is not null)
        and posting.currency is not distinct from newest.currency
        and greatest(
          (posting.past_dismissals -> -1 ->> 'endedAt')::timestamptz,
          case when posting.dismissed_at is not null then posting.posted_at end
        ) > newest.proved_at
    ) else false end as reopened,
    newest.stripe_count,
    newest.stripe_sum,
    newest.ledger_count,
    newest.ledger_sum,
    newest.postings_count,
    newest.postings_sum,
    newest.unexplained,
    newest.findings_count,
    newest.reopened_because,
    newest.proved_at,
    newest.stripe_as_of,
    newest.id as certificate_id,
    newest.stripe_sum as stripe_sum_minor,
    newest.ledger_sum as ledger_sum_minor,
    newest.postings_sum as postings_sum_minor,
    newest.unexplained as unexplained_minor,
    ${currencyDecimals('newest.currency')} as currency_decimals
  from (
    select distinct on (day) day, proof_id from stripe_blnk_sync.certificates order by day, proved_at desc, id desc
  ) proof
  join stripe_blnk_sync.certificates newest on newest.day = proof.day and newest.proof_id = proof.proof_id
`);

export type CertificateRow = typeof certificates.$inferSelect;
export type RepairRow = typeof repairs.$inferSelect;
export type RepairItemRow = typeof repairItems.$inferSelect;
