/** The outbox and the proof: one row per ledger transaction that we owe, kept for ever. */
import { type SQL, sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import type { PostingObject } from '../../core/kinds/registry.js';
import type {
  ParkingReason,
  PastDismissal,
  PostingRole,
  PostingState,
  SettledHow,
} from '../../core/posting/posting.js';
import { instant } from './mirror.js';
import { ownSchema } from './own-schema.js';

/** What code of generation 1 reads instead of `object` and `role`. It is written for as long as such workers are served. */
export type PostingKind = PostingObject | Exclude<PostingRole, 'original'>;

/** Of a posting that is stored. */
export function kindOf({ object, role }: { readonly object: PostingObject; readonly role: PostingRole }): PostingKind {
  return role === 'original' ? object : role;
}

/**
 * The lane's name. Rows from before the column have none; there the source names the lane, as it did when they were stored.
 * Indexes are made of this very expression.
 */
export const LANE = laneOf('');

/** @param at `posting.` where a statement has other tables beside, under that name */
export function laneOf(at: string): string {
  return `coalesce(${at}lane, ${at}currency || ':' || ${at}source)`;
}

export const postings = ownSchema.table(
  'postings',
  {
    reference: text('reference').primaryKey(),
    objectId: text('object_id').notNull(),
    kind: text('kind').$type<PostingKind>().notNull(),
    object: text('object').$type<PostingObject>(),
    role: text('role').$type<PostingRole>(),
    lane: text('lane'),
    source: text('source'),
    destination: text('destination'),
    currency: text('currency'),
    amount: bigint('amount', { mode: 'bigint' }),
    precision: integer('precision'),
    effectiveAt: instant('effective_at').notNull(),
    state: text('state').$type<PostingState>().notNull(),
    reason: text('reason').$type<ParkingReason>(),
    reasonDetail: text('reason_detail'),
    prepared: text('prepared'),
    payment: text('payment'),
    attempts: integer('attempts').notNull().default(0),
    firstAttemptAt: instant('first_attempt_at'),
    lastAttemptAt: instant('last_attempt_at'),
    claim: uuid('claim'),
    claimedUntil: instant('claimed_until'),
    dueAt: instant('due_at').notNull().defaultNow(),
    doubtSince: instant('doubt_since'),
    lookUps: integer('look_ups').notNull().default(0),
    lastError: text('last_error'),
    transactionId: text('transaction_id'),
    postedAt: instant('posted_at'),
    settledHow: text('settled_how').$type<SettledHow>(),
    exception: text('exception'),
    dismissedAt: instant('dismissed_at'),
    dismissedBy: text('dismissed_by'),
    dismissedWhy: text('dismissed_why'),
    pastDismissals: jsonb('past_dismissals').$type<PastDismissal[]>(),
    dismissedLooks: integer('dismissed_looks').notNull().default(0),
    firstRun: uuid('first_run').notNull(),
    storedAt: instant('stored_at').notNull().defaultNow(),
  },
  (table) => [
    // No index by source and currency beside these: with statistics from before a backlog both cost the same, and a claim
    // that takes the other one reads the whole backlog. Workers of generation 1 do that until they are replaced.
    index('postings_lane_due')
      .on(sql.raw(`(${LANE})`), table.dueAt)
      .where(sql`${table.state} = 'pending'`),
    // Every other chunk of what was never tried begins with the newest payments. An expression, so that the plan cannot
    // be a walk back through everything posted along `postings_effective`, which old statistics make look cheaper.
    index('postings_lane_newest')
      .on(sql.raw(`(${LANE})`), sql`(${table.effectiveAt} at time zone 'UTC')`)
      .where(sql`${table.state} = 'pending' and ${table.attempts} = 0`),
    // Doubt is taken up in every other turn of a lane: it must not be looked for among a million that were never tried.
    index('postings_lane_attempted')
      .on(sql.raw(`(${LANE})`), table.dueAt)
      .where(sql`${table.state} = 'pending' and ${table.attempts} > 0`),
    // Pages of a run's payments, of all or of one state, by reference.
    index('postings_run_state').on(table.firstRun, table.state, table.reference),
    index('postings_object').on(table.objectId),
    // Sums take corrections apart from everything else; see totals.ts.
    index('postings_corrections').on(table.objectId).where(sql`${table.kind} = 'correction'`),
    index('postings_run_corrections').on(table.firstRun).where(sql`${table.kind} = 'correction'`),
    // What people look for: a customer's payments, newest first, and the one that a row in the ledger belongs to. Of what is
    // posted only: otherwise each claim and each pause would write the entry anew, which costs three times as much.
    index('postings_customer').on(table.destination, table.effectiveAt).where(sql`${table.state} = 'posted'`),
    index('postings_transaction').using('hash', table.transactionId).where(sql`${table.transactionId} is not null`),
    index('postings_effective').on(table.effectiveAt),
    // Whether a payment of a day was stored after its certificate: asked about every day, and answered by one probe each.
    index('postings_day').on(sql`((${table.effectiveAt} at time zone 'UTC')::date)`, table.storedAt),
    index('postings_parked').on(table.storedAt).where(sql`${table.state} = 'parked'`),
    // Whether a decision about a payment was made, or ended, after the certificate of its day: of all that anybody ever decided about,
    // whatever became of it.
    index('postings_decided')
      .on(sql`((${table.effectiveAt} at time zone 'UTC')::date)`)
      .where(sql`${table.dismissedAt} is not null or ${table.pastDismissals} is not null`),
  ],
);

/** Why the posting exists; rows from before the column say it by their `kind`. @param name under which a statement has the row */
export function roleOf(name = 'postings'): SQL<PostingRole> {
  const [role, kind] = [sql.raw(`${name}.role`), sql.raw(`${name}.kind`)];
  return sql<PostingRole>`coalesce(${role}, case when ${kind} = 'payment' then 'original' else ${kind} end)`;
}

export type PostingRow = typeof postings.$inferSelect;
export type NewPostingRow = typeof postings.$inferInsert;
