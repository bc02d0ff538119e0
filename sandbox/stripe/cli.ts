// `npm run sandbox:stripe`: the stand-in by itself, until SIGINT or SIGTERM. Prints where it listens and the key to use.

import { Command, InvalidArgumentError } from 'commander';
import { SandboxClock } from '../clock.js';
import { closeWhenTold, environmentLines, orPortTaken, wholeNumber } from '../listening.js';
import { SHOP_KINDS } from './kinds/shop.js';
import { type StripeSandbox, startStripeSandbox } from './sandbox.js';

interface CliOptions {
  readonly port: number;
  readonly host: string;
  readonly intents: number;
  readonly days: number;
  readonly seed: number;
  readonly latency: number;
  readonly key: string;
  readonly account: string;
  readonly limits: boolean;
  readonly ordinary: boolean;
  readonly now?: Date;
}

const options = new Command('sandbox:stripe')
  .description('a stand-in for the Stripe API with a history of payments of every kind')
  .option('--port <number>', 'port to listen on, 0 for any free one', wholeNumber, 12111)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--intents <number>', 'PaymentIntents in the history', wholeNumber, 5000)
  .option('--days <number>', 'days that the history covers, up to now', wholeNumber, 30)
  .option('--seed <number>', 'another seed gives another history', wholeNumber, 1)
  .option('--latency <ms>', 'time before each answer', wholeNumber, 0)
  .option('--key <key>', 'the secret key', 'sk_test_sandbox')
  .option('--account <id>', 'the account', 'acct_sandbox')
  .option('--ordinary', 'only what an ordinary shop takes: every payment can be mirrored, none is hostile', false)
  .option('--limits', "Stripe's rate limits of a test account: 25 requests a second", false)
  .option('--now <date>', 'where the clock starts, ISO 8601 (default: now)', isoDate)
  .parse()
  .opts<CliOptions>();

const sandbox = await orPortTaken(start(options), { port: options.port, command: 'sandbox:stripe' });
process.stdout.write(
  `Stripe sandbox on ${sandbox.url}\n` +
    `  key      ${sandbox.apiKey}\n` +
    `  account  ${sandbox.account}\n` +
    `  history  ${options.intents} PaymentIntents ${options.ordinary ? 'of an ordinary shop ' : ''}over ${options.days} days, seed ${options.seed}\n` +
    '\nFor .env:\n' +
    environmentLines({ STRIPE_API_KEY: sandbox.apiKey, STRIPE_API_BASE: sandbox.url }) +
    `\nNew payments, faults, time: ${sandbox.url}/_sandbox/…\nSee docs/engineering/sandboxes.md\n`,
);
closeWhenTold(sandbox);

function start(asked: CliOptions): Promise<StripeSandbox> {
  const clock = SandboxClock.running(asked.now);
  const to = clock.now();
  const from = new Date(to.getTime() - asked.days * 86_400_000);
  const population = { size: asked.intents, from, to, ...(asked.ordinary ? { kinds: SHOP_KINDS } : {}) };
  return startStripeSandbox({
    port: asked.port,
    host: asked.host,
    apiKey: asked.key,
    account: asked.account,
    seed: asked.seed,
    latencyMs: asked.latency,
    clock,
    ...(asked.limits ? { limits: { globalPerSecond: 25, endpointPerSecond: 25 } } : {}),
    ...(asked.intents > 0 ? { population } : {}),
  });
}

function isoDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('a date as 2026-01-31T00:00:00Z is needed');
  return date;
}
