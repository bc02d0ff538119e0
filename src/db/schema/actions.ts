/** What people did, and what was asked for in their name: appended, never changed. */
import { bigserial, index, text } from 'drizzle-orm/pg-core';
import type { ActionKind, ActionOrigin } from '../../core/base/action.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const actions = ownSchema.table(
  'actions',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    at: instant('at').notNull().defaultNow(),
    actor: text('actor').notNull(),
    origin: text('origin').$type<ActionOrigin>().notNull(),
    kind: text('kind').$type<ActionKind>().notNull(),
    subject: text('subject'),
    why: text('why'),
    result: text('result').notNull(),
  },
  (table) => [index('actions_subject').on(table.subject, table.id)],
);
