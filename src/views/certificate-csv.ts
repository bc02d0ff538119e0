/**
 * Certificates as CSV (RFC 4180) for spreadsheets and audits: one row per certificate, amounts as whole minor units and as
 * decimal text. Text that a spreadsheet would take for a formula is quoted with an apostrophe.
 */
import { exponentOf } from '../core/base/currencies.js';
import { decimalText } from '../core/base/money.js';
import type { AcceptedFinding, CertificateRecord } from '../db/reads/certificates.js';

type Cell = string | number | bigint | boolean | Date | null;

/** Lines without their CRLF, the header first. */
export function certificateCsv(rows: readonly CertificateRecord[]): string[] {
  return [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, value]) => cellText(value(row))))].map(
    (cells) => cells.join(','),
  );
}

function decimal(amount: bigint | null, currency: string | null): string | null {
  return amount === null || currency === null ? null : decimalText({ amount, currency });
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const FORMULA = /^[=+\-@\t\r]/;

function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = cell instanceof Date ? cell.toISOString() : `${cell}`;
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function acceptedCell({ paymentId, kind, at, by, why }: AcceptedFinding): string {
  return `${paymentId ?? 'the day'} ${kind}: at ${at} by ${by}: ${why}`;
}

const COLUMNS: ReadonlyArray<readonly [name: string, value: (row: CertificateRecord) => Cell]> = [
  ['day', ({ day }) => day],
  ['currency', ({ currency }) => currency],
  ['currency_decimals', ({ currency }) => (currency === null ? null : (exponentOf(currency) ?? null))],
  ['state', ({ state }) => state],
  ['reopened', ({ reopened }) => reopened],
  ['trigger', ({ trigger }) => trigger],
  ['stripe_count', ({ stripeCount }) => stripeCount],
  ['stripe_sum_minor', ({ stripeSum }) => stripeSum],
  ['stripe_sum', ({ stripeSum, currency }) => decimal(stripeSum, currency)],
  ['stripe_hash', ({ stripeHash }) => stripeHash],
  ['ledger_count', ({ ledgerCount }) => ledgerCount],
  ['ledger_sum_minor', ({ ledgerSum }) => ledgerSum],
  ['ledger_sum', ({ ledgerSum, currency }) => decimal(ledgerSum, currency)],
  ['ledger_hash', ({ ledgerHash }) => ledgerHash],
  ['postings_count', ({ postingsCount }) => postingsCount],
  ['postings_sum_minor', ({ postingsSum }) => postingsSum],
  ['postings_sum', ({ postingsSum, currency }) => decimal(postingsSum, currency)],
  ['postings_hash', ({ postingsHash }) => postingsHash],
  ['movement_minor', ({ movement }) => movement],
  ['movement', ({ movement, currency }) => decimal(movement, currency)],
  ['unexplained_minor', ({ unexplained }) => unexplained],
  ['unexplained', ({ unexplained, currency }) => decimal(unexplained, currency)],
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
