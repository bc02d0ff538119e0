/**
 * The one ledger of the mirror in Blnk: found by its mark, and made where there is none. Blnk makes another one at each request, so
 * making cannot be exclusive; choosing is: all take the oldest that carries the mark. Whatever may have been made is waited for.
 */

import { reasonOfFault } from '../core/accounts/balance-reasons.js';
import type { Mark } from '../core/accounts/identity.js';
import { describeError } from '../core/base/errors.js';
import type { AccountsAtBlnk, LedgerStore } from './balance-ports.js';

export interface LedgerPorts {
  readonly store: LedgerStore;
  readonly blnk: Pick<AccountsAtBlnk, 'findLedgers' | 'createLedger'>;
}

export interface LedgerOptions {
  readonly name: string;
  /** Of what is made. */
  readonly mark: Mark;
  /** By which it is found. */
  readonly sought: Mark;
  /** After this long what Blnk does not show was not made. */
  readonly againAfterMs: number;
}

/** Who made so many and is shown none is not helped by another one. */
const ATTEMPTS_MAX = 3;

/** @returns the id of the ledger that is used; null while there is none. Throws SyncError when Blnk cannot be asked. */
export async function findLedger({ store, blnk }: LedgerPorts, options: LedgerOptions): Promise<string | null> {
  const held = await store.read();
  if (held === null) return null;
  if (held.ledgerId !== null) return held.ledgerId;
  const { name, mark, sought, againAfterMs } = options;
  const ledgers = await blnk.findLedgers(sought).catch(async (error: unknown) => {
    if (reasonOfFault(error) !== null) await store.noteError(describeError(error));
    throw error;
  });
  const found = await store.use(ledgers);
  if (found !== null) return found;
  if (held.attempts >= ATTEMPTS_MAX) {
    await store.noteError(
      `${held.attempts} ledgers were asked for, and Blnk shows none with our mark; another one is asked for once you say so: ` +
        'update stripe_blnk_sync.accounts_ledger set attempts = 0',
    );
    return null;
  }
  if (!(await store.noteAttempt({ againAfterMs }))) return null;
  const answer = await blnk.createLedger({ name, mark }).catch(async (error: unknown) => {
    // Turned away because of the key: nothing was made.
    await store.forgetAttempt({ reason: null, error: describeError(error) });
    throw error;
  });
  if (answer.kind === 'refused' || answer.kind === 'not_made') {
    const reason = answer.kind === 'refused' ? 'refused_by_blnk' : null;
    await store.forgetAttempt({ reason, error: answer.message });
    return null;
  }
  if (answer.kind === 'unclear') await store.noteError(answer.message);
  // Whoever made it: with two workers at once both see the same.
  return store.use(await blnk.findLedgers(sought));
}
