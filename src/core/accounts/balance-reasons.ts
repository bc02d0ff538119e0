/** Why a balance is not made until a person acts; it is tried again now and then all the same. */
export const BALANCE_REASONS = {
  refused_by_blnk: 'Blnk refuses to make the balance',
  not_shown: 'Blnk answered that it made the balance, and does not show it under our mark',
} as const;

export type BalanceReason = keyof typeof BALANCE_REASONS;
