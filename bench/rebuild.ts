/**
 * Measures a rebuild: a worker posts a history, its database is thrown away, `rebuild` makes a new one, `prove` compares
 * every day. Real processes on the embedded home; both stand-ins in this process. Prints numbers and what came out.
 *
 *   node --import tsx bench/rebuild.ts                   50,000 payments
 *   node --import tsx bench/rebuild.ts --payments 3000
 */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBlnkSandbox } from '../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../sandbox/clock.js';
import { KINDS } from '../sandbox/stripe/kinds.js';
import { startStripeSandbox } from '../sandbox/stripe/sandbox.js';
import { runCommand } from './program/worker-process.js';

const DAYS = 25;
const DAY_MS = 86_400_000;

const { values } = parseArgs({ options: { payments: { type: 'string', default: '50000' } } });
const payments = Number(values.payments);

const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const [stripe, blnk] = await Promise.all([
  startStripeSandbox({
    // The day after the history's last one, so that each of its days is over.
    clock: SandboxClock.frozen(new Date(now + 3 * 3_600_000)),
    population: {
      size: payments,
      from: new Date(now - DAYS * DAY_MS),
      to: new Date(now),
      // All of them succeed and can be posted, so that every day can be sealed.
      kinds: KINDS.filter(({ expected }) => expected.outcome === 'posted'),
    },
  }),
  startBlnkSandbox(),
]);
const folders: string[] = [];

try {
  const wanted = stripe.expectedTotals().posted;
  const lost = await variablesOf();
  const worker = startWorker(lost);
  const filled = performance.now();
  while (blnk.stats().rows < wanted) {
    if (worker.exitCode() !== null) throw new Error(`the worker left with ${worker.exitCode()}`);
    await sleep(200);
  }
  console.log(`machine   ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
  console.log(`posted    ${wanted.toLocaleString('en')} payments in ${seconds(filled)}`);
  worker.stop();
  await worker.ended;

  const before = fingerprint();
  const found = await variablesOf();
  const begun = performance.now();
  const rebuilt = await runCommand(['rebuild', '--json'], found);
  const { posted, already_there, parked, stripe_requests, blnk_requests } = JSON.parse(rebuilt.output);
  console.log(
    `rebuild   ${seconds(begun)}, exit code ${rebuilt.code}: ${posted} adopted, ${already_there} already there, parked ${JSON.stringify(parked)}`,
  );
  console.log(`requests  ${stripe_requests} to Stripe, ${blnk_requests} to Blnk`);

  const proving = performance.now();
  const days = ['--from', dayOf(now - DAYS * DAY_MS), '--to', dayOf(now - DAY_MS)];
  const proved = await runCommand(['prove', ...days, '--json'], found);
  console.log(`prove     ${seconds(proving)}, exit code ${proved.code}: ${statesOf(proved.output)}`);
  console.log(
    `ledger    ${blnk.stats().rows} rows, ${before === fingerprint() ? 'not one of them new or changed' : 'CHANGED'}`,
  );
} finally {
  await Promise.all([stripe.close(), blnk.close()]);
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

/** An embedded home of its own, which the server's user may enter. */
async function variablesOf(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-bench-'));
  folders.push(folder);
  await chmod(folder, 0o755);
  return {
    DATA_DIR: folder,
    STRIPE_API_KEY: stripe.apiKey,
    HTTP_PORT: 'off',
    STRIPE_API_BASE: stripe.url,
    STRIPE_SHARE: '1',
    BLNK_API_KEY: blnk.cloudToken,
    BLNK_API_BASE: blnk.url,
    BLNK_INSTANCE_ID: blnk.instanceId,
    LOG_LEVEL: 'warn',
  };
}

function startWorker(variables: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'worker'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return { ended, exitCode: () => child.exitCode, stop: () => child.kill('SIGTERM') };
}

function fingerprint(): string {
  return [...blnk.transactions()].map((row) => `${row.transaction_id} ${row.status} ${row.precise_amount}`).join('\n');
}

/** Certificates by state. */
function statesOf(output: string): string {
  const counts = new Map<string, number>();
  for (const [, state = ''] of output.matchAll(/"state": "(\w+)"/g)) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;
}
