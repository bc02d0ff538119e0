/**
 * The one row that says what this database mirrors, and the tables around Stripe's limits and living workers.
 * Column comments live in migrations, because people read them with SQL.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

export const mirror = pgTable(
  'mirror',
  {
    id: smallint('id').primaryKey().default(1),
    mirrorId: uuid('mirror_id').notNull(),
    stripeAccount: text('stripe_account'),
    livemode: boolean('livemode').notNull(),
    blnkInstance: text('blnk_instance').notNull(),
    sourceBalances: jsonb('source_balances').$type<Record<string, string>>().notNull().default({}),
    source: text('source').notNull(),
    sourceShards: integer('source_shards').notNull(),
    guestDestination: text('guest_destination').notNull(),
    accountsMode: text('accounts_mode').notNull(),
    mappingVersion: integer('mapping_version').notNull(),
    startsAt: instant('starts_at').notNull(),
    handOverAt: instant('hand_over_at'),
    firstPostAt: instant('first_post_at'),
    lagMs: integer('lag_ms'),
    eventsRefusedSince: instant('events_refused_since'),
    chargesRefusedSince: instant('charges_refused_since'),
    rebuildingSince: instant('rebuilding_since'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [check('mirror_single_row', sql`${table.id} = 1`)],
);

/** Living worker processes; a row is renewed while its process lives. */
export const workers = pgTable('workers', {
  id: uuid('id').primaryKey(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  version: text('version').notNull(),
  /** What the schema's oldest served generation is compared with; code that does not say it is of the first. */
  generation: integer('generation').notNull().default(1),
  startedAt: instant('started_at').notNull().defaultNow(),
  seenAt: instant('seen_at').notNull().defaultNow(),
});

/** Lanes that a worker pauses because nothing of them gets further, and why; gone once it goes on. */
export const lanePauses = pgTable(
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
export const rateTokens = pgTable('rate_tokens', {
  bucket: text('bucket').primaryKey(),
  nextFreeAt: instant('next_free_at').notNull(),
});

/** Requests to Stripe per hour, for the rolling read allocation of 30 days. */
export const stripeReads = pgTable('stripe_reads', {
  hour: instant('hour').primaryKey(),
  requests: bigint('requests', { mode: 'number' }).notNull().default(0),
});
