/** Looks at the mirror's own ledger now: sums against the source, balances beside those in use, marks. */
import type { AccountFacts, CheckedCurrency } from '../core/accounts/account-facts.js';
import { judgeSum, type SumVerdict } from '../core/accounts/judge-sums.js';
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import type { Mirror } from '../core/posting/mirror.js';
import { confirmSides, type Session } from './session.js';

export interface CheckedSum extends CheckedCurrency {
  readonly verdict: SumVerdict;
}

export interface AccountsChecked {
  readonly sums: readonly CheckedSum[];
  readonly accounts: AccountFacts;
}

export interface CheckingSession extends Session {
  /** Null: the ledger is not made yet. */
  checkAccounts(mirror: Mirror): Promise<readonly CheckedCurrency[] | null>;
  readAccounts(): Promise<AccountFacts | null>;
}

/** Throws a Refusal where the mirror has no ledger of its own, and what Blnk could not be asked for. */
export async function checkAccountsNow(session: CheckingSession): Promise<AccountsChecked> {
  const { sums, accounts } = await orRefuse(async () => {
    const mirror = await confirmSides(session);
    if (mirror.accountsMode !== 'ledger') throw noLedger('BLNK_ACCOUNTS is indicators: payments go to balances @cus_…');
    const checked = await session.checkAccounts(mirror);
    const facts = await session.readAccounts();
    if (checked === null || facts === null) throw noLedger('it is made before the first payment is posted');
    return { sums: checked, accounts: facts };
  });
  return { sums: sums.map((sum) => ({ ...sum, verdict: judgeSum(sum) })), accounts };
}

function noLedger(why: string): SyncError {
  return new SyncError(`This mirror has no ledger of its own in Blnk: ${why}`, {
    kind: 'fatal',
    code: 'no_own_ledger',
  });
}
