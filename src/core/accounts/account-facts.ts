/** How the mirror's ledger and its balances stand, as the tables show it. */
import type { BalanceReason } from './balance-reasons.js';

/** What the balances of one currency came to against what went out of the source. Minor units, as texts. */
export interface CheckedCurrency {
  readonly currency: string;
  /** Sum over the balances in use. */
  readonly customers: string;
  /** What went out of the mirror's own balances, or out of them by this mirror; before the ledger was read and after. */
  readonly before: string;
  readonly after: string;
  /** Of balances beside those in use. */
  readonly surplus: string;
  /** Other mirrors post out of the same source: `before` and `after` are what this database says that it posted. */
  readonly isSourceShared?: true;
}

export interface AccountFacts {
  /** Null: not made yet. */
  readonly ledgerId: string | null;
  /** In use, and Blnk does not have it: it refuses to make balances in it. */
  readonly isLedgerGone: boolean;
  /** As Blnk showed it last. */
  readonly ledgerName: string | null;
  /** Other ledgers with the mirror's mark. */
  readonly surplusLedgers: readonly string[];
  /** Why the ledger is not there until a person acts; null: it is, or will be. */
  readonly ledgerError: string | null;
  /** Balances in use. */
  readonly balances: number;
  /** Wanted, and not there yet. */
  readonly wanted: number;
  readonly parked: ReadonlyArray<{ readonly reason: BalanceReason; readonly count: number }>;
  /** Those that were tried several times, and what the last try came to. */
  readonly failing: {
    readonly count: number;
    readonly error: string;
    /** They are wanted for longer than passes by itself, and no balance was made meanwhile. */
    readonly isStandstill: boolean;
  } | null;
  /** In use here, and unknown to Blnk in looks 20 minutes apart. */
  readonly missing: number;
  /** Balances with a mark beside those in use; `used`: with money on them. */
  readonly surplus: { readonly count: number; readonly used: number };
  /** Balances whose mark was removed or changed. */
  readonly marksLost: number;
  readonly checkedAt: Date | null;
  readonly sums: readonly CheckedCurrency[];
}
