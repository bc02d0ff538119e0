// A stored row as a post that stands on it: what refunds, commits and voids start from.

import type { CoreState } from './core-state.js';
import type { PostRequest } from './post-request.js';

/** The row's own movement again, to be applied now and under a reference of its own. */
export function requestFromRow(core: CoreState, row: number): PostRequest {
  const { transactions, balances } = core;
  const stored = transactions.read(row);
  return {
    preciseAmount: stored.preciseAmount,
    amount: 0,
    precision: stored.precision,
    overdraftLimit: 0,
    allowOverdraft: false,
    skipQueue: false,
    inflight: false,
    atomic: false,
    sources: [],
    destinations: [],
    source: balances.byNumber(stored.source).balanceId,
    destination: balances.byNumber(stored.destination).balanceId,
    reference: '',
    description: stored.description,
    currency: stored.currency,
    effectiveDate: undefined,
    effectiveMicros: undefined,
    scheduledFor: '',
    scheduledMicros: undefined,
    endsByItself: false,
    metadata: transactions.metadataOf(row),
  };
}
