/**
 * A worker process with other waits than production's, for tests that cannot wait for leases and locks of half a minute.
 * The same as `src/main.ts worker` otherwise. Its one argument is JSON: variables, timings and whether it adopts.
 */
import { endSoon, untilInterrupted } from '../../../src/app/process-life.js';
import type { Timings } from '../../../src/app/timings.js';
import type { Bag } from '../../../src/config/environment.js';
import { liveAsWorker } from './live-as-worker.js';

export interface WorkerOrder {
  readonly variables: Bag;
  readonly timings: Partial<Timings>;
  readonly adopt: boolean;
}

async function main(order: WorkerOrder): Promise<void> {
  const interrupted = untilInterrupted(process, (line) => process.stderr.write(`${line}\n`));
  await liveAsWorker(order, interrupted);
  endSoon(process);
}

const [order] = process.argv.slice(2);
if (order !== undefined) await main(JSON.parse(order));
