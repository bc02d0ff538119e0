/** Lists as CSV, one row each: runs, payments, what people did, sums of days, and findings of a day. The names are those of `--json`. */
import type { DayFinding } from '../core/proof/certificate.js';
import type { ActionRecord } from '../db/actions/action-store.js';
import type { DayTotalRecord } from '../db/reads/days.js';
import type { PaymentRecord } from '../db/reads/payments.js';
import type { RunRecord } from '../db/reads/runs.js';
import { type CsvColumns, decimalCell } from './csv.js';

export const RUN_COLUMNS: CsvColumns<RunRecord> = [
  ['id', ({ id }) => id],
  ['status', ({ status }) => status],
  ['feed', ({ feed }) => feed],
  ['trigger', ({ trigger }) => trigger],
  ['started_at', ({ startedAt }) => startedAt],
  ['finished_at', ({ finishedAt }) => finishedAt],
  ['duration_ms', ({ durationMs }) => durationMs],
  ['window_from', ({ windowFrom }) => windowFrom],
  ['window_to', ({ windowTo }) => windowTo],
  ['found', ({ found }) => found],
  ['known_before', ({ knownBefore }) => knownBefore],
  ['stored', ({ stored }) => stored],
  ['posted', ({ posted }) => posted],
  ['already_there', ({ alreadyThere }) => alreadyThere],
  ['parked', ({ parked }) => parked],
  ['dismissed', ({ dismissed }) => dismissed],
  ['pending', ({ pending }) => pending],
  ['before_start', ({ beforeStart }) => beforeStart],
  ['stripe_requests', ({ stripeRequests }) => stripeRequests],
  ['error_code', ({ errorCode }) => errorCode],
  ['error', ({ error }) => error],
  ['version', ({ version }) => version],
];

export const PAYMENT_COLUMNS: CsvColumns<PaymentRecord> = [
  ['reference', ({ reference }) => reference],
  ['payment_id', ({ paymentId }) => paymentId],
  ['role', ({ role }) => role],
  ['state', ({ state }) => state],
  ['reason', ({ reason }) => reason],
  ['reason_detail', ({ reasonDetail }) => reasonDetail],
  ['created', ({ created }) => created],
  ['currency', ({ currency }) => currency],
  ['amount_minor', ({ amountMinor }) => amountMinor],
  ['amount', ({ amountMinor, currency }) => decimalCell(amountMinor, currency)],
  ['customer_balance', ({ customerBalance }) => customerBalance],
  ['transaction_id', ({ transactionId }) => transactionId],
  ['posted_at', ({ postedAt }) => postedAt],
  ['settled_how', ({ settledHow }) => settledHow],
  ['exception', ({ exception }) => exception],
  ['attempts', ({ attempts }) => attempts],
  ['in_doubt_since', ({ inDoubtSince }) => inDoubtSince],
  ['last_error', ({ lastError }) => lastError],
  ['dismissed_at', ({ dismissedAt }) => dismissedAt],
  ['dismissed_by', ({ dismissedBy }) => dismissedBy],
  ['dismissed_why', ({ dismissedWhy }) => dismissedWhy],
  ['run', ({ run }) => run],
  ['stored_at', ({ storedAt }) => storedAt],
];

export const ACTION_COLUMNS: CsvColumns<ActionRecord> = [
  ['id', ({ id }) => id],
  ['at', ({ at }) => at],
  ['actor', ({ actor }) => actor],
  ['origin', ({ origin }) => origin],
  ['kind', ({ kind }) => kind],
  ['subject', ({ subject }) => subject],
  ['why', ({ why }) => why],
  ['result', ({ result }) => result],
];

export const DAY_TOTAL_COLUMNS: CsvColumns<DayTotalRecord> = [
  ['day', ({ day }) => day],
  ['currency', ({ currency }) => currency],
  ['posted_count', ({ postedCount }) => postedCount],
  ['posted_minor', ({ posted }) => posted],
  ['posted', ({ posted, currency }) => decimalCell(posted, currency)],
  ['pending_count', ({ pendingCount }) => pendingCount],
  ['pending_minor', ({ pending }) => pending],
  ['pending', ({ pending, currency }) => decimalCell(pending, currency)],
  ['parked_count', ({ parkedCount }) => parkedCount],
  ['parked_minor', ({ parked }) => parked],
  ['parked', ({ parked, currency }) => decimalCell(parked, currency)],
  ['dismissed_count', ({ dismissedCount }) => dismissedCount],
];

/** A finding of the certificate of a currency; null: of a day without payments. */
export interface FindingRow extends DayFinding {
  readonly day: string;
  readonly currency: string | null;
}

export const FINDING_COLUMNS: CsvColumns<FindingRow> = [
  ['day', ({ day }) => day],
  ['currency', ({ currency }) => currency],
  ['kind', ({ kind }) => kind],
  ['payment_id', ({ paymentId }) => paymentId],
  ['stripe_amount_minor', ({ stripe }) => stripe?.amount ?? null],
  ['stripe_currency', ({ stripe }) => stripe?.currency ?? null],
  ['stripe_created', ({ stripe }) => stripe?.created ?? null],
  ['ledger_references', ({ ledger }) => ledger.map(({ reference }) => reference).join('; ')],
  ['ledger_transactions', ({ ledger }) => ledger.map(({ transactionId }) => transactionId).join('; ')],
  ['ledger_amounts_minor', ({ ledger }) => ledger.map(({ amount }) => amount ?? 'unknown').join('; ')],
  ['detail', ({ detail }) => detail],
  ['accepted_by', ({ accepted }) => accepted?.by ?? null],
  ['accepted_at', ({ accepted }) => accepted?.at ?? null],
  ['accepted_why', ({ accepted }) => accepted?.why ?? null],
];
