/** The migrations that this package brings, as drizzle-kit writes them. Reads files; applies nothing. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { packageRoot } from '../package-root.js';

export interface Migration {
  /** `0000_initial` */
  readonly name: string;
  /** Milliseconds; what the database remembers it by, and what orders it. */
  readonly madeAt: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** In the order in which they are applied. */
export async function readMigrations(): Promise<readonly Migration[]> {
  const folder = new URL('migrations/', packageRoot());
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
