/**
 * Measures the whole job against the stand-ins: real worker process, real database, HTTP over loopback. Prints numbers
 * with settings and machine; asserts nothing, because a shared machine's speed is not a property of the code.
 *
 *   npm run bench                                  one run: 10,000 intents on the embedded home
 *   npm run bench -- --intents 10000,200000        several sizes, to compare memory
 *   npm run bench -- --database-url … --redis-url …
 *   npm run bench -- --reads-only --bare 8 …       posts nothing, and reads with a bare loop of 8 chains before
 *   npm run bench -- --newest-tenth 0.9 …          nine of ten payments in the last tenth of the time
 *   npm run bench -- --history-seconds 10 --newest-tenth 0.98 …   nearly all payments in one second
 *   npm run bench -- --profile <folder> …          a profile of the worker's processor time
 *   npm run bench -- --workers 4 --kill 1 …        so many processes, of which some are killed on the way
 *   npm run bench -- --stripe-rate 0 …             no limit of the stand-in, and none that is kept
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type JobFigures, type JobSettings, measureJob } from './program/measure-job.js';

const { values } = parseArgs({
  options: {
    intents: { type: 'string', default: '10000' },
    'stripe-latency': { type: 'string', default: '0' },
    'blnk-latency': { type: 'string', default: '0' },
    'blnk-item': { type: 'string', default: '0' },
    'stripe-rate': { type: 'string', default: '25' },
    'newest-tenth': { type: 'string' },
    'history-seconds': { type: 'string', default: String(25 * 86_400) },
    bare: { type: 'string' },
    profile: { type: 'string' },
    workers: { type: 'string', default: '1' },
    kill: { type: 'string', default: '0' },
    'reads-only': { type: 'boolean', default: false },
    'database-url': { type: 'string' },
    'redis-url': { type: 'string' },
  },
});

const home =
  values['redis-url'] !== undefined ? 'postgres+redis' : values['database-url'] !== undefined ? 'postgres' : 'embedded';
const cpu = cpus()[0]?.model ?? 'unknown processor';
console.log(`machine   ${cpus().length} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
console.log(`home      ${home}; both stand-ins on the same machine, one process each`);
const rate = Number(values['stripe-rate']);
console.log(
  `settings  STRIPE_SHARE=1, ${rate === 0 ? 'no limit' : `${rate} requests/s, so ${rate * 100} intents/s at most`}; ${
    values['reads-only'] ? 'nothing is posted' : 'chunks of 100, 2 in flight a lane'
  }`,
);
console.log(`latency   Stripe ${values['stripe-latency']} ms, Blnk ${values['blnk-latency']} ms\n`);
console.log(
  'intents   payments  collected  intents/s   bare/s  share  whole job   per second  rss start  rss peak   rss end  Stripe req.  worker µs  page faults  PostgreSQL µs',
);
for (const intents of values.intents.split(',').map(Number)) {
  const settings: JobSettings = {
    intents,
    historySeconds: Number(values['history-seconds']),
    stripeLatencyMs: Number(values['stripe-latency']),
    blnkLatencyMs: Number(values['blnk-latency']),
    blnkItemMs: Number(values['blnk-item']),
    endpointPerSecond: rate === 0 ? null : rate,
    newestTenth: values['newest-tenth'] === undefined ? null : Number(values['newest-tenth']),
    bareChains: values.bare === undefined ? null : Number(values.bare),
    posts: !values['reads-only'],
    workers: Number(values.workers),
    kills: Number(values.kill),
    profileTo: values.profile ?? null,
    variables: { STRIPE_RATE_LIMIT: rate === 0 ? '10000' : String(rate) },
    databaseUrl: values['database-url'] ?? null,
    redisUrl: values['redis-url'] ?? null,
  };
  console.log(row(intents, await measureJob(settings)));
}

function row(intents: number, figures: JobFigures): string {
  const { payments, collectedMs, settledMs, requests, rssStart, rssPeak, rssEnd, serverCpuMs, bare } = figures;
  const bareRate = bare === null ? null : bare.intents / bare.ms;
  const cells: Array<[string, number]> = [
    [intents.toLocaleString('en'), 9],
    [payments.toLocaleString('en'), 9],
    [`${(collectedMs / 1_000).toFixed(1)} s`, 10],
    [count((intents / collectedMs) * 1_000), 10],
    [bareRate === null ? '–' : count(bareRate * 1_000), 8],
    [bareRate === null ? '–' : (intents / collectedMs / bareRate).toFixed(2), 6],
    [`${(settledMs / 1_000).toFixed(1)} s`, 10],
    [count((payments / settledMs) * 1_000), 12],
    [`${rssStart} MB`, 10],
    [`${rssPeak} MB`, 9],
    [`${rssEnd} MB`, 9],
    [String(requests), 12],
    [String(Math.round((figures.cpuMs * 1_000) / intents)), 10],
    [(figures.pageFaults / intents).toFixed(1), 12],
    [serverCpuMs === null ? '–' : String(Math.round((serverCpuMs * 1_000) / intents)), 14],
  ];
  return cells.map(([text, width], index) => (index === 0 ? text.padEnd(width) : text.padStart(width))).join(' ');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
