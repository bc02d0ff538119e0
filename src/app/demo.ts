/**
 * The demonstration: both stand-ins, a real worker on the embedded home, a run, a second run, a comparison of both
 * sides, and a proof of two days. Needs no account, no service and no internet. The only part of the software that knows the stand-ins.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  demoComparison,
  demoFirstRun,
  demoIntroduction,
  demoProof,
  demoSecondRun,
  demoStaysUp,
  type LedgerCheck,
} from '../cli/demo-text.js';
import type { CommandContext, CommandOutput } from '../cli/ports.js';
import { createProgressView } from '../cli/progress.js';
import { readWorkerConfig, VARIABLES, type WorkerConfig } from '../config.js';
import type { Feed } from '../core/sync-run.js';
import type { RunRecord } from '../db/reads/runs.js';
import { openCommandContext } from './command-context.js';
import type { AppEnvironment } from './command-environment.js';
import { proveDemoDays } from './demo-proof.js';
import { runWorker } from './run-worker.js';

export interface DemoOptions {
  /** Leave when it is over; else everything stays up until a signal. */
  readonly once: boolean;
  /** PaymentIntents in the stand-in for Stripe. */
  readonly payments: number;
}

/** A run that has not settled by then is a defect; a slow machine needs seconds. */
const RUN_TIMEOUT_MS = 5 * 60_000;
const LOOK_EVERY_MS = 100;
const NEW_PAYMENT_EVERY_MS = 3_000;

type StandIns = Awaited<ReturnType<typeof startStandIns>>;

/**
 * @returns 0 when Stripe's and the ledger's sides are equal, 1 when not. Throws when it cannot start. A signal before
 * the comparison ends it with 0, or with 1 where `once` asks for a verdict, because there is none.
 */
