/** The migrations that this package brings, as drizzle-kit writes them. Reads files; applies nothing. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { packageRoot } from '../../package-root.js';

export interface Migration {
  /** `0010_own_schema`. No two have the same. */
  readonly name: string;
  /** Milliseconds. */
  readonly madeAt: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** In the order in which they are applied. */
export function readMigrations(): Promise<readonly Migration[]> {
  return readFolder('migrations/');
}

/** Those before there was an own schema, for databases that have some of them. All that they make is in 0010_own_schema. */
export function readMigrationsInPublic(): Promise<readonly Migration[]> {
  return readFolder('migrations/in-public/');
}

async function readFolder(path: string): Promise<readonly Migration[]> {
  const folder = new URL(path, packageRoot());
  const journal: { readonly entries: readonly { readonly tag: string }[] } = JSON.parse(
    await readFile(new URL('meta/_journal.json', folder), 'utf8'),
  );
  return readMigrationFiles({ migrationsFolder: fileURLToPath(folder) }).map((file, index) => ({
    name: journal.entries[index]?.tag ?? '',
    madeAt: file.folderMillis,
    hash: file.hash,
    statements: file.sql,
  }));
}
