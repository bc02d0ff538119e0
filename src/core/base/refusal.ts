/**
 * How an operation reports that it was refused before its work began: the configuration, the key, the ledger or what was asked
 * for does not allow it, and nothing was changed. What fails in the work itself is thrown as it is. Whoever asked tells the
 * two apart by this type alone: the command line leaves with 2, or with 1.
 */
import { describeError } from './errors.js';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** What is told to whoever asked: mostly a SyncError with its code. */
  readonly reason: unknown;

  constructor(reason: unknown) {
    super(describeError(reason), { cause: reason });
    this.reason = reason;
  }
}

/** For everything that is asked before the work begins: whatever it throws is a Refusal. */
export async function orRefuse<Facts>(ask: () => Promise<Facts>): Promise<Facts> {
  try {
    return await ask();
  } catch (error) {
    throw new Refusal(error);
  }
}
