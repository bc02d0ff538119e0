/**
 * What the `backfill-part` job does: reads one part of a backfill or sweep, and then whatever else of them is left, until all
 * is read or in the hands of others. A key that may not read charges is noted.
 */
import { backfillsToRead, type CollectedPart, collectPart, type PartReading } from '../collect/backfill.js';
import type { BackfillPart } from '../collect/ports.js';
import type { CollectPorts } from '../collect/store-page.js';
import { createPermissionWatch, type PermissionPorts } from './permission-watch.js';

/** @param onRead told of each run as it ends */
export type PartJob = (part: BackfillPart, signal: AbortSignal, onRead?: (run: CollectedPart) => void) => Promise<void>;

/**
 * Whoever finds nothing to take looks again: what others have in hand may turn out to be dense, and one that was killed holds
 * its window for a quarter of a minute. After so many looks the task that requests open parts is early enough.
 */
const LOOK_AGAIN_MS = 1_000;
const LOOKS_MAX = 20;

export function createPartJob(ports: CollectPorts & Omit<PermissionPorts, 'store'>): PartJob {
  const permissions = createPermissionWatch(ports);
  const readOne = async (reading: PartReading): Promise<CollectedPart | 'refused' | null> => {
    try {
      return await collectPart(ports, reading);
    } catch (error) {
      // The parts are asked for again when charges may be read.
      if (await permissions.isRefusal(error, 'charges')) return 'refused';
      throw error;
    }
  };
  return async (part, signal, onRead = () => {}) => {
    const reading = { part, passed: [], signal };
    for (let looks = 0; looks < LOOKS_MAX && !signal.aborted; ) {
      const run = await readOne(reading);
      if (run === 'refused') return;
      if (run !== null) {
        onRead(run);
        looks = 0;
        continue;
      }
      if ((await backfillsToRead(ports.store)).length === 0) return;
      looks += 1;
      await ports.clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {
        // Told to stop: the loop sees it.
      });
    }
  };
}
