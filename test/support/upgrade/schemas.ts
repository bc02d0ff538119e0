/** Databases as they were: the migrations of this package, applied up to a chosen one, and remembered as it is done. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type postgres from 'postgres';
import { type Migration, readMigrations } from '../../../src/db/migration-files.js';
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

/** As drizzle's migrator makes it, which applied the first ones. */
const REMEMBERED = `create schema if not exists drizzle;
  create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;

export async function applyUpTo(sql: postgres.Sql, last: string): Promise<void> {
  await sql.unsafe(REMEMBERED);
  for (const migration of await readMigrations()) {
    await applyOne(sql, migration);
    if (migration.name === last) return;
  }
  throw new Error(`there is no migration ${last}`);
}

export async function applyOne(sql: postgres.Sql, { statements, hash, madeAt }: Migration): Promise<void> {
  for (const statement of statements) await sql.unsafe(statement);
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${madeAt})`;
}
