/** Work on many items with a bound on how many are in hand at a time. */

/**
 * Keeps the order. The first failure ends it: what belongs together is worth nothing without all of its parts. It is told at once and
 * nothing else begins; what is in hand, which may be a list of hours, ends by itself.
 */
export async function mapInParallel<T, R>(
  items: readonly T[],
  inFlightMax: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed = false;
  const drain = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await map(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, drain));
  return results;
}
