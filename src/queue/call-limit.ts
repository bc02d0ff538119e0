/**
 * A limit of time for every call of the queue. A wake that is not taken in time is given up: the timer requests it again. Without
 * this a call waits for as long as the server is away, and with it a run whose page is stored, or a worker that was told to
 * stop. After a call that ran out, others fail at once for a while: many would wait one after the other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../core/base/errors.js';
import { withinTime } from '../core/base/within-time.js';

const CALL_MAX_MS = 5_000;
const CLOSED_FOR_MS = 10_000;

/** Throws SyncError `queue_unreachable` after 5 s, or what the call failed with. */
export type CallLimit = <Result>(call: () => Promise<Result>) => Promise<Result>;

/** @param lastFault what is known of why there is no answer */
export function createCallLimit(lastFault: () => SyncError | null): CallLimit {
  let closedUntilMs = 0;
  let isClosed = false;
  let isTrying = false;
  return async (call) => {
    // When the time is over one call tries, and the others go on failing at once until it has an answer.
    if (isClosed && (isTrying || performance.now() < closedUntilMs)) throw noAnswer(lastFault());
    isTrying = isClosed;
    try {
      const answer = await withinTime(call(), {
        sleep: (over) => sleep(CALL_MAX_MS, undefined, { signal: over }),
        whenLate() {
          closedUntilMs = performance.now() + CLOSED_FOR_MS;
          isClosed = true;
          throw noAnswer(lastFault());
        },
      });
      isClosed = false;
      return answer;
    } finally {
      isTrying = false;
    }
  };
}

function noAnswer(cause: SyncError | null): SyncError {
  const options = { kind: 'transient', code: 'queue_unreachable' } as const;
  if (cause !== null) return new SyncError(cause.message, { ...options, cause: cause.cause });
  return new SyncError(`The queue did not answer within ${CALL_MAX_MS / 1_000} s`, options);
}
