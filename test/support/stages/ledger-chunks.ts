/** Which chunk brought which posting to the ledger: chunks are counted in the order in which they are sent. */
import type { Ledger } from '../../../src/post/ports.js';

export interface ChunkWatch {
  wrapLedger(ledger: Ledger): Ledger;
  /** How many were sent so far, the one that is about to be sent included. */
  sent(): number;
  /** The last chunk in which the reference was sent; infinity for none. */
  chunkOf(reference: string): number;
}

/** @param beforeChunk called with the number of each chunk, from 1, before it is sent */
export function watchChunks(beforeChunk: (chunk: number) => Promise<void>): ChunkWatch {
  const chunks = new Map<string, number>();
  let sent = 0;
  return {
    wrapLedger: (ledger) => ({
      ...ledger,
      async postBulk(bodies) {
        sent += 1;
        for (const body of bodies) chunks.set(JSON.parse(body).reference, sent);
        await beforeChunk(sent);
        return ledger.postBulk(bodies);
      },
    }),
    sent: () => sent,
    chunkOf: (reference) => chunks.get(reference) ?? Number.POSITIVE_INFINITY,
  };
}
