/**
 * Measures the proof of one large day: time, memory, and what it takes of PostgreSQL. Both sides and our postings are generated
 * (bench/program/generated-day.ts), so nothing but the proof itself and the database is measured. First the day is proven by
 * processes that are killed on the way, then once more with one payment damaged.
 *
 *   node --import tsx bench/prove.ts --payments 2000000
 *   node --import tsx bench/prove.ts --payments 200000 --kills 0 --database postgres://postgres@127.0.0.1:5432/postgres
 */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openDatabase } from '../src/db/connection/open.js';
import { migrateDatabase } from '../src/db/migrations/migrate.js';
import { idOf } from './program/generated-day.js';
import { tableSizes } from './program/table-sizes.js';

const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '2000000' },
    kills: { type: 'string', default: '3' },
    database: { type: 'string', default: 'postgres://postgres:postgres@127.0.0.1:5432/postgres' },
  },
});
const payments = Number(values.payments);
const name = `bench_prove_${process.pid}`;
const own = new URL(values.database);
own.pathname = `/${name}`;
const options = { connectionsMax: 2, applicationName: 'bench prove' };

interface Told {
  readonly stripe: number;
  readonly ledger: number;
  readonly postings: number;
  readonly isComparing: boolean;
  readonly state?: string;
  readonly count?: number;
  readonly hash?: string;
  readonly equal?: boolean;
  readonly findings?: readonly string[];
  readonly memoryBefore?: number;
  readonly memoryMost?: number;
}

/** When a process is killed, in this order: half of Stripe's list read, half of the ledger's, and while pieces are compared. */
const KILLS: readonly ((told: Told) => boolean)[] = [
  ({ stripe }) => stripe > payments / 200,
  ({ ledger }) => ledger > payments / 200,
  ({ isComparing }) => isComparing,
];

const server = await openDatabase({ kind: 'url', url: values.database }, options);
await server.sql.unsafe(`create database ${name}`);
try {
  const database = await openDatabase({ kind: 'url', url: own.href }, options);
  await migrateDatabase(database);
  console.log(`machine   ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
  const kills = KILLS.slice(0, Number(values.kills));
  await measure(`killed ${kills.length} times`, -1, kills);
  await measure('one payment damaged', Math.floor(payments / 3), []);
  await database.close();

  async function measure(what: string, damaged: number, kill: readonly ((told: Told) => boolean)[]): Promise<void> {
    const begun = performance.now();
    let largest = 0;
    const watching = setInterval(async () => {
      const staged = (await tableSizes(database.sql)).filter((table) => table.name.startsWith('staged_'));
      largest = Math.max(
        largest,
        staged.reduce((sum, { megabytes }) => sum + megabytes, 0),
      );
    }, 2_000);
    const pages = { stripe: 0, ledger: 0, postings: 0 };
    let last: Told | null = null;
    for (const isOver of [...kill, () => false]) {
      last = await prove(damaged, isOver);
      for (const of of ['stripe', 'ledger', 'postings'] as const) pages[of] += last?.[of] ?? 0;
    }
    clearInterval(watching);
    const seconds = (performance.now() - begun) / 1_000;
    if (last?.state === undefined) throw new Error('the last process told no certificate');
    const { state, count, equal, hash, findings = [], memoryBefore = 0, memoryMost = 0 } = last;
    console.log(`\n${what}: ${payments.toLocaleString('en')} payments in ${seconds.toFixed(0)} s`);
    console.log(
      `state     ${state}, ${count} payments, hashes ${equal ? 'equal' : 'different'} (${hash?.slice(0, 12)}…)`,
    );
    console.log(`findings  ${findings.join(', ') || 'none'}${damaged < 0 ? '' : `; damaged was ${idOf(damaged)}`}`);
    console.log(`memory    ${megabytes(memoryMost)} MB at most, ${megabytes(memoryBefore)} MB before the proof`);
    console.log(`database  ${largest.toFixed(0)} MB in staged_days and staged_items at most`);
    console.log(`pages     ${JSON.stringify(pages)}, needed ${JSON.stringify(needed())}`);
  }
} finally {
  await server.sql.unsafe(`drop database ${name} with (force)`);
  await server.close();
}

/** Pages of one listing; of the ledger's parts the last ones are not full, and those outside of the day are empty. */
function needed() {
  const [vendors, postings] = [Math.ceil(payments / 100), Math.ceil(payments / 2_000)];
  return { stripe: vendors, ledger: `${vendors} to ${vendors + 11}`, postings };
}

/** @returns what it told last */
async function prove(damaged: number, isOver: (told: Told) => boolean): Promise<Told | null> {
  const words = ['--import', 'tsx', 'bench/program/proving-process.ts', own.href, String(payments), String(damaged)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let last: Told | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line);
    if (last !== null && isOver(last)) child.kill('SIGKILL');
  }
  return last;
}

function megabytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}
