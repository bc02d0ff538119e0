/** Work on many items with a bound on how many are in hand at a time. */

/**
 * Keeps the order. The first failure ends it, once what is in hand has ended: what belongs together is worth nothing without all of its
 * parts, and whoever is told of the failure gives back what they work with.
 */
export async function mapInParallel<T, R>(
  items: readonly T[],
  inFlightMax: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failure: { readonly error: unknown } | null = null;
  const drain = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failure !== null) return;
      try {
        results[index] = await map(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, drain));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return results;
}
