/** Why a balance is not made until a person acts, and what goes on by itself. */
import { SyncError } from '../base/errors.js';

export const BALANCE_REASONS = {
  refused_by_blnk: 'Blnk refuses to make the balance; it is asked again every ten minutes',
  not_allowed:
    'Blnk lets none be made (the key, its permissions, a limit of the plan): last_error has its answer; it is asked again by itself, at ' +
    'most five minutes apart',
  not_shown:
    'Blnk answered that it made the balance three times, and does not show it under our mark; it is looked for every ten minutes, and asked ' +
    'for again once you say so: update stripe_blnk_sync.account_balances set attempts = 0 where balance_id is null',
  several_used:
    'several balances with money carry the mark of one customer, so whose each is would be guessed; correct the mark of those that are ' +
    'not theirs (meta_data.stripe_blnk_sync.customer) in Blnk, which is looked at every ten minutes. last_error names them, and their ' +
    'transactions show whose they are',
  used_for_another:
    'a balance carries the mark of one customer, and payments of another were posted to it, so whose it is would be guessed, and both wait; ' +
    'write the customer whose it is into its mark (meta_data.stripe_blnk_sync.customer) in Blnk, which is looked at every ten minutes. ' +
    'last_error names both. If its mark is right all the same: update stripe_blnk_sync.account_balances_seen set name = mark_now, ' +
    "mark_now = null, mark_lost_at = null where balance_id = '<id>'",
} as const;

export type BalanceReason = keyof typeof BALANCE_REASONS;

/** Those about which a person decides by a mark in Blnk, which is looked at again. */
export const REASONS_OF_MARKS: readonly BalanceReason[] = ['several_used', 'used_for_another'];

export function isOfMarks(reason: BalanceReason | null): boolean {
  return reason !== null && REASONS_OF_MARKS.includes(reason);
}

/**
 * Stands in the place of a reason at a balance in use that Blnk did not know in looks 20 minutes apart: a replica that lags, or one
 * answer that was wrong, is no cause to give a customer another balance. And at a ledger in use in which Blnk makes no balance, and
 * which it does not show.
 */
export const GONE = 'gone';

/** Of a fault that all balances meet until somebody changes key, permission, address or plan; null: it passes by itself. */
export function reasonOfFault(error: unknown): BalanceReason | null {
  if (!(error instanceof SyncError)) return null;
  // What is no answer of Blnk (another ledger, a database without rights) is said by needs of its own.
  const isFatal = error.kind === 'fatal' && error.code.startsWith('blnk_');
  return isFatal || error.code === 'blnk_limit_reached' ? 'not_allowed' : null;
}
