/**
 * What the demonstration runs: both stand-ins, a real worker as a process of its own on the embedded home, and the story that is told with
 * them. Needs no account, no service and no internet.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../../cli/ports.js';
import { readWorkerConfig, type WorkerConfig } from '../../config/config.js';
import { commandLine } from '../../core/base/own-command.js';
import { demoStaysUp } from '../../views/demo-text.js';
import { openCommandContext } from '../commands/command-context.js';
import type { AppEnvironment } from '../commands/command-environment.js';
import { exportedVariables } from './exported-variables.js';
import { createNarration, type Narration } from './narration.js';
import { tellDemoStory } from './story.js';
import { type DemoVendors, startDemoVendors } from './vendors.js';
import { type DemoWorker, startDemoWorker } from './worker.js';

export interface DemoOptions {
  /** Leave when it is over; else everything stays up until a signal. */
  readonly once: boolean;
  /** PaymentIntents in the stand-in for Stripe. */
  readonly payments: number;
}

const NEW_PAYMENT_EVERY_MS = 3_000;
/** What output that is not a terminal is written for. */
const COLUMNS = 80;

/**
 * @returns 0 when Stripe's and the ledger's sides are equal and every day is sealed, 1 when not. Throws when it cannot start. A
 * signal before the end of the story ends it with 0, or with 1 where `once` requires a verdict, because there is none.
 */
export async function runDemoShop(environment: AppEnvironment, options: DemoOptions): Promise<0 | 1> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([environment.signal, leaving.signal]);
  const narration = createNarration((line) => environment.output.print(line), signal);
  const dataDir = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-demo-'));
  const vendors = await startDemoVendors(options.payments);
  const variables = demoVariables(vendors, { dataDir, port: await freePort() });
  const workers: DemoWorker[] = [];
  const startWorker = (): void => {
    const worker = startDemoWorker(variables);
    workers.push(worker);
    worker.failed.catch((error: unknown) => leaving.abort(error));
  };
  try {
    startWorker();
    // Through the same door as a user's variables.
    const config = readWorkerConfig(variables);
    const context = await openWhenReady({ environment, config, narration, signal });
    try {
      const isWell = await tellDemoStory({
        ...{ config, context, vendors, narration, signal, startWorker },
        columns: environment.output.columns || COLUMNS,
        log: await environment.log('error'),
        userName: environment.userName,
        killWorker: async () => workers.at(-1)?.kill(),
      });
      if (!options.once) await stayUp({ environment, vendors, variables, signal });
      return isWell ? 0 : 1;
    } finally {
      await context.close();
    }
  } catch (error) {
    // A terminal's Ctrl-C reaches the worker too, whose end is no fault then.
    if (!environment.signal.aborted) throw leaving.signal.aborted ? leaving.signal.reason : error;
    narration.say(['Stopped.']);
    return options.once ? 1 : 0;
  } finally {
    // Nothing may ask the database or the stand-ins any more when they go.
    await Promise.all(workers.map((worker) => worker.stop()));
    await vendors.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** With these every command works on what the demonstration made. */
function demoVariables(
  { stripe, blnk }: DemoVendors,
  { dataDir, port }: { readonly dataDir: string; readonly port: number },
): Readonly<Record<string, string>> {
  return {
    STRIPE_API_KEY: stripe.apiKey,
    STRIPE_API_BASE: stripe.url,
    STRIPE_SHARE: '1',
    BLNK_API_KEY: blnk.cloudToken,
    BLNK_API_BASE: blnk.url,
    BLNK_INSTANCE_ID: blnk.instanceId,
    DATA_DIR: dataDir,
    HTTP_PORT: String(port),
    SYNC_EVERY: '5s',
    LOG_LEVEL: 'warn',
  };
}

/** Its pages are beside whatever runs on this machine already, a worker of the reader's included. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

interface Opening {
  readonly environment: AppEnvironment;
  readonly config: WorkerConfig;
  readonly narration: Narration;
  readonly signal: AbortSignal;
}

/** The worker creates the database; a moment later a command can join it. */
async function openWhenReady({ environment, config, narration, signal }: Opening): Promise<CommandContext> {
  let opened = null as CommandContext | null;
  let last: unknown = 'nothing was tried';
  try {
    return await narration.until(
      async () => {
        opened ??= await openCommandContext(config, {
          log: await environment.log('silent'),
          userName: environment.userName,
        }).catch((error: unknown) => {
          last = error;
          return null;
        });
        return (await opened?.reads.livingWorkers())?.length ? opened : null;
      },
      () => 'a private PostgreSQL is made, and the worker starts',
    );
  } catch (error) {
    await opened?.close();
    if (!signal.aborted && opened === null) throw last;
    throw error;
  }
}

interface StayingUp extends Pick<Opening, 'environment' | 'signal'> {
  readonly vendors: DemoVendors;
  readonly variables: Readonly<Record<string, string>>;
}

async function stayUp({ environment, vendors, variables, signal }: StayingUp): Promise<void> {
  const { stripe, blnk } = vendors;
  const lines = demoStaysUp({
    pages: `http://127.0.0.1:${variables.HTTP_PORT}`,
    ...{ stripe: stripe.url, blnk: blnk.url, variables: exportedVariables(variables, environment.variables()) },
    command: commandLine('').trimEnd(),
  });
  // To be pasted: broken into lines the first half would be a command of its own.
  for (const line of lines) environment.output.printData(line);
  while (!environment.signal.aborted) {
    signal.throwIfAborted();
    stripe.succeed(stripe.createIntent({ kind: 'shop_eur' }));
    await sleep(NEW_PAYMENT_EVERY_MS, undefined, { signal }).catch((error: unknown) => {
      if (!environment.signal.aborted) throw error;
    });
  }
}
