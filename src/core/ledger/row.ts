/**
 * A transaction as the ledger shows it to whoever looks it up, or lists a day. Shapes only: which of several rows count is
 * `current-rows.ts`, and whether one is right is for those who judge.
 */

export interface LedgerRow {
  readonly transactionId: string;
  readonly reference: string;
  /** `APPLIED`, `QUEUED`, `REJECTED`, `INFLIGHT`, `VOID`, … */
  readonly status: string;
  /** Minor units; null when the answer carries no exact amount. */
  readonly amount: bigint | null;
  readonly currency: string;
  /** Balance ids (`bln_…`); a queued row still shows the names as sent. */
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date | null;
  /** Our `stripe_mirror` key, or null when somebody else wrote the row. */
  readonly mirrorId: string | null;
  readonly rejectionReason: string | null;
  /** The transaction that this one commits, voids, refunds or is the queued copy of; a batch or a split has no row of its own. */
  readonly parentId?: string | null;
  /** What its children made of a row that was booked inflight; only of rows that were read as current. */
  readonly outcome?: InflightOutcome;
}

/** A row with what shows beside the money whose it is; posting needs nothing of that. */
export interface LedgerRecord extends LedgerRow {
  /** `stripe_payment_intent_id` of our metadata; null when there is none. */
  readonly paymentId: string | null;
  /** `stripe_day` of our metadata. */
  readonly day: string | null;
  readonly createdAt: Date | null;
}

/** What became of a row that was booked inflight; it stays `INFLIGHT` in Core for ever, its children say the rest. */
export interface InflightOutcome {
  /** Minor units, as booked; null when unknown. */
  readonly booked: bigint | null;
  readonly committed: bigint;
  readonly voided: bigint;
}

export function isApplied({ status }: LedgerRow): boolean {
  return status === 'APPLIED';
}

/** Applied, and made by the mirror that asks. */
export function isPlainlyOurs(row: LedgerRow, own: { readonly mirrorId: string }): boolean {
  return isApplied(row) && row.mirrorId === own.mirrorId;
}

/** What tells rows apart: both, because each id that could not be read is the same `unknown`. */
export function rowKey({ transactionId, reference }: LedgerRow): string {
  return `${transactionId} ${reference}`;
}

/** Each row once, however often it was found. */
export function distinctRows<Row extends LedgerRow>(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [rowKey(row), row])).values()];
}
