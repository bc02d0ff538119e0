/** Waits for work, and no longer than a time. The work itself is not ended: it goes on, and what comes of it is nobody's. */

export interface TimeLimit<Result> {
  /** Resolves when the time is over; rejects when `over` is aborted, which it is once the work has ended. */
  sleep(over: AbortSignal): Promise<unknown>;
  /** Answers in the work's place, or throws. */
  whenLate(): Result;
}

export async function withinTime<Result>(work: Promise<Result>, limit: TimeLimit<Result>): Promise<Result> {
  const over = new AbortController();
  const late = limit.sleep(over.signal).then(() => limit.whenLate());
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
