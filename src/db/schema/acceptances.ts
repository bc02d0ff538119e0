/** Differences that people accepted. Rows are added; of one that is taken back only who, when and why are written, once. */
import { date, index, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import type { AcceptedDifference } from '../../core/proof/acceptance.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const acceptances = ownSchema.table(
  'acceptances',
  {
    id: uuid('id').primaryKey(),
    day: date('day', { mode: 'string' }).notNull(),
    paymentId: text('payment_id').notNull(),
    differences: jsonb('differences').$type<readonly AcceptedDifference[]>().notNull(),
    /** The proof whose certificates showed them. */
    proofId: uuid('proof_id').notNull(),
    acceptedAt: instant('accepted_at').notNull(),
    acceptedBy: text('accepted_by').notNull(),
    acceptedWhy: text('accepted_why').notNull(),
    takenBackAt: instant('taken_back_at'),
    takenBackBy: text('taken_back_by'),
    takenBackWhy: text('taken_back_why'),
    version: text('version').notNull(),
  },
  (table) => [index('acceptances_day').on(table.day), index('acceptances_payment').on(table.paymentId)],
);

export type AcceptanceRow = typeof acceptances.$inferSelect;
