/** The entry point of the demonstration's worker: joins the process to what it does. */

import { endSoon, untilInterrupted } from '../process-life.js';
import { liveAsDemoWorker } from './worker.js';

const interrupted = untilInterrupted(process, () => undefined);
const orphaned = new AbortController();
process.once('disconnect', () => orphaned.abort());
process.once('message', async (order: Parameters<typeof liveAsDemoWorker>[0]) => {
  const fault = await liveAsDemoWorker(order, AbortSignal.any([interrupted, orphaned.signal]));
  if (fault !== null) {
    process.exitCode = 2;
    process.send?.({ fault });
  }
  if (process.connected) process.disconnect();
  endSoon(process);
});
