/** Certificates as CSV: one row per certificate. */
import { exponentOf } from '../core/base/currencies.js';
import type { AcceptedFinding, CertificateRecord } from '../db/reads/certificates.js';
import { type CsvColumns, csvHeader, csvLine, decimalCell } from './csv.js';

/** Lines without their CRLF, the header first. */
export function certificateCsv(rows: readonly CertificateRecord[]): string[] {
  return [csvHeader(CERTIFICATE_COLUMNS), ...rows.map((row) => csvLine(CERTIFICATE_COLUMNS, row))];
}

function acceptedCell({ paymentId, kind, at, by, why }: AcceptedFinding): string {
  return `${paymentId ?? 'the day'} ${kind}: at ${at} by ${by}: ${why}`;
}

export const CERTIFICATE_COLUMNS: CsvColumns<CertificateRecord> = [
  ['day', ({ day }) => day],
  ['currency', ({ currency }) => currency],
  ['currency_decimals', ({ currency }) => (currency === null ? null : (exponentOf(currency) ?? null))],
  ['state', ({ state }) => state],
  ['reopened', ({ reopened }) => reopened],
  ['trigger', ({ trigger }) => trigger],
  ['stripe_count', ({ stripeCount }) => stripeCount],
  ['stripe_sum_minor', ({ stripeSum }) => stripeSum],
  ['stripe_sum', ({ stripeSum, currency }) => decimalCell(stripeSum, currency)],
  ['stripe_hash', ({ stripeHash }) => stripeHash],
  ['ledger_count', ({ ledgerCount }) => ledgerCount],
  ['ledger_sum_minor', ({ ledgerSum }) => ledgerSum],
  ['ledger_sum', ({ ledgerSum, currency }) => decimalCell(ledgerSum, currency)],
  ['ledger_hash', ({ ledgerHash }) => ledgerHash],
  ['postings_count', ({ postingsCount }) => postingsCount],
  ['postings_sum_minor', ({ postingsSum }) => postingsSum],
  ['postings_sum', ({ postingsSum, currency }) => decimalCell(postingsSum, currency)],
  ['postings_hash', ({ postingsHash }) => postingsHash],
  ['movement_minor', ({ movement }) => movement],
  ['movement', ({ movement, currency }) => decimalCell(movement, currency)],
  ['unexplained_minor', ({ unexplained }) => unexplained],
  ['unexplained', ({ unexplained, currency }) => decimalCell(unexplained, currency)],
  ['findings_count', ({ findingsCount }) => findingsCount],
  ['accepted', ({ accepted }) => accepted.map(acceptedCell).join('; ')],
  ['not_seen', ({ notSeen }) => notSeen.join('; ')],
  ['reopens', ({ reopens }) => reopens],
  ['reopened_because', ({ reopenedBecause }) => reopenedBecause],
  ['proved_at', ({ provedAt }) => provedAt],
  ['stripe_as_of', ({ stripeAsOf }) => stripeAsOf],
  ['stripe_requests', ({ stripeRequests }) => stripeRequests],
  ['ledger_requests', ({ ledgerRequests }) => ledgerRequests],
  ['version', ({ version }) => version],
  ['certificate_id', ({ id }) => id],
  ['proof_id', ({ proofId }) => proofId],
];
