/**
 * What people ask, on a mirror as years leave it: fills a database of its own, and times each reading statement and each whole
 * question.
 *
 *   node --import tsx bench/reads.ts --database-url postgres://… --postings 1000000 --runs 100000
 */
import { parseArgs } from 'node:util';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { openDatabase } from '../src/db/connection/open.js';
import { migrateDatabase } from '../src/db/migrations/migrate.js';
import { fillLargeMirror } from '../test/support/large-mirror.js';
import { questionsOf } from '../test/support/reading-questions.js';

const { values } = parseArgs({
  options: {
    'database-url': { type: 'string' },
    postings: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '100000' },
    days: { type: 'string', default: '365' },
    pending: { type: 'string', default: '1000' },
    asked: { type: 'string', default: '20' },
    keep: { type: 'boolean', default: false },
  },
});

const server = values['database-url'];
if (server === undefined) throw new Error('--database-url is the address of a PostgreSQL that may get a new database');
const size = {
  ...{ postings: Number(values.postings), runs: Number(values.runs) },
  ...{ days: Number(values.days), pending: Number(values.pending) },
};
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
  await fillLargeMirror(database.sql, database.db, size);
  console.log(`filled in ${Math.round((performance.now() - begin) / 1_000)} s`);
}

const timed = postgres(address.href, { max: 1, onnotice: () => {} });
const logged: { readonly query: string; readonly params: unknown[] }[] = [];
const db = drizzle(timed, { logger: { logQuery: (query, params) => logged.push({ query, params }) } });
for (const [question, ask] of Object.entries(questionsOf(db, timed, size))) {
  const whole: number[] = [];
  for (let turn = 0; turn < Number(values.asked); turn += 1) {
    const begin = performance.now();
    await ask();
    whole.push(performance.now() - begin);
  }
  logged.length = 0;
  await ask();
  let slowest = { ms: 0, query: '' };
  for (const { query, params } of logged.splice(0)) {
    const begin = performance.now();
    await timed.unsafe(query, params as never[]);
    const ms = performance.now() - begin;
    if (ms > slowest.ms) slowest = { ms, query };
  }
  whole.sort((a, b) => a - b);
  const at = (share: number) => (whole[Math.min(whole.length - 1, Math.floor(share * whole.length))] ?? 0).toFixed(1);
  console.log(
    `${question.padEnd(40)} p50 ${at(0.5).padStart(7)} ms   p99 ${at(0.99).padStart(7)} ms   slowest statement ${slowest.ms.toFixed(1)} ms` +
      (slowest.ms > 50 ? `\n    ${slowest.query.replaceAll(/\s+/g, ' ').slice(0, 300)}` : ''),
  );
}
await timed.end();
await database.close();
if (!values.keep) await admin.unsafe(`drop database ${name} with (force)`);
await admin.end();
