/** What the `backfill-part` job does: reads one part of a backfill or sweep. A key that may not read charges is noted. */
import { type CollectedPart, collectPart } from '../collect/backfill.js';
import type { BackfillPart } from '../collect/ports.js';
import type { CollectPorts } from '../collect/store-page.js';
import { createPermissionWatch, type PermissionPorts } from './permission-watch.js';

export type PartJob = (part: BackfillPart, signal: AbortSignal) => Promise<CollectedPart | null>;

export function createPartJob(ports: CollectPorts & Omit<PermissionPorts, 'store'>): PartJob {
  const permissions = createPermissionWatch(ports);
  return async (part, signal) => {
    try {
      return await collectPart(ports, part, signal);
    } catch (error) {
      // The parts are asked for again when charges may be read.
      if (await permissions.isRefusal(error, 'charges')) return null;
      throw error;
    }
  };
}
