/** Customers' identities in Blnk: which are wanted, which are there, and which of their balances are linked. */
import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import type { IdentitiesMode } from '../../core/accounts/identity.js';
import type { IdentityReason } from '../../core/accounts/link-balances.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const identities = ownSchema.table(
  'identities',
  {
    customer: text('customer').primaryKey(),
    identityId: text('identity_id').notNull(),
    isCreated: boolean('is_created').notNull().default(false),
    isLinked: boolean('is_linked').notNull().default(false),
    detailsAsOf: instant('details_as_of'),
    /** Null: there is nothing to do. */
    dueAt: instant('due_at').defaultNow(),
    attempts: integer('attempts').notNull().default(0),
    reason: text('reason').$type<IdentityReason>(),
    reasonDetail: text('reason_detail'),
    lastError: text('last_error'),
    wantedAt: instant('wanted_at').notNull().defaultNow(),
  },
  (table) => [
    index('identities_due').on(table.dueAt).where(sql`${table.dueAt} is not null`),
    index('identities_open').on(table.customer).where(sql`not ${table.isLinked} or ${table.reason} is not null`),
  ],
);

export const identityBalances = ownSchema.table(
  'identity_balances',
  {
    customer: text('customer').notNull(),
    currency: text('currency').notNull(),
    balanceId: text('balance_id'),
    linkedAt: instant('linked_at'),
  },
  (table) => [primaryKey({ columns: [table.customer, table.currency] })],
);

/** One row, from the first start with identities on. */
export const identityProgress = ownSchema.table(
  'identity_progress',
  {
    id: smallint('id').primaryKey().default(1),
    mode: text('mode').$type<IdentitiesMode>().notNull(),
    walkedTo: text('walked_to'),
    walkedAt: instant('walked_at'),
    changesReadTo: instant('changes_read_to'),
    customersRefusedSince: instant('customers_refused_since'),
  },
  (table) => [check('identity_progress_single_row', sql`${table.id} = 1`)],
);
