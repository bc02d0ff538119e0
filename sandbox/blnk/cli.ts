// `npm run sandbox:blnk`: the Blnk sandbox on its own, until SIGINT or SIGTERM. Everything is lost when it stops.

import { Command, InvalidArgumentError } from 'commander';
import { environmentLines, orPortTaken } from '../listening.js';
import { startBlnkSandbox } from './sandbox.js';

interface Flags {
  port: number;
  host: string;
  coreKey: string;
  cloudToken: string;
  instance: string;
  latency: number;
  item: number;
}

const program = new Command('sandbox:blnk')
  .description('A stand-in for Blnk Core 0.15.2 and for its Cloud, in memory')
  .option('--port <n>', 'where to listen; 0: any free port', wholeNumber, 12112)
  .option('--host <address>', 'on which address', '127.0.0.1')
  .option('--core-key <key>', "Core's X-Blnk-Key", 'test-master-key')
  .option('--cloud-token <token>', "the Cloud's Bearer token", 'blnk_test_key')
  .option('--instance <id>', "the Cloud's instance_id", 'inst_test')
  .option('--latency <ms>', 'how long every request takes', wholeNumber, 0)
  .option('--item <ms>', 'how long every posted transaction holds its locks', wholeNumber, 0)
  .parse();

const flags = program.opts<Flags>();
const starting = startBlnkSandbox({
  port: flags.port,
  host: flags.host,
  coreKey: flags.coreKey,
  cloudToken: flags.cloudToken,
  instanceId: flags.instance,
  latencyMs: flags.latency,
  itemMs: flags.item,
});
const sandbox = await orPortTaken(starting, { port: flags.port, command: 'sandbox:blnk' });

console.log(`Blnk sandbox  ${sandbox.url}`);
console.log(`as Core       X-Blnk-Key: ${sandbox.coreKey}`);
console.log(`as the Cloud  Authorization: Bearer ${sandbox.cloudToken}, instance_id=${sandbox.instanceId}`);
console.log('\nFor .env, as the Cloud:');
const cloud = { BLNK_API_KEY: sandbox.cloudToken, BLNK_INSTANCE_ID: sandbox.instanceId, BLNK_API_BASE: sandbox.url };
console.log(environmentLines(cloud));
console.log('or as a self-hosted Core:');
console.log(environmentLines({ BLNK_API_STYLE: 'core', BLNK_API_KEY: sandbox.coreKey, BLNK_API_BASE: sandbox.url }));
console.log(`control       ${sandbox.url}/_sandbox/…: rows, faults, damage`);
console.log('              see docs/engineering/sandboxes.md');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void sandbox.close().then(() => process.exit(0));
  });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) {
    throw new InvalidArgumentError('a whole number is needed');
  }
  return number;
}
