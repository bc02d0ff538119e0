/**
 * What a worker does to its tables for each payment, on mirrors of different sizes in turns: stores a page, claims a chunk, marks it
 * as posted; and what people ask beside. Then what so many payments leave behind in the largest one: sizes, dead rows, before
 * and after a vacuum.
 *
 *   node --import tsx bench/hot-path.ts --database-url postgres://… --postings 100000,10000000 --rounds 300 --payments 432000
 */
import { parseArgs } from 'node:util';
import type { Database } from '../src/db/connection/open.js';
import { openLargeMirror } from './program/large-mirror-home.js';
import { createMirrorWork, type MirrorWork } from './program/mirror-work.js';
import { tableSizes } from './program/table-sizes.js';

const { values } = parseArgs({
  options: {
    'database-url': { type: 'string' },
    postings: { type: 'string', default: '100000,10000000' },
    runs: { type: 'string', default: '100000' },
    days: { type: 'string', default: '365' },
    rounds: { type: 'string', default: '300' },
    payments: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
  },
});
const server = values['database-url'];
if (server === undefined) throw new Error('--database-url is the address of a PostgreSQL that may get new databases');
const sizes = values.postings.split(',').map((postings) => ({
  ...{ postings: Number(postings), runs: Number(values.runs), days: Number(values.days), pending: 1_000 },
}));

const works: {
  readonly postings: number;
  readonly database: Database;
  readonly work: MirrorWork;
  close(keep: boolean): Promise<void>;
}[] = [];
for (const size of sizes) {
  const { database, close } = await openLargeMirror({ server, size });
  works.push({ postings: size.postings, database, work: await createMirrorWork(database, size), close });
}

const took = new Map<string, number[]>();
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const { postings, work } of works) {
    for (const [step, run] of Object.entries(work.steps)) {
      const begin = performance.now();
      await run();
      const key = `${step.padEnd(24)} ${String(postings).padStart(9)}`;
      took.set(key, [...(took.get(key) ?? []), performance.now() - begin]);
    }
  }
}
for (const [key, all] of [...took].sort(([a], [b]) => (a < b ? -1 : 1))) {
  all.sort((a, b) => a - b);
  const at = (share: number) => (all[Math.floor(share * (all.length - 1))] ?? 0).toFixed(1).padStart(8);
  console.log(`${key}   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   most ${at(1)} ms`);
}

const largest = works.at(-1);
const payments = Number(values.payments);
if (largest !== undefined && payments > 0) {
  const { sql } = largest.work;
  const show = async (when: string): Promise<void> => {
    const [row] = await sql<{ heap: number; indexes: number; live: number; dead: number; vacuums: number }[]>`
      select pg_table_size(relid)::float8 / 1048576 as heap, pg_indexes_size(relid)::float8 / 1048576 as indexes,
        n_live_tup::int as live, n_dead_tup::int as dead, (vacuum_count + autovacuum_count)::int as vacuums
      from pg_stat_user_tables where relname = 'postings'`;
    console.log(`${when}: postings ${JSON.stringify(row)}`);
    console.log(JSON.stringify((await tableSizes(sql)).slice(0, 6)));
  };
  await show('before');
  const begin = performance.now();
  for (let stored = 0; stored < payments; stored += 100) await largest.work.throughLedger();
  console.log(
    `${payments} payments stored, claimed and settled in ${Math.round((performance.now() - begin) / 1_000)} s`,
  );
  await show('after');
  const vacuumBegin = performance.now();
  await largest.database.onOneConnection(async (connection) => {
    await connection`set statement_timeout = 0`;
    await connection`vacuum (analyze) stripe_blnk_sync.postings`;
  });
  console.log(`vacuum took ${Math.round((performance.now() - vacuumBegin) / 1_000)} s`);
  await show('after a vacuum');
}
for (const { close } of works) await close(values.keep);
