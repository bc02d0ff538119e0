/** Asks for the sweeps that are due. What is due is decided by core/coverage/sweep-plan.ts; this joins it to the store. */
import { type SweepFacts, sweepsDue } from '../core/coverage/sweep-plan.js';
import type { CollectStore } from './ports.js';

/** @returns how many sweeps were opened; their parts are then asked for like those of a backfill */
export function requestSweeps(
  store: Pick<CollectStore, 'requestSweeps'>,
  facts: Pick<SweepFacts, 'now' | 'lagMs'>,
): Promise<number> {
  return store.requestSweeps((stored, readLists) => sweepsDue({ ...stored, ...facts }, readLists));
}
