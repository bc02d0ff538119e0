/** Why a server does not answer just now, for people who wait: in words, and soon. */
import { describeError } from '../core/base/errors.js';
import { withinTime } from '../core/base/within-time.js';
import { systemClock } from './system-clock.js';

/** Longer than a server takes that is there, and short enough that a person does not mind waiting for `status`. */
const ANSWERS_WITHIN_MS = 2_000;

/** Null when it answers. What was asked is not called back when it is late. */
export function whyAway(server: string, ask: () => Promise<unknown>): Promise<string | null> {
  return withinTime<string | null>(
    ask().then(() => null, describeError),
    {
      sleep: (over) => systemClock.sleep(ANSWERS_WITHIN_MS, over),
      whenLate: () => `${server} gave no answer within ${ANSWERS_WITHIN_MS / 1_000} s`,
    },
  );
}
