// Loaded before a worker that is measured (`--import`): writes a line with its memory and what keeps it running to the
// file named by MEMORY_PROBE, every few seconds. A worker knows nothing of it.
import { appendFileSync } from 'node:fs';

const EVERY_MS = 10_000;

setInterval(() => {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const line = { rss, heapUsed, heapTotal, external, resources };
  appendFileSync(process.env.MEMORY_PROBE, `${JSON.stringify(line)}\n`);
}, EVERY_MS).unref();
