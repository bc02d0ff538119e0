/**
 * What people ask, on a mirror as years leave it: fills a database of its own, and times each reading statement and each whole
 * question.
 *
 *   node --import tsx bench/reads.ts --database-url postgres://… --postings 1000000 --runs 100000
 */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { questionsOf } from '../test/support/reading-questions.js';
import { openLargeMirror, readLargeMirrorOptions } from './program/large-mirror-home.js';

const { server, size, asked, keep } = readLargeMirrorOptions();
const home = await openLargeMirror({ server, size });

const timed = postgres(home.url, { max: 1, onnotice: () => {} });
const logged: { readonly query: string; readonly params: unknown[] }[] = [];
const db = drizzle(timed, { logger: { logQuery: (query, params) => logged.push({ query, params }) } });
for (const [question, ask] of Object.entries(questionsOf(db, timed, size))) {
  const whole: number[] = [];
  for (let turn = 0; turn < asked; turn += 1) {
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
await home.close(keep);
