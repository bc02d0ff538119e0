/** Proofs of large days that began. Older code writes it and reads it; this one does neither, because memory ends no proof any more. */
import { bigint, date, index, integer, uuid } from 'drizzle-orm/pg-core';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const proofAttempts = ownSchema.table(
  'proof_attempts',
  {
    id: uuid('id').primaryKey(),
    day: date('day', { mode: 'string' }).notNull(),
    processId: uuid('process_id').notNull(),
    /** Bytes that V8 of that process may take in all. */
    heapLimit: bigint('heap_limit', { mode: 'number' }).notNull(),
    payments: integer('payments').notNull(),
    begunAt: instant('begun_at').notNull(),
  },
  (table) => [index('proof_attempts_day').on(table.day)],
);
