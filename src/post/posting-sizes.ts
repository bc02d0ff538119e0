/** In what sizes postings are sent: what workers post with, and what estimates are computed with. */

/** About 100 items in two requests at a time is the fastest that one source balance of a Core takes. */
export const POSTING = { chunkSize: 100, chunksInFlight: 2, chunksAhead: 1, chunksBehind: 1, singlesMax: 3 };

/** Requests of one lane at the same time, at most: each of its chunks sends one, or makes two look-ups together. */
export function requestsAtOnce({
  chunksInFlight,
  chunksAhead,
  chunksBehind,
}: Pick<typeof POSTING, 'chunksInFlight' | 'chunksAhead' | 'chunksBehind'>): number {
  return 2 * (chunksInFlight + chunksAhead + chunksBehind);
}
