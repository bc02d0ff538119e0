/** The one row that says which code this schema serves. Written by migrations alone; src/db/served-code.ts reads it. */
import { sql } from 'drizzle-orm';
import { check, integer, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import { instant } from './mirror.js';

export const servedCode = pgTable(
  'served_code',
  {
    id: smallint('id').primaryKey().default(1),
    oldestGeneration: integer('oldest_generation').notNull(),
    oldestVersion: text('oldest_version').notNull(),
    raisedAt: instant('raised_at').notNull().defaultNow(),
  },
  (table) => [check('served_code_single_row', sql`${table.id} = 1`)],
);
