// `npm run sandbox:blnk -- --port 5001`: the Blnk sandbox on its own, until SIGINT or SIGTERM. Everything is lost when it stops.

import { Command, InvalidArgumentError } from 'commander';
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
  .option('--port <n>', 'where to listen; 0: any free port', wholeNumber, 0)
  .option('--host <address>', 'on which address', '127.0.0.1')
  .option('--core-key <key>', "Core's X-Blnk-Key", 'test-master-key')
  .option('--cloud-token <token>', "the Cloud's Bearer token", 'blnk_test_key')
  .option('--instance <id>', "the Cloud's instance_id", 'inst_test')
  .option('--latency <ms>', 'how long every request takes', wholeNumber, 0)
  .option('--item <ms>', 'how long every posted transaction holds its locks', wholeNumber, 0)
  .parse();

const flags = program.opts<Flags>();
const sandbox = await startBlnkSandbox({
  port: flags.port,
  host: flags.host,
  coreKey: flags.coreKey,
  cloudToken: flags.cloudToken,
  instanceId: flags.instance,
  latencyMs: flags.latency,
  itemMs: flags.item,
});

console.log(`Blnk sandbox  ${sandbox.url}`);
console.log(`as Core       X-Blnk-Key: ${sandbox.coreKey}`);
console.log(`as the Cloud  Authorization: Bearer ${sandbox.cloudToken}, instance_id=${sandbox.instanceId}`);
console.log(`control       ${sandbox.url}/_sandbox/stats`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
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
