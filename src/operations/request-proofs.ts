/** Asks the workers to prove days. May be asked again: what waits already is not asked for twice. */
import { SyncError } from '../core/base/errors.js';
import { Refusal } from '../core/base/refusal.js';
import { daysBetween } from '../core/base/window.js';
import type { RequestPorts } from './request-ports.js';
import { tellQueue } from './tell-queue.js';

/** A quarter: each day is listed afresh on both sides. */
const DAYS_MAX = 92;

export interface ProofsAsked {
  /** First and last UTC day, `2026-11-21`. */
  readonly from: string;
  readonly to: string;
}

export interface ProofsRequested {
  /** On the database's clock: a proof that began later is one of these. */
  readonly requestedAt: Date;
  readonly days: readonly string[];
  /** Of these, those that were not waiting for a proof already. */
  readonly requested: readonly string[];
  /** Why the queue could not be told; null when it was. Workers find what is due all the same. */
  readonly queueFault: unknown;
}

/** Throws a Refusal for days that workers do not prove. */
export async function requestProofs(
  { reads, requests, proofRequests }: Pick<RequestPorts, 'reads' | 'requests' | 'proofRequests'>,
  { from, to }: ProofsAsked,
): Promise<ProofsRequested> {
  const requestedAt = await reads.databaseNow();
  const known = await reads.known();
  const provable = known === null ? [] : [...(await reads.earlierDays()), ...daysBetween(known.from, known.to)];
  const days = provable.filter((day) => day >= from && day <= to);
  const areWithin = days[0] === from && days.at(-1) === to;
  if (!areWithin || days.length > DAYS_MAX) throw notProvable({ from, to }, provable);
  const requested = await proofRequests.keep(days);
  return { requestedAt, days, requested, queueFault: await tellQueue(() => requests.proofs()) };
}

function notProvable({ from, to }: ProofsAsked, provable: readonly string[]): Refusal {
  const [first, last] = [provable[0], provable.at(-1)];
  const allowed =
    first === undefined
      ? 'None can be yet: a day is known once it is over and all of it was read'
      : `Allowed are up to ${DAYS_MAX} days of ${first} to ${last}, the first one not after the last: those that are over and known`;
  return new Refusal(
    new SyncError(`The days ${from} to ${to} cannot be proven by a worker. ${allowed}`, {
      kind: 'fatal',
      code: 'days_not_provable',
    }),
  );
}
