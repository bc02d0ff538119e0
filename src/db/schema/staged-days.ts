/**
 * What the proof of a large day has listed so far. Both tables are unlogged: what a server lost when it crashed, it lost of both,
 * and the proof begins anew. Nothing of them is truth.
 */

import { sql } from 'drizzle-orm';
import { customType, date, index, integer, jsonb, primaryKey, smallint, text, uuid } from 'drizzle-orm/pg-core';
import type { DayProgress } from '../../prove/day-store.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

/** ASCII, sorted by its bytes whatever the collation of the database: the order of a day's pieces. */
const ascii = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

export const stagedDays = ownSchema.table(
  'staged_days',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    day: date('day', { mode: 'string' }).notNull(),
    begunAt: instant('begun_at').notNull(),
    settings: text('settings').notNull(),
    /** Of the process that goes on with it; another one may once it was not renewed for a while. */
    token: uuid('token').notNull(),
    renewedAt: instant('renewed_at').notNull(),
    progress: jsonb('progress').$type<DayProgress>(),
    /** Of the next item. */
    sequence: integer('sequence').notNull(),
  },
  (table) => [index('staged_days_day').on(table.day)],
);

export const stagedItems = ownSchema.table(
  'staged_items',
  {
    stagedDay: integer('staged_day').notNull(),
    key: ascii('key').notNull(),
    kind: ascii('kind').notNull(),
    id: ascii('id').notNull(),
    name: ascii('name').notNull(),
    sequence: integer('sequence').notNull(),
    marks: smallint('marks').notNull(),
    todo: smallint('todo').notNull(),
    transactionId: ascii('transaction_id'),
    body: text('body').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.stagedDay, table.key, table.kind, table.id] }),
    index('staged_items_transaction')
      .on(table.stagedDay, table.transactionId)
      .where(sql`${table.transactionId} is not null`),
    // Few items have something to do.
    index('staged_items_todo').on(table.stagedDay, table.sequence).where(sql`${table.todo} <> 0`),
  ],
);
