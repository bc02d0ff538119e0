/** What a person decides about parked payments: to try them again, or that they stay out of the ledger. */
import type { DismissOutcome, RetryOutcome } from '../db/postings/parked-store.js';
import type { RetrySelection } from '../db/postings/retry.js';
import type { RequestPorts } from './request-ports.js';
import { tellQueue } from './tell-queue.js';

export interface ParkedRetried {
  readonly outcome: RetryOutcome;
  /** Why the queue could not be told; null when it was, or there was nothing to tell. Workers find what is due all the same. */
  readonly queueFault: unknown;
}

export interface DismissalAsked {
  readonly references: readonly string[];
  readonly by: string;
  readonly why: string;
}

export interface DismissalListener {
  /** Each as it is done: whoever leaves halfway has seen what is decided. */
  onDecided(reference: string, outcome: DismissOutcome): void;
}

/** Puts them back, and wakes the lanes that have work then. */
export async function retryParked(
  { parked, requests }: Pick<RequestPorts, 'parked' | 'requests'>,
  selection: RetrySelection,
): Promise<ParkedRetried> {
  const outcome = await parked.retry(selection);
  const queueFault = outcome.lanes.length > 0 ? await tellQueue(() => requests.wakeLanes(outcome.lanes)) : null;
  return { outcome, queueFault };
}

/** One after another, each once. */
export async function dismissParked(
  { parked }: Pick<RequestPorts, 'parked'>,
  { references, by, why }: DismissalAsked,
  { onDecided }: DismissalListener,
): Promise<void> {
  for (const reference of new Set(references)) onDecided(reference, await parked.dismiss({ reference, by, why }));
}
