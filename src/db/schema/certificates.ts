/** What was proven about days, and what is to be repaired. Rows are added, never changed: an earlier proof stays readable. */
import { sql } from 'drizzle-orm';
import { bigint, date, index, integer, jsonb, numeric, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { CertificateState, DayFinding, ProofTrigger } from '../../core/certificate.js';
import type { ItemState, RepairAction, SeenRow } from '../../core/repair.js';
import { instant } from './mirror.js';

/** Sums of a day pass 2^53 minor units; PostgreSQL's numeric keeps them whole. */
const sum = (name: string) => numeric(name, { precision: 40, scale: 0 });

export const certificates = pgTable(
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

export const repairs = pgTable('repairs', {
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

export const repairItems = pgTable(
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

export type CertificateRow = typeof certificates.$inferSelect;
export type RepairRow = typeof repairs.$inferSelect;
export type RepairItemRow = typeof repairItems.$inferSelect;
