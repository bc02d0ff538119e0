/**
 * A person says that a difference which the newest proof of a day shows is meant, or takes that back. Changes no posting; the
 * day is proven again at once.
 */
import type { AcceptOutcome, Signature, TakeBackOutcome } from '../core/proof/acceptance.js';
import type { RequestPorts } from './request-ports.js';
import { tellQueue } from './tell-queue.js';

export interface AcceptanceAsked extends Signature {
  readonly takeBack: boolean;
}

export interface AcceptanceDecided {
  readonly outcome: AcceptOutcome | TakeBackOutcome;
  /** Why the queue could not be told; null when it was, or there was nothing to tell. Workers find what is due all the same. */
  readonly queueFault: unknown;
}

export async function acceptDifference(
  { acceptances, requests }: Pick<RequestPorts, 'acceptances' | 'requests'>,
  { takeBack, ...signature }: AcceptanceAsked,
): Promise<AcceptanceDecided> {
  const outcome = takeBack ? await acceptances.takeBack(signature) : await acceptances.accept(signature);
  if (outcome.kind === 'refused') return { outcome, queueFault: null };
  return { outcome, queueFault: await tellQueue(() => requests.proofs()) };
}
