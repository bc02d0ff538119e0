/** What `src/main.ts worker` does with a process, for processes of tests that are workers with something changed. */
import type { Overrides } from '../../../src/app/overrides.js';
import { TIMINGS, type Timings } from '../../../src/app/timings.js';
import { runWorker } from '../../../src/app/worker/run-worker.js';
import { readWorkerConfig } from '../../../src/config/config.js';
import type { Bag } from '../../../src/config/environment.js';
import { describeError } from '../../../src/core/base/errors.js';
import { createLog } from '../../../src/observability/log.js';

export interface WorkerLife {
  readonly variables: Bag;
  /** Where they are other than production's. */
  readonly timings: Partial<Timings>;
  readonly adopt: boolean;
  readonly overrides?: Overrides;
}

/** Until the signal comes or the worker gives up; the exit code is set then. */
export async function liveAsWorker(life: WorkerLife, signal: AbortSignal): Promise<void> {
  const { variables, timings, adopt, overrides = {} } = life;
  try {
    const config = readWorkerConfig(variables);
    const log = createLog({ level: config.logLevel });
    const options = { log, adopt, signal, timings: { ...TIMINGS, ...timings }, overrides };
    process.exitCode = await runWorker(config, options);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 2;
  }
}
