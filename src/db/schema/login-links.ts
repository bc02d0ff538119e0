/** Links for one log-in each. The link itself is kept nowhere: only its hash. */
import { text } from 'drizzle-orm/pg-core';
import type { SessionRole } from '../../core/base/action.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

export const loginLinks = ownSchema.table('login_links', {
  hash: text('hash').primaryKey(),
  role: text('role').$type<SessionRole>().notNull(),
  madeBy: text('made_by').notNull(),
  madeAt: instant('made_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});
