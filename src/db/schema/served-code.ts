/** The one row that states which code this schema serves. Written by migrations alone; src/db/workers/minimum-code.ts reads it. */
import { sql } from 'drizzle-orm';
import { check, integer, smallint, text } from 'drizzle-orm/pg-core';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const servedCode = ownSchema.table(
  'served_code',
  {
    id: smallint('id').primaryKey().default(1),
    oldestGeneration: integer('oldest_generation').notNull(),
    oldestVersion: text('oldest_version').notNull(),
    raisedAt: instant('raised_at').notNull().defaultNow(),
  },
  (table) => [check('served_code_single_row', sql`${table.id} = 1`)],
);
