/**
 * A throw-away PostgreSQL database with our tables and views, for tests of reading.
 * Rows are made here with every column that has no default, so that a test writes only what it is about.
 */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import type { Drizzle } from '../../src/db/connection/open.js';
import * as postingsSchema from '../../src/db/schema/postings.js';
import * as runsSchema from '../../src/db/schema/sync-runs.js';
import { openMigratedDatabase } from './own-database.js';

export interface ReadsDatabase {
  readonly db: Drizzle;
  readonly sql: postgres.Sql;
  empty(): Promise<void>;
  drop(): Promise<void>;
}

export async function createReadsDatabase(): Promise<ReadsDatabase> {
  const { db, sql, remove } = await openMigratedDatabase();
  return {
    db,
    sql,
    async empty() {
      for (const table of [
        'proof_attempts',
        'acceptances',
        'repair_items',
        'repairs',
        'certificates',
        'workers',
        'mirror',
        'coverage',
        'sync_runs',
        'postings',
      ]) {
        await sql`delete from ${sql(`stripe_blnk_sync.${table}`)}`;
      }
      // Kept for good, but not from one test to the next.
      await sql.unsafe(`
        alter table stripe_blnk_sync.actions disable trigger user; delete from stripe_blnk_sync.actions;
        alter table stripe_blnk_sync.actions enable trigger user`);
    },
    drop: remove,
  };
}

type NewRun = typeof runsSchema.syncRuns.$inferInsert;

export async function insertRun(db: Drizzle, run: Partial<NewRun> = {}): Promise<string> {
  const id = run.id ?? randomUUID();
  await db.insert(runsSchema.syncRuns).values({
    feed: 'events',
    trigger: 'schedule',
    windowFrom: new Date('2026-11-01T00:00:00Z'),
    windowTo: new Date('2026-11-01T01:00:00Z'),
    state: 'collected',
    startedAt: new Date('2026-11-01T01:00:00Z'),
    finishedAt: new Date('2026-11-01T01:00:02.500Z'),
    version: '0.1.0',
    ...run,
    id,
  });
  return id;
}

export async function insertPosting(
  db: Drizzle,
  posting: Partial<postingsSchema.NewPostingRow> & { readonly reference: string; readonly firstRun: string },
): Promise<void> {
  await db.insert(postingsSchema.postings).values({
    objectId: posting.reference.split(':')[0] ?? posting.reference,
    kind: 'payment',
    source: '@stripe',
    destination: '@cus_1',
    currency: 'USD',
    amount: 1_000n,
    precision: 100,
    effectiveAt: new Date('2026-11-01T00:30:00Z'),
    state: 'pending',
    prepared: '{}',
    ...posting,
  });
}

export function at(iso: string): Date {
  return new Date(iso);
}
