/** Places for what may run at the same time: posts of one lane, of which a Core takes two. Knows nothing of what it lets run. */

/** Room for as many as may post at the same time; the others wait in the order in which they came. */
export interface Places {
  take<T>(work: (place: Place) => Promise<T>): Promise<T>;
  /** From now on so many. What holds a place keeps it. */
  allow(places: number): void;
  areWaitedFor(): boolean;
}

export interface Place {
  /** It was not free at once. */
  readonly waited: boolean;
  /** Gives it to the next before the work is over; once. */
  leave(): void;
}

export function createPlaces(count: number): Places {
  const waiting: Array<() => void> = [];
  let allowed = count;
  let taken = 0;
  const admit = (): void => {
    while (taken < allowed && waiting.length > 0) {
      taken += 1;
      waiting.shift()?.();
    }
  };
  return {
    async take(work) {
      const waited = taken >= allowed;
      if (waited) await new Promise<void>((resolve) => waiting.push(resolve));
      else taken += 1;
      let isHeld = true;
      const leave = (): void => {
        if (!isHeld) return;
        isHeld = false;
        taken -= 1;
        admit();
      };
      try {
        return await work({ waited, leave });
      } finally {
        leave();
      }
    },
    allow(places) {
      allowed = places;
      admit();
    },
    areWaitedFor: () => waiting.length > 0,
  };
}
