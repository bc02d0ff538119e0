/** Where the money of customers lands in Blnk. Part of what a mirror is: it never changes once something was posted. */

/**
 * `indicators`: on balances `@cus_…` of the general ledger, which Blnk makes with the first posting. `ledger`: on balances in one ledger
 * of the mirror's own, which are made before.
 */
export const ACCOUNTS_MODES = ['indicators', 'ledger'] as const;

export type AccountsMode = (typeof ACCOUNTS_MODES)[number];

/** What is said of any other value. */
export const ACCOUNTS_ALLOWED = `allowed is one of ${ACCOUNTS_MODES.join(', ')}`;

export const DEFAULT_LEDGER_NAME = 'Stripe';
