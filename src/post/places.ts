/** Places for what may run at the same time: posts of one lane, of which a Core takes two. Knows nothing of what it lets run. */

/** Room for as many as may post at the same time; the others wait in the order in which they came. */
export interface Places {
  take<T>(work: (place: { readonly waited: boolean }) => Promise<T>): Promise<T>;
}

export function createPlaces(count: number): Places {
  const waiting: Array<() => void> = [];
  let free = count;
  return {
    async take(work) {
      const waited = free === 0;
      if (waited) await new Promise<void>((resolve) => waiting.push(resolve));
      else free -= 1;
      try {
        return await work({ waited });
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
