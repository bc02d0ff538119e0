/**
 * A worker process with other waits than production's, for tests that cannot wait for leases and locks of half a minute.
 * The same as `src/main.ts worker` otherwise. Its one argument is JSON: variables, timings and whether it adopts.
 */
import { endSoon, untilInterrupted } from '../../../src/app/process-life.js';
import { runWorker } from '../../../src/app/run-worker.js';
import { TIMINGS, type Timings } from '../../../src/app/timings.js';
import { type Bag, readWorkerConfig } from '../../../src/config.js';
import { describeError } from '../../../src/core/errors.js';
import { createLog } from '../../../src/observability/log.js';

export interface WorkerOrder {
  readonly variables: Bag;
  readonly timings: Partial<Timings>;
  readonly adopt: boolean;
}

async function main({ variables, timings, adopt }: WorkerOrder): Promise<void> {
  const interrupted = untilInterrupted(process, (line) => process.stderr.write(`${line}\n`));
  try {
    const config = readWorkerConfig(variables);
    process.exitCode = await runWorker(config, {
      log: createLog({ level: config.logLevel, forPeople: false }),
      adopt,
      signal: interrupted,
      timings: { ...TIMINGS, ...timings },
    });
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 2;
  }
  endSoon(process);
}

const [order] = process.argv.slice(2);
if (order !== undefined) await main(JSON.parse(order));
