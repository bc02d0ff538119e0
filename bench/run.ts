/**
 * Measures the whole job against the stand-ins: real worker process, real database, HTTP over loopback. Prints numbers
 * with settings and machine; asserts nothing, because a shared machine's speed is not a property of the code.
 *
 *   npm run bench                                  one run: 10,000 intents on the embedded home
 *   npm run bench -- --intents 10000,200000        several sizes, to compare memory
 *   npm run bench -- --database-url … --redis-url …
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type JobFigures, type JobSettings, measureJob } from './program/measure-job.js';

const { values } = parseArgs({
  options: {
    intents: { type: 'string', default: '10000' },
    'stripe-latency': { type: 'string', default: '0' },
    'blnk-latency': { type: 'string', default: '0' },
    'database-url': { type: 'string' },
    'redis-url': { type: 'string' },
  },
});

const home =
  values['redis-url'] !== undefined ? 'postgres+redis' : values['database-url'] !== undefined ? 'postgres' : 'embedded';
const cpu = cpus()[0]?.model ?? 'unknown processor';
console.log(`machine   ${cpus().length} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
console.log(`home      ${home}; both stand-ins on the same machine, one process each`);
console.log(`settings  STRIPE_SHARE=1 (25 requests/s, so 2,500 intents/s at most), chunks of 100, 2 in flight a lane`);
console.log(`latency   Stripe ${values['stripe-latency']} ms, Blnk ${values['blnk-latency']} ms\n`);
console.log(
  'intents   payments  collected     whole job     per second  rss start  rss peak   rss end  Stripe req.  cpu worker',
);
for (const intents of values.intents.split(',').map(Number)) {
  const settings: JobSettings = {
    intents,
    stripeLatencyMs: Number(values['stripe-latency']),
    blnkLatencyMs: Number(values['blnk-latency']),
    databaseUrl: values['database-url'] ?? null,
    redisUrl: values['redis-url'] ?? null,
  };
  console.log(row(intents, await measureJob(settings)));
}

function row(intents: number, figures: JobFigures): string {
  const { payments, collectedMs, settledMs, requests, rssStart, rssPeak, rssEnd, cpuMs } = figures;
  const perSecond = Math.round(payments / (settledMs / 1_000));
  const cells: Array<[string, number]> = [
    [intents.toLocaleString('en'), 9],
    [payments.toLocaleString('en'), 9],
    [`${(collectedMs / 1_000).toFixed(1)} s`, 10],
    [`${(settledMs / 1_000).toFixed(1)} s`, 13],
    [perSecond.toLocaleString('en'), 14],
    [`${rssStart} MB`, 10],
    [`${rssPeak} MB`, 9],
    [`${rssEnd} MB`, 9],
    [String(requests), 12],
    [`${(cpuMs / 1_000).toFixed(1)} s`, 11],
  ];
  return cells.map(([text, width], index) => (index === 0 ? text.padEnd(width) : text.padStart(width))).join(' ');
}
