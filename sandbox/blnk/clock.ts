// The sandbox's time. Rows are stamped with it; lock waits and delays use real time, because clients wait in real time.

/** Whatever tells the time; tests pass the clock that their other parts use. */
export interface Clock {
  now(): Date;
}

/** Real time plus an offset that tests move. */
export class MovableClock implements Clock {
  #offsetMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  /** Makes `now()` answer this moment and run on from there. */
  set(moment: Date): void {
    this.#offsetMs = moment.getTime() - Date.now();
  }

  advance(byMs: number): void {
    this.#offsetMs += byMs;
  }
}
