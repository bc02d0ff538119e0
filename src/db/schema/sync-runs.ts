/** Runs of collect and what they covered. `state` is what collect knows; the status people see is in the view `sync_history`. */
import { sql } from 'drizzle-orm';
import { bigserial, index, integer, text, uuid } from 'drizzle-orm/pg-core';
import type { CollectingState, Feed, Trigger } from '../../core/coverage/sync-run.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

const count = (name: string) => integer(name).notNull().default(0);

export const syncRuns = ownSchema.table(
  'sync_runs',
  {
    id: uuid('id').primaryKey(),
    parentId: uuid('parent_id'),
    feed: text('feed').$type<Feed>().notNull(),
    trigger: text('trigger').$type<Trigger>().notNull(),
    windowFrom: instant('window_from').notNull(),
    windowTo: instant('window_to'),
    state: text('state').$type<CollectingState>().notNull(),
    found: count('found'),
    knownBefore: count('known_before'),
    stored: count('stored'),
    beforeStart: count('before_start'),
    stripeRequests: count('stripe_requests'),
    errorCode: text('error_code'),
    error: text('error'),
    startedAt: instant('started_at').notNull().defaultNow(),
    finishedAt: instant('finished_at'),
    heartbeatAt: instant('heartbeat_at').notNull().defaultNow(),
    reportedAt: instant('reported_at'),
    workerId: uuid('worker_id'),
    version: text('version').notNull(),
  },
  (table) => [
    index('sync_runs_started').on(table.startedAt),
    index('sync_runs_parent').on(table.parentId),
    index('sync_runs_unreported')
      .on(table.startedAt)
      .where(sql`${table.reportedAt} is null and ${table.parentId} is null`),
    index('sync_runs_feed').on(table.feed, table.startedAt).where(sql`${table.parentId} is null`),
    index('sync_runs_failed').on(table.startedAt).where(sql`${table.state} = 'failed'`),
    // All but those that found nothing, of which there is one each minute; only runs without a worker have parts.
    index('sync_runs_told')
      .on(table.startedAt)
      .where(
        sql`${table.parentId} is null and (${table.state} <> 'collected' or ${table.stored} > 0 or ${table.workerId} is null)`,
      ),
    index('sync_runs_collected')
      .on(table.feed, sql`(coalesce(${table.finishedAt}, ${table.startedAt}))`)
      .where(sql`${table.state} = 'collected'`),
    index('sync_runs_collecting').on(table.heartbeatAt).where(sql`${table.state} = 'collecting'`),
  ],
);

export const coverage = ownSchema.table(
  'coverage',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    feed: text('feed').$type<Feed>().notNull(),
    from: instant('covered_from').notNull(),
    to: instant('covered_to').notNull(),
    readAt: instant('read_at').notNull(),
    runId: uuid('run_id').notNull(),
  },
  (table) => [index('coverage_feed_to').on(table.feed, table.to), index('coverage_run').on(table.runId)],
);

export type SyncRunRow = typeof syncRuns.$inferSelect;

/** Succeeded payments that a sweep saw and the mirror does not claim: created before its start, paid before the hand-over. */
export const paymentsBeforeStart = ownSchema.table('payments_before_start', {
  paymentId: text('payment_id').primaryKey(),
  created: instant('created'),
  chargedAt: instant('charged_at').notNull(),
  firstRun: uuid('first_run').notNull(),
  seenAt: instant('seen_at').notNull().defaultNow(),
});
