/** Places for what may run at the same time: posts of one lane, of which a Core takes two. Knows nothing of what it lets run. */

/** Room for as many as may post at the same time; the others wait in the order in which they came. */
export interface Places {
  take<T>(work: (place: Place) => Promise<T>): Promise<T>;
}

export interface Place {
  /** It was not free at once. */
  readonly waited: boolean;
  /** Gives it to the next before the work is over; once. */
  leave(): void;
}

export function createPlaces(count: number): Places {
  const waiting: Array<() => void> = [];
  let free = count;
  return {
    async take(work) {
      const waited = free === 0;
      if (waited) await new Promise<void>((resolve) => waiting.push(resolve));
      else free -= 1;
      let isHeld = true;
      const leave = (): void => {
        if (!isHeld) return;
        isHeld = false;
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      };
      try {
        return await work({ waited, leave });
      } finally {
        leave();
      }
    },
  };
}
