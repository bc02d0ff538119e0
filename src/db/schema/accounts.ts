/** The mirror's own ledger in Blnk and the map of its balances; empty unless `BLNK_ACCOUNTS` is `ledger`. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import type { CheckedCurrency } from '../../core/accounts/account-facts.js';
import type { BalanceReason, GONE } from '../../core/accounts/balance-reasons.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

/** With the microseconds that Blnk shows: which of two was made first must not be rounded away. */
const blnkTime = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

/** One row, from the first start with a ledger of its own. */
export const accountsLedger = ownSchema.table(
  'accounts_ledger',
  {
    id: smallint('id').primaryKey().default(1),
    ledgerId: text('ledger_id'),
    /** As Blnk showed it last. */
    name: text('name'),
    surplusIds: text('surplus_ids').array().notNull().default([]),
    attemptedAt: instant('attempted_at'),
    attempts: integer('attempts').notNull().default(0),
    reason: text('reason'),
    lastError: text('last_error'),
    readTo: blnkTime('read_to'),
    checkedAt: instant('checked_at'),
    sums: jsonb('sums').$type<CheckedCurrency[]>(),
  },
  () => [check('accounts_ledger_single_row', sql`id = 1`)],
);

/** The map: a row's balance is written once. */
export const accountBalances = ownSchema.table(
  'account_balances',
  {
    name: text('name').notNull(),
    currency: text('currency').notNull(),
    balanceId: text('balance_id').unique(),
    mappedAt: instant('mapped_at'),
    missingSince: instant('missing_since'),
    attemptedAt: instant('attempted_at'),
    attempts: integer('attempts').notNull().default(0),
    /** Null: there is nothing to do. */
    dueAt: instant('due_at').defaultNow(),
    reason: text('reason').$type<BalanceReason | typeof GONE>(),
    lastError: text('last_error'),
    wantedAt: instant('wanted_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.name, table.currency] }),
    index('account_balances_due').on(table.dueAt).where(sql`${table.dueAt} is not null`),
    index('account_balances_open')
      .on(table.name)
      .where(sql`${table.balanceId} is null or ${table.missingSince} is not null`),
  ],
);

/** Every balance of the ledger that was ever seen with a mark of this mirror. */
export const accountBalancesSeen = ownSchema.table(
  'account_balances_seen',
  {
    balanceId: text('balance_id').primaryKey(),
    name: text('name').notNull(),
    currency: text('currency').notNull(),
    createdAt: blnkTime('created_at').notNull(),
    amount: bigint('amount', { mode: 'bigint' }),
    /** Null: seen before it was looked at. */
    hasMoved: boolean('has_moved'),
    seenAt: instant('seen_at').notNull().defaultNow(),
    markLostAt: instant('mark_lost_at'),
    markNow: text('mark_now'),
  },
  (table) => [index('account_balances_seen_name').on(table.name, table.currency)],
);
