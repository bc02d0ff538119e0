/** A mirror as years leave it in a database of its own, which is filled when it is not there yet. */
import postgres from 'postgres';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { migrateDatabase } from '../../src/db/migrations/migrate.js';
import { fillLargeMirror, type Size } from '../../test/support/large-mirror.js';

export interface LargeMirrorHome {
  readonly database: Database;
  readonly url: string;
  /** @param keep leaves the database for the next call */
  close(keep: boolean): Promise<void>;
}

/** @param server of a PostgreSQL that may get a new database */
export async function openLargeMirror(server: string, size: Size): Promise<LargeMirrorHome> {
  const name = `reads_${size.postings}_${size.pending}`;
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  const isThere = (await admin`select 1 from pg_database where datname = ${name}`).length > 0;
  if (!isThere) await admin.unsafe(`create database ${name}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  const database = await openDatabase(
    { kind: 'url', url: address.href },
    { connectionsMax: 2, applicationName: 'bench' },
  );
  if (!isThere) {
    const begin = performance.now();
    await migrateDatabase(database);
    await fillLargeMirror(database, size);
    console.log(`${name} filled in ${Math.round((performance.now() - begin) / 1_000)} s`);
  }
  return {
    database,
    url: address.href,
    async close(keep) {
      await database.close();
      if (!keep) await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
