/** A worker that reads and never posts: what reading costs by itself. Its variables are those of any worker. */
import { runWorker } from '../../src/app/worker/run-worker.js';
import { readWorkerConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { decorateWith } from '../../test/support/context.js';

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
const config = readWorkerConfig(process.env);
const nothing = async () => ({ token: 'nobody', postings: [] });
process.exitCode = await runWorker(config, {
  log: createLog({ level: 'warn' }),
  adopt: false,
  signal: stopping.signal,
  overrides: {
    decorate: decorateWith({
      outbox: (outbox) => ({ ...outbox, claimNew: nothing, claimAttempted: nothing, nextDueInMs: async () => null }),
    }),
  },
});
