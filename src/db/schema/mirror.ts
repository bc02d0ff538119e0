/**
 * The one row that states what this database mirrors, and the tables around Stripe's limits and living workers.
 * Column comments live in migrations, because people read them with SQL.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ClockFault } from '../../core/coverage/agree-on-time.js';
import type { LedgerState } from '../../core/ledger/ledger-identity.js';
import type { QueueFault } from '../../core/queue/queue-fault.js';
import type { QueueIdentity } from '../../core/queue/queue-identity.js';
import { ownSchema } from './own-schema.js';

/** Balance id by name, then by currency. */
export type BalanceIds = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** As JSON keeps it. */
export interface StoredQueueFault extends QueueFault {
  readonly since: string;
}

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

export const mirror = ownSchema.table(
  'mirror',
  {
    id: smallint('id').primaryKey().default(1),
    mirrorId: uuid('mirror_id').notNull(),
    stripeAccount: text('stripe_account'),
    livemode: boolean('livemode').notNull(),
    blnkInstance: text('blnk_instance').notNull(),
    /** By currency. Read together with the next one, and kept up to date for workers of before it. */
    sourceBalances: jsonb('source_balances').$type<Record<string, string>>().notNull().default({}),
    /** Ids of balances by name and currency. */
    sourceBalanceIds: jsonb('source_balance_ids').$type<BalanceIds>().notNull().default({}),
    source: text('source').notNull(),
    sourceShards: integer('source_shards').notNull(),
    guestDestination: text('guest_destination').notNull(),
    accountsMode: text('accounts_mode').notNull(),
    mappingVersion: integer('mapping_version').notNull(),
    startsAt: instant('starts_at').notNull(),
    cutoverAt: instant('hand_over_at'),
    firstPostAt: instant('first_post_at'),
    lagMs: integer('lag_ms'),
    eventsRefusedSince: instant('events_refused_since'),
    chargesRefusedSince: instant('charges_refused_since'),
    balancesRefusedSince: instant('balances_refused_since'),
    rebuildingSince: instant('rebuilding_since'),
    ledgerEpoch: integer('ledger_epoch').notNull().default(0),
    ledgerState: text('ledger_state').$type<LedgerState>().notNull().default('unchecked'),
    ledgerStateSince: instant('ledger_state_since'),
    ledgerCheckedAt: instant('ledger_checked_at'),
    ledgerDetail: text('ledger_detail'),
    ledgerAcceptedAt: instant('ledger_accepted_at'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [check('mirror_single_row', sql`${table.id} = 1`)],
);

/** Living worker processes; a row is renewed while its process lives. */
export const workers = ownSchema.table('workers', {
  id: uuid('id').primaryKey(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  version: text('version').notNull(),
  /** What the schema's oldest served generation is compared with; code that does not say it is of the first. */
  generation: integer('generation').notNull().default(1),
  startedAt: instant('started_at').notNull().defaultNow(),
  seenAt: instant('seen_at').notNull().defaultNow(),
  /** Which clock it found off lately; null when all agree. */
  clockFault: jsonb('clock_fault').$type<ClockFault>(),
  /** What keeps the queue from delivering to this worker, each with the time since when. */
  queueFaults: jsonb('queue_faults').$type<StoredQueueFault[]>().notNull().default([]),
  /** Which queue it takes jobs from; null until that answered. */
  queue: jsonb('queue').$type<QueueIdentity>(),
});

/** Lanes that a worker pauses because nothing of them gets further, and why; gone once it goes on. */
export const lanePauses = ownSchema.table(
  'lane_pauses',
  {
    source: text('source').notNull(),
    currency: text('currency').notNull(),
    since: instant('since').notNull().defaultNow(),
    seenAt: instant('seen_at').notNull().defaultNow(),
    error: text('error').notNull(),
  },
  (table) => [primaryKey({ columns: [table.source, table.currency] })],
);

/** One row per limiter bucket: the time at which the next request of that bucket is free. */
export const rateTokens = ownSchema.table('rate_tokens', {
  bucket: text('bucket').primaryKey(),
  nextFreeAt: instant('next_free_at').notNull(),
});

/** Requests to Stripe per hour, for the rolling read allocation of 30 days. */
export const stripeReads = ownSchema.table('stripe_reads', {
  hour: instant('hour').primaryKey(),
  requests: bigint('requests', { mode: 'number' }).notNull().default(0),
});
