/** Databases as they were: the migrations before the own schema, applied up to a chosen one, and remembered as it was done. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type postgres from 'postgres';
import { type Migration, readMigrationsInPublic } from '../../../src/db/migrations/migration-files.js';
import { ROOT } from '../source-files.js';

/** The migrations that a release brought, and the rows of its time. */
export interface Release {
  /** Of CHANGELOG.md; null for what only ran before the first release. */
  readonly version: string | null;
  /** Each with the SHA-256 of its file. */
  readonly migrations: Readonly<Record<string, string>>;
  /** In test/upgrade/. */
  readonly rows: string;
}

export function readReleases(): readonly Release[] {
  return JSON.parse(readFileSync(join(ROOT, 'test/upgrade/releases.json'), 'utf8'));
}

/** As Drizzle's migrator makes it, for all applications of a database. */
const SHARED_JOURNAL = `create schema if not exists drizzle;
  create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;

/** A database from before there was an own schema, as the version of then left it. */
export async function applyInPublic(sql: postgres.Sql, last: string): Promise<void> {
  await sql.unsafe(SHARED_JOURNAL);
  for (const migration of await readMigrationsInPublic()) {
    await applyOneInPublic(sql, migration);
    if (migration.name === last) return;
  }
  throw new Error(`there is no migration ${last}`);
}

export async function applyOneInPublic(sql: postgres.Sql, { statements, hash, madeAt }: Migration): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`set local search_path to public`;
    // Nobody is at work here, so that all can be done in one transaction.
    for (const statement of statements) await transaction.unsafe(statement.replaceAll(/ concurrently\b/gi, ''));
    await transaction`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${madeAt})`;
  });
}
