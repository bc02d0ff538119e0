/** A mirror as years leave it in a database of its own, which is filled when it is not there yet. */
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { migrateDatabase } from '../../src/db/migrations/migrate.js';
import { fillLargeMirror, type Size } from '../../test/support/large-mirror.js';

export interface LargeMirrorOptions {
  /** Of a PostgreSQL that may get a new database. */
  readonly server: string;
  readonly size: Size;
  /** How often each thing is asked. */
  readonly asked: number;
  readonly keep: boolean;
}

/** Of the command line of a bench. */
export function readLargeMirrorOptions(): LargeMirrorOptions {
  const { values } = parseArgs({
    options: {
      'database-url': { type: 'string' },
      postings: { type: 'string', default: '1000000' },
      runs: { type: 'string', default: '100000' },
      days: { type: 'string', default: '365' },
      pending: { type: 'string', default: '1000' },
      asked: { type: 'string', default: '40' },
      keep: { type: 'boolean', default: false },
    },
  });
  const server = values['database-url'];
  if (server === undefined) {
    throw new Error('--database-url is the address of a PostgreSQL that may get a new database');
  }
  const [postings, runs] = [Number(values.postings), Number(values.runs)];
  const size = { postings, runs, days: Number(values.days), pending: Number(values.pending) };
  return { server, size, asked: Number(values.asked), keep: values.keep };
}

export interface LargeMirrorHome {
  readonly database: Database;
  readonly url: string;
  /** Another pool on it. */
  openAnother(): Promise<Database>;
  /** @param keep leaves the database for the next call */
  close(keep: boolean): Promise<void>;
}

export async function openLargeMirror({
  server,
  size,
}: Pick<LargeMirrorOptions, 'server' | 'size'>): Promise<LargeMirrorHome> {
  const name = `reads_${size.postings}_${size.pending}`;
  const admin = postgres(server, { max: 1, onnotice: () => {} });
  const isThere = (await admin`select 1 from pg_database where datname = ${name}`).length > 0;
  if (!isThere) await admin.unsafe(`create database ${name}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  // As many as pages have beside a worker.
  const openAnother = () =>
    openDatabase({ kind: 'url', url: address.href }, { connectionsMax: 2, applicationName: 'bench' });
  const database = await openAnother();
  if (!isThere) {
    const begin = performance.now();
    await migrateDatabase(database);
    await fillLargeMirror(database, size);
    console.log(`${name} filled in ${Math.round((performance.now() - begin) / 1_000)} s`);
  }
  return {
    database,
    url: address.href,
    openAnother,
    async close(keep) {
      await database.close();
      if (!keep) await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
