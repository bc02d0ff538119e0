/** Memory for proofs, as a test says: nothing is asked of V8. */
import type { MemoryPorts } from '../../src/prove/day-size.js';

const PLENTY = 1e12;

/** For 80 million payments; nothing is noted. */
export const plentyOfMemory = memoryFor(PLENTY);

/** @param freeBytes half of which a proof may take, at 6,000 a payment */
export function memoryFor(freeBytes: number): MemoryPorts {
  return {
    heap: () => ({ limitBytes: freeBytes, usedBytes: 0 }),
    attempts: { begin: async () => async () => {} },
  };
}
