/** How a request to a vendor ended, in the words of the metrics. */
import type { SyncError } from '../core/base/errors.js';
import type { RequestOutcome } from '../observability/flows.js';

export function stripeOutcome(fault: SyncError | null): RequestOutcome {
  switch (fault?.code) {
    case undefined:
      return 'ok';
    case 'stripe_rate_limited':
    case 'stripe_lock_timeout':
      return 'limited';
    case 'stripe_unavailable':
    case 'stripe_answer_unreadable':
      return 'unavailable';
    default:
      return 'refused';
  }
}

/** Whether Blnk took what it was sent is another question: a bulk that is taken may refuse each of its transactions. */
export function blnkOutcome(status: number | null): RequestOutcome {
  if (status === null) return 'lost';
  if (status < 400) return 'ok';
  if (status === 429) return 'limited';
  return status >= 500 ? 'unavailable' : 'refused';
}
