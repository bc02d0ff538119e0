/** Composition: how much of V8's heap is in use, without what is garbage where that matters. */
import { randomUUID } from 'node:crypto';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { HeapUse } from '../prove/day-size.js';

/** Tells this process from others, for as long as it lives. */
export const PROCESS_ID = randomUUID();

export function heapUse(bytesWanted: number): HeapUse {
  const use = measure();
  if (use.limitBytes - use.usedBytes >= bytesWanted) return use;
  // Stops everything for as long as it takes, so only where a day would be refused for garbage that nobody needs.
  collectGarbage();
  return measure();
}

function measure(): HeapUse {
  const { heap_size_limit: limitBytes, used_heap_size: usedBytes } = getHeapStatistics();
  return { limitBytes, usedBytes };
}

/** What `--expose-gc` gives is made visible to a context that is created after the flag is set. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
