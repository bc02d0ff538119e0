// `npm run sandbox:blnk`: the stand-in by itself, until SIGINT or SIGTERM. Prints where it listens and the keys to use.

import { Command } from 'commander';
import { closeWhenTold, environmentLines, orPortTaken, wholeNumber } from '../listening.js';
import { type BlnkSandbox, startBlnkSandbox } from './sandbox.js';

interface CliOptions {
  readonly port: number;
  readonly host: string;
  readonly latency: number;
  readonly coreKey: string;
  readonly cloudToken: string;
  readonly instance: string;
  readonly item: number;
}

const options = new Command('sandbox:blnk')
  .description('a stand-in for Blnk Core 0.15.2 and for its Cloud with an empty ledger')
  .option('--port <number>', 'port to listen on, 0 for any free one', wholeNumber, 12112)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--latency <ms>', 'time before each answer', wholeNumber, 0)
  .option('--core-key <key>', "Core's X-Blnk-Key", 'test-master-key')
  .option('--cloud-token <token>', "the Cloud's Bearer token", 'blnk_test_key')
  .option('--instance <id>', "the Cloud's instance_id", 'inst_test')
  .option('--item <ms>', 'how long every posted transaction holds its locks', wholeNumber, 0)
  .parse()
  .opts<CliOptions>();

const sandbox = await orPortTaken(start(options), { port: options.port, command: 'sandbox:blnk' });
const { url, coreKey, cloudToken, instanceId } = sandbox;
process.stdout.write(
  `Blnk sandbox on ${url}\n` +
    `  as Core       X-Blnk-Key: ${coreKey}\n` +
    `  as the Cloud  Authorization: Bearer ${cloudToken}, instance_id=${instanceId}\n` +
    '\nFor .env, as the Cloud:\n' +
    environmentLines({ BLNK_API_KEY: cloudToken, BLNK_INSTANCE_ID: instanceId, BLNK_API_BASE: url }) +
    '\nor as a self-hosted Core:\n' +
    environmentLines({ BLNK_API_STYLE: 'core', BLNK_API_KEY: coreKey, BLNK_API_BASE: url }) +
    `\nRows, faults, damage, time: ${url}/_sandbox/…\nSee docs/engineering/sandboxes.md\n`,
);
closeWhenTold(sandbox);

function start(asked: CliOptions): Promise<BlnkSandbox> {
  return startBlnkSandbox({
    port: asked.port,
    host: asked.host,
    latencyMs: asked.latency,
    coreKey: asked.coreKey,
    cloudToken: asked.cloudToken,
    instanceId: asked.instance,
    itemMs: asked.item,
  });
}
