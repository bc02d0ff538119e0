/**
 * What the mirror needs: each with a stable code, how bad it is, the words for a person, and the command that helps. The
 * codes with what they mean stand in docs/runbook.md, which a test compares with this table.
 */
import { formatTime } from '../base/time-text.js';

/**
 * `error`: a promise is broken or stands still until somebody acts. `warning`: a person has to act, and the rest goes on.
 * `notice`: it ends by itself, nobody has to act.
 */
export type Severity = 'error' | 'warning' | 'notice';

export const NEEDS = {
  other_ledger: 'error',
  ledger_in_doubt: 'error',
  ledger_rows_missing: 'error',
  day_broken: 'error',
  rebuild_unfinished: 'error',
  no_worker: 'error',
  reading_failed: 'error',
  sync_late: 'error',
  standstill: 'error',
  clocks_disagree: 'error',
  stripe_events_refused: 'warning',
  stripe_charges_refused: 'warning',
  stripe_events_and_charges_refused: 'error',
  blnk_balances_refused: 'warning',
  stripe_customers_refused: 'warning',
  stripe_time_off: 'warning',
  database_clock_off: 'warning',
  machine_clock_off: 'warning',
  coverage_ahead: 'warning',
  parked: 'warning',
  posting_paused: 'warning',
  unresolved: 'warning',
  proofs_late: 'warning',
  totals_not_kept: 'warning',
  queue_paused: 'warning',
  queue_concurrency_zero: 'warning',
  queue_rate_limited: 'warning',
  queue_unreachable: 'warning',
  queue_jobs_lost: 'warning',
  queue_not_delivered: 'warning',
  queue_evicts: 'warning',
  ledger_not_made: 'error',
  ledger_gone: 'error',
  balances_parked: 'error',
  balances_missing: 'error',
  balances_surplus_used: 'error',
  balance_sums_differ: 'warning',
  balance_marks_changed: 'warning',
  balances_standstill: 'warning',
  balances_surplus: 'notice',
  balances_waiting: 'notice',
  identities_parked: 'warning',
  identities_waiting: 'notice',
  day_to_prove_again: 'notice',
} as const satisfies Record<string, Severity>;

export type NeedCode = keyof typeof NEEDS;

export interface Need {
  readonly code: NeedCode;
  readonly severity: Severity;
  /** May hold what vendors said: harmless only once it is printed as plain text. */
  readonly text: string;
  /** What to run; null when no command helps. */
  readonly command: string | null;
}

export function need(code: NeedCode, text: string, command: string | null = null): Need {
  return { code, severity: NEEDS[code], text, command };
}

const SEVERITIES = ['error', 'warning', 'notice'] as const satisfies readonly Severity[];

/** Those that keep a promise from being kept come first; else the order stays. */
export function worstFirst(needs: readonly Need[]): Need[] {
  return SEVERITIES.flatMap((severity) => needs.filter((one) => one.severity === severity));
}

export function worstSeverity(needs: readonly Need[]): Severity | null {
  return SEVERITIES.find((severity) => needs.some((one) => one.severity === severity)) ?? null;
}

/** A time as it stands in every sentence here. */
export function utc(time: Date | null): string {
  return time === null ? 'never' : `${formatTime(time)} UTC`;
}
