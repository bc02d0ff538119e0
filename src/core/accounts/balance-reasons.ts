/** Why a balance is not made until a person acts, and what goes on by itself. */
export const BALANCE_REASONS = {
  refused_by_blnk: 'Blnk refuses to make the balance; it is asked again every ten minutes',
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

const OF_MARKS: readonly BalanceReason[] = ['several_used', 'used_for_another'];

/** Whether a person decides by a mark in Blnk, which is looked at again. */
export function isOfMarks(reason: BalanceReason | null): boolean {
  return reason !== null && OF_MARKS.includes(reason);
}
