/**
 * How long a payment takes from its success at Stripe until the ledger has it, while some come in every second; and what a mirror
 * costs in which nothing happens. A real worker on a database that is named; both stand-ins in this process.
 *
 *   node --import tsx bench/freshness.ts --database-url …
 *   node --import tsx bench/freshness.ts --database-url … --seconds 120 --rate 5 --sync-every 5s --idle-seconds 120
 *   node --import tsx bench/freshness.ts --database-url … --sync-every 60s --webhook --forged-a-minute 10000
 *
 * With `--webhook` the worker is told of each success, as Stripe does; forged ones come meanwhile, after as long without them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBlnkSandbox } from '../sandbox/blnk/sandbox.js';
import { startStripeSandbox } from '../sandbox/stripe/sandbox.js';
import { openHome } from '../src/app/home.js';
import { readHomeConfig } from '../src/config/config.js';
import { createLog } from '../src/observability/log.js';
import { freePort } from '../test/support/free-port.js';
import { cpuMs, migrate, residentMb, start } from './program/measured-process.js';
import { serverCpuMs } from './program/server-cpu.js';
import { startFlood, tellOfSuccess } from './program/webhooks.js';
import { stop } from './program/worker-process.js';

const { values } = parseArgs({
  options: {
    'database-url': { type: 'string' },
    'redis-url': { type: 'string' },
    seconds: { type: 'string', default: '120' },
    rate: { type: 'string', default: '5' },
    'sync-every': { type: 'string', default: '5s' },
    'idle-seconds': { type: 'string', default: '120' },
    'stripe-latency': { type: 'string', default: '100' },
    'blnk-latency': { type: 'string', default: '40' },
    webhook: { type: 'boolean', default: false },
    'forged-a-minute': { type: 'string', default: '0' },
  },
});
const { 'database-url': databaseUrl } = values;
if (databaseUrl === undefined) throw new Error('--database-url names an empty database');

const stripe = await startStripeSandbox({ latencyMs: Number(values['stripe-latency']) });
const blnk = await startBlnkSandbox({ latencyMs: Number(values['blnk-latency']) });
const port = values.webhook ? await freePort() : null;
const webhook = { url: `http://127.0.0.1:${port}`, secret: 'whsec_of_the_bench' };
const variables = {
  STRIPE_API_KEY: stripe.apiKey,
  ...(port === null ? { HTTP_PORT: 'off' } : { HTTP_PORT: String(port), STRIPE_WEBHOOK_SECRET: webhook.secret }),
  STRIPE_API_BASE: stripe.url,
  BLNK_API_KEY: blnk.cloudToken,
  BLNK_API_BASE: blnk.url,
  BLNK_INSTANCE_ID: blnk.instanceId,
  SYNC_EVERY: values['sync-every'],
  LOG_LEVEL: 'warn',
  DATABASE_URL: databaseUrl,
  ...(values['redis-url'] === undefined
    ? {}
    : { REDIS_URL: values['redis-url'], QUEUE_PREFIX: `bench-${process.pid}` }),
};
await migrate(variables);
const home = await openHome(readHomeConfig(variables), { log: createLog({ level: 'silent' }), role: 'command' });
const { sql } = home.database;
const worker = await start('src/main.ts', ['worker'], variables);
try {
  // The first sync has ended: what is paid from now on is read as events.
  while ((await sql`select 1 from stripe_blnk_sync.sync_runs where state <> 'collecting'`).length === 0)
    await sleep(200);
  console.log(await measure());
  if (Number(values['forged-a-minute']) > 0) console.log(await measureFlooded(Number(values['forged-a-minute'])));
  console.log(await measureIdle(Number(values['idle-seconds'])));
} finally {
  await stop(worker);
  await home.close();
  await Promise.all([stripe.close(), blnk.close()]);
}

async function measure(): Promise<string> {
  const [beganAtMs, beganCpuMs] = [performance.now(), cpuMs(worker)];
  const waits = await payAndWait(Number(values.seconds), Number(values.rate));
  const share = (cpuMs(worker) - beganCpuMs) / (performance.now() - beganAtMs);
  return `${describeWaits(waits)}; the worker took ${(share * 100).toFixed(1)}% of a core`;
}

async function measureFlooded(perMinute: number): Promise<string> {
  const flood = startFlood(webhook, perMinute);
  const measured = await measure();
  const answered = [...(await flood.end())].map(([status, count]) => `${count} with ${status}`).join(', ');
  return `with forged webhooks, answered ${answered}: ${measured}`;
}

/** @returns milliseconds from each success until the ledger was seen to hold it */
async function payAndWait(seconds: number, rate: number): Promise<number[]> {
  const paidAtMs = new Map<string, number>();
  const waits: number[] = [];
  const endMs = performance.now() + seconds * 1_000;
  let nextMs = performance.now();
  while (performance.now() < endMs || paidAtMs.size > 0) {
    const nowMs = performance.now();
    if (nowMs < endMs && nowMs >= nextMs) {
      const at = stripe.clock.now();
      const id = stripe.createIntent({ created: at, amount: 1_234, moves: [{ move: 'succeed', at }] });
      paidAtMs.set(id, nowMs);
      if (values.webhook) void tellOfSuccess(webhook, id);
      nextMs += (2 * Math.random() * 1_000) / rate;
    }
    for (const [id, sinceMs] of paidAtMs) {
      if (blnk.appliedByReference(id) === undefined) continue;
      waits.push(nowMs - sinceMs);
      paidAtMs.delete(id);
    }
    await sleep(10);
  }
  return waits;
}

function describeWaits(waits: readonly number[]): string {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (part: number) => `${((sorted[Math.ceil(part * sorted.length) - 1] ?? 0) / 1_000).toFixed(1)} s`;
  return `${sorted.length} payments, from success to the ledger: half within ${at(0.5)}, 99 of 100 within ${at(0.99)}, all within ${at(1)}`;
}

async function measureIdle(seconds: number): Promise<string> {
  const look = async () => {
    const [row] = await sql<{ n: string }[]>`
      select (xact_commit + xact_rollback)::text as n from pg_stat_database where datname = current_database()`;
    const requests = Object.values(stripe.journal.requests).reduce((sum, count) => sum + count, 0);
    return {
      requests,
      statements: Number(row?.n ?? 0),
      workerMs: cpuMs(worker),
      serverMs: (await serverCpuMs(sql)) ?? 0,
    };
  };
  // What the last payments leave to do is done.
  await sleep(20_000);
  const before = await look();
  await sleep(seconds * 1_000);
  const after = await look();
  const each = (what: keyof typeof before, inSeconds: number) =>
    Math.round(((after[what] - before[what]) / seconds) * inSeconds);
  return (
    `idle: ${each('requests', 86_400)} requests to Stripe a day, ${each('statements', 60)} transactions of PostgreSQL a minute, ` +
    `processor seconds an hour: ${Math.round(each('workerMs', 3_600) / 1_000)} of the worker, ` +
    `${Math.round(each('serverMs', 3_600) / 1_000)} of PostgreSQL; ${residentMb(worker)} MB`
  );
}
