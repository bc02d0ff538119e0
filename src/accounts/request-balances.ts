/** The requests that make balances, each sent once: what is known not to have been made, and whether the next would fare the same. */
import { type BalanceReason, reasonOfFault } from '../core/accounts/balance-reasons.js';
import type { Mark } from '../core/accounts/identity.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { mapInParallel } from '../core/base/in-parallel.js';
import type { AccountsAtBlnk, MakeAnswer, PutOffBalance, WantedBalance } from './balance-ports.js';

export interface RequestPorts {
  readonly blnk: Pick<AccountsAtBlnk, 'createBalance'>;
  markOf(name: string): Mark;
  /** The identity of the balance's customer, made where it is not there; null: there is to be none, or it could not be made. */
  identityFor(name: string): Promise<string | null>;
  monotonicMs(): number;
  readonly signal: AbortSignal;
}

export interface Making {
  readonly ledgerId: string;
  readonly making: readonly WantedBalance[];
  /** By the process's clock; nothing is sent after it. */
  readonly untilMs: number;
}

export interface Requested {
  /** Those that are known not to have been made. */
  readonly failed: readonly PutOffBalance[];
  /** What keeps all of them from being made. */
  readonly fault: SyncError | null;
  /** Whether Blnk, or whatever is before it, turned a request away without looking at it. */
  readonly isTurnedAway: boolean;
}

export async function requestBalances(
  ports: RequestPorts,
  { inFlightMax }: { readonly inFlightMax: number },
  { ledgerId, making, untilMs }: Making,
): Promise<Requested> {
  const failed: PutOffBalance[] = [];
  const met: { fault: SyncError | null; isTurnedAway: boolean } = { fault: null, isTurnedAway: false };
  const reasonOf = ({ kind }: MakeAnswer): BalanceReason | null =>
    kind === 'refused' ? 'refused_by_blnk' : reasonOfFault(met.fault);
  await mapInParallel(making, inFlightMax, async (one) => {
    const answer = await makeOne(one).catch((error: unknown): MakeAnswer => {
      if (!(error instanceof SyncError)) throw error;
      met.fault = error;
      return { kind: 'not_made', message: describeError(error) };
    });
    if (answer.kind === 'refused' || answer.kind === 'not_made') {
      failed.push({ ...one, error: answer.message, isNotMade: true, reason: reasonOf(answer) });
    }
  });
  return { failed, ...met };

  async function makeOne({ name, currency }: WantedBalance): Promise<MakeAnswer> {
    const identityId = met.fault === null ? await ports.identityFor(name) : null;
    if (met.fault !== null) return { kind: 'not_made', message: describeError(met.fault) };
    // A process that stood still must not send what another one has taken over.
    if (ports.signal.aborted || ports.monotonicMs() > untilMs) return { kind: 'not_made', message: 'it was not sent' };
    const balance = { ledgerId, currency, mark: ports.markOf(name) };
    const answer = await ports.blnk.createBalance({ ...balance, identityId });
    if (answer.kind === 'not_made') met.isTurnedAway = true;
    // Blnk says the same of an unknown identity as of an unknown ledger; a posting waits for no identity.
    return answer.kind === 'refused' && identityId !== null
      ? ports.blnk.createBalance({ ...balance, identityId: null })
      : answer;
  }
}