export async function runDemo(environment: AppEnvironment, options: DemoOptions): Promise<0 | 1> {
  const say = (lines: readonly string[]): void => {
    for (const line of lines) environment.output.print(line);
  };
  say(demoIntroduction(options.payments));
  const dataDir = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-demo-'));
  const standIns = await startStandIns(options.payments);
  const leaving = new AbortController();
  const stopped = (): 0 | 1 => {
    say(['Stopped.']);
    return options.once ? 1 : 0;
  };
  try {
    const variables = demoVariables(standIns, dataDir);
    // Through the same door as a user's variables.
    const config = readWorkerConfig(variables);
    const log = environment.log('warn');
    const signal = AbortSignal.any([environment.signal, leaving.signal]);
    const worker = runWorker(config, { log, adopt: false, signal, whenUnreachable: 'temporary' });
    const show = showRuns({ environment, config, standIns, say, signal });
    try {
      const equal = await Promise.race([show, worker.then(() => null)]);
      if (equal === null) return environment.signal.aborted ? stopped() : 1;
      if (!options.once) await stayUp({ environment, standIns, variables, say });
      return equal ? 0 : 1;
    } catch (error) {
      if (!environment.signal.aborted) throw error;
      return stopped();
    } finally {
      leaving.abort();
      // Nothing may ask the database or the stand-ins any more when they go. What it throws, the race has told.
      await Promise.allSettled([show]);
      await worker;
    }
  } finally {
    await standIns.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Imported when it runs: a production process never loads the stand-ins. */
async function startStandIns(size: number) {
  const { startStripeSandbox } = await import('../../sandbox/stripe/sandbox.js');
  const { startBlnkSandbox } = await import('../../sandbox/blnk/sandbox.js');
  const now = Date.now();
  const from = new Date(now - 29 * 86_400_000);
  const stripe = await startStripeSandbox({ population: { size, from, to: new Date(now) }, latencyMs: 20 });
  const blnk = await startBlnkSandbox({ latencyMs: 10 });
  return {
    stripe,
    blnk,
    close: async () => {
      await stripe.close();
      await blnk.close();
    },
  };
}

/** With these every command works on what the demonstration made. */
function demoVariables({ stripe, blnk }: StandIns, dataDir: string): Readonly<Record<string, string>> {
  return {
    STRIPE_API_KEY: stripe.apiKey,
    STRIPE_API_BASE: stripe.url,
    STRIPE_SHARE: '1',
    BLNK_API_KEY: blnk.cloudToken,
    BLNK_API_BASE: blnk.url,
    BLNK_INSTANCE_ID: blnk.instanceId,
    DATA_DIR: dataDir,
    SYNC_EVERY: '5s',
    LOG_LEVEL: 'warn',
  };
}

interface Showing {
  readonly environment: AppEnvironment;
  readonly config: WorkerConfig;
  readonly standIns: StandIns;
  say(lines: readonly string[]): void;
  /** Ends the showing: it throws at the next look. */
  readonly signal: AbortSignal;
}

/** @returns whether both sides are equal in the end */
async function showRuns({ environment, config, standIns, say, signal }: Showing): Promise<boolean> {
  const context = await openWhenReady({ environment, config, signal });
  const follow = (findRun: FindRun) => followToEnd(context, { output: environment.output, signal, findRun });
  try {
    const firstOf = (feed: Feed) => () => context.reads.firstRunAfter({ feed, startedAfter: new Date(0) });
    const first = await follow(firstOf('payment_intents'));
    await follow(firstOf('events'));
    say(demoFirstRun(first, await context.reads.status(), environment.output.columns));
    const again = await context.requests.backfill({ from: first.windowFrom, to: first.windowTo ?? new Date() });
    say(demoSecondRun(await follow(async () => again)));
    const check = compare(standIns);
    say(demoComparison(check));
    const payments = [...standIns.stripe.expected()].flatMap(({ created, succeeded, expected }) => {
      return succeeded === null ? [] : [{ created, isParked: expected.outcome === 'parked' }];
    });
    const certificates = await proveDemoDays(config, { payments, log: environment.log('warn'), signal });
    say(demoProof(certificates, environment.output.columns));
    return check.differences.length === 0 && certificates.every(({ state }) => state !== 'broken');
  } finally {
    await context.close();
  }
}

/** The worker creates the database; a moment later a command can join it. */
async function openWhenReady({
  environment,
  config,
  signal,
}: Pick<Showing, 'environment' | 'config' | 'signal'>): Promise<CommandContext> {
  const deadline = Date.now() + RUN_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const context = await openCommandContext(config, environment.log('silent'));
      if ((await context.reads.livingWorkers()).length > 0) return context;
      await context.close();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

type FindRun = () => Promise<string | null>;

interface Following {
  readonly output: CommandOutput;
  readonly signal: AbortSignal;
  readonly findRun: FindRun;
}

async function followToEnd({ reads }: CommandContext, { output, signal, findRun }: Following): Promise<RunRecord> {
  const view = createProgressView(output);
  const deadline = Date.now() + RUN_TIMEOUT_MS;
  try {
    while (Date.now() < deadline) {
      signal.throwIfAborted();
      const runId = await findRun();
      const progress = runId === null ? null : await reads.progress(runId);
      if (runId !== null && progress !== null && progress.stored > 0) view.update(progress);
      if (runId !== null && progress !== null && progress.status !== 'collecting' && progress.status !== 'posting') {
        const answer = await reads.run(runId);
        if (answer.kind === 'found') return answer.run;
      }
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    view.stop();
  }
  throw new Error('The run did not settle; what stopped it stands above');
}

/** Both sides as they are, without asking the database of the mirror: a proof must not come from what it proves. */
function compare({ stripe, blnk }: StandIns): LedgerCheck {
  const differences: string[] = [];
  const unexplained = new Map<string, { readonly amount: bigint; readonly currency: string }>();
  const currencies = new Set<string>();
  for (const row of blnk.transactions()) {
    if (unexplained.has(row.reference)) differences.push(`${row.reference} is in the ledger twice`);
    if (row.status !== 'APPLIED') differences.push(`${row.reference} is ${row.status}`);
    unexplained.set(row.reference, { amount: BigInt(row.precise_amount), currency: row.currency });
  }
  const ledgerCount = unexplained.size;
  let stripeCount = 0;
  for (const { id, expected } of stripe.expected()) {
    if (expected.outcome !== 'posted') continue;
    stripeCount += 1;
    currencies.add(expected.currency);
    const held = unexplained.get(id);
    unexplained.delete(id);
    if (held === undefined) differences.push(`${id} is missing in the ledger`);
    else if (held.amount !== BigInt(expected.amount) || held.currency !== expected.currency) {
      differences.push(
        `${id} is ${held.amount} ${held.currency} in the ledger, ${expected.amount} ${expected.currency} in Stripe`,
      );
    }
  }
  for (const reference of unexplained.keys()) differences.push(`${reference} is in the ledger but not in Stripe`);
  return { stripeCount, ledgerCount, differences, currencies: currencies.size };
}

async function stayUp({
  environment,
  standIns,
  variables,
  say,
}: Pick<Showing, 'environment' | 'standIns' | 'say'> & {
  readonly variables: Readonly<Record<string, string>>;
}): Promise<void> {
  const command = environment.variables().npm_lifecycle_event === 'demo' ? 'npm run -s cli --' : 'npx stripe-blnk-sync';
  const given = environment.variables();
  const names = VARIABLES.flatMap((name) => [name, `${name}_FILE`]);
  // What is set here is likely to be set in the other terminal as well.
  const others = names.filter((name) => given[name] !== undefined && given[name] !== '' && !(name in variables));
  const blank = Object.fromEntries(others.map((name) => [name, '']));
  say(
    demoStaysUp({
      stripe: standIns.stripe.url,
      blnk: standIns.blnk.url,
      variables: { ...variables, ...blank },
      command,
    }),
  );
  while (!environment.signal.aborted) {
    standIns.stripe.succeed(standIns.stripe.createIntent({}));
    await sleep(NEW_PAYMENT_EVERY_MS, undefined, { signal: environment.signal }).catch((error: unknown) => {
      if (!environment.signal.aborted) throw error;
    });
  }
}
