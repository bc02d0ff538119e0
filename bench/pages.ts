/**
 * How long each page takes on a mirror as years leave it, while payments are stored beside: fills a database of its own, and asks one
 * page after the other as a person does.
 *
 *   node --import tsx bench/pages.ts --database-url postgres://… --postings 1000000 --runs 100000
 */
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { openDatabase } from '../src/db/connection/open.js';
import { migrateDatabase } from '../src/db/migrations/migrate.js';
import { fillLargeMirror } from '../test/support/large-mirror.js';
import { pagesOf, timePages, writeBeside } from '../test/support/pages-at-work.js';
import { startHttp } from '../test/support/stages/http.js';

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
if (server === undefined) throw new Error('--database-url is the address of a PostgreSQL that may get a new database');
const size = {
  ...{ postings: Number(values.postings), runs: Number(values.runs) },
  ...{ days: Number(values.days), pending: Number(values.pending) },
};
const name = `pages_${size.postings}`;
const admin = postgres(server, { max: 1, onnotice: () => {} });
const isThere = (await admin`select 1 from pg_database where datname = ${name}`).length > 0;
if (!isThere) await admin.unsafe(`create database ${name}`);
const address = new URL(server);
address.pathname = `/${name}`;
// As many as pages have beside a worker.
const open = (connectionsMax: number) =>
  openDatabase({ kind: 'url', url: address.href }, { connectionsMax, applicationName: 'bench' });
const [shown, written] = [await open(2), await open(2)];
if (!isThere) {
  const begin = performance.now();
  await migrateDatabase(written);
  await fillLargeMirror(written, size);
  console.log(`filled in ${Math.round((performance.now() - begin) / 1_000)} s`);
}
const http = await startHttp(shown);
const writer = writeBeside(written.db);
for (const { address: page, p50Ms, p99Ms, bytes } of await timePages(http.url, pagesOf(size), Number(values.asked))) {
  console.log(
    `${page.padEnd(48)} p50 ${p50Ms.toFixed(1).padStart(7)} ms   p99 ${p99Ms.toFixed(1).padStart(7)} ms   ${bytes} bytes`,
  );
}
await writer.stop();
await http.close();
await shown.close();
await written.close();
if (!values.keep) await admin.unsafe(`drop database ${name} with (force)`);
await admin.end();
