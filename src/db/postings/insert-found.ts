/** The postings of a page of collect: what is new is stored, pending or parked; what is known is left alone. */
import { type SQL, sql } from 'drizzle-orm';
import type { NewPosting, OpenRun } from '../../collect/ports.js';
import { cleanText } from '../../core/posting/metadata.js';
import { serializePayment } from '../../core/posting/payment.js';
import { laneName, type ParkingReason, type PostingState } from '../../core/posting/posting.js';
import type { Transaction } from '../connection/open.js';
import { kindOf, postings } from '../schema/postings.js';
import { isUnreadable, mapped, pending } from './transitions.js';
import { assignments } from './write-transition.js';

export async function insertFound(transaction: Transaction, run: OpenRun, found: readonly NewPosting[]) {
  if (found.length === 0) return [];
  return transaction.execute<StoredRow>(insertionOf(found, { run: sql`${run.id}::uuid`, joined: sql`` }));
}

/**
 * The statement, which answers a `StoredRow` for each that is new or can be read now. A payment that could not be read before
 * and can be now (Stripe answered late, this software learned) takes its place: nothing of it was ever posted. A page goes
 * over as one JSON parameter: with a parameter per column the query builder took more time than everything else of
 * collecting. Sorted by reference: two runs that store the same payments in different orders would deadlock.
 */
export function insertionOf(
  found: readonly NewPosting[],
  { run, joined }: { readonly run: SQL; readonly joined: SQL },
): SQL {
  const rows = found.map(toRow).sort((a, b) => (a.reference < b.reference ? -1 : 1));
  return sql`
    insert into ${postings} (reference, object_id, object, role, kind, lane, source, destination, currency, amount, precision, effective_at,
      state, reason, reason_detail, prepared, payment, first_run)
    select reference, reference, page.object, 'original', page.kind, lane, source, destination, currency, amount, precision, effective_at,
      page.state, reason, reason_detail, prepared, payment, ${run}
    from json_to_recordset(${JSON.stringify(rows)}) as page (
      reference text, object text, kind text, lane text, source text, destination text, currency text, amount bigint, precision integer,
      effective_at timestamptz, state text, reason text, reason_detail text, prepared text, payment text) ${joined}
    on conflict (reference) do update set ${sql.raw(assignments(pending))}, ${sql.raw(assignments(mapped, 'excluded'))}
    where ${isUnreadable} and excluded.state = 'pending'
    returning lane, state, xmax = 0 as is_new, reason, reason_detail as detail,
      case when state = 'parked' then reference end as parked`;
}

export interface StoredRow extends Record<string, unknown> {
  /** Null when it is parked. */
  readonly lane: string | null;
  readonly state: PostingState;
  /** False: it was parked as unreadable, and is pending now. */
  readonly is_new: boolean;
  readonly reason: ParkingReason | null;
  readonly detail: string | null;
  /** Its reference, when it is parked. */
  readonly parked: string | null;
}

/** A row of `postings` as JSON: amounts as text, because they may exceed what a JSON number keeps exactly. */
export function toRow({ payment, seenAt, object, preparation }: NewPosting) {
  const kind = kindOf({ object, role: 'original' });
  if (preparation.kind === 'prepared') {
    const { reference, lane, source, destination, currency, amount, precision, effectiveDate, body } =
      preparation.transaction;
    return {
      object,
      kind,
      lane: laneName(lane),
      reference,
      source,
      destination,
      currency,
      precision,
      amount: amount.toString(),
      effective_at: effectiveDate,
      state: 'pending',
      prepared: body,
    };
  }
  // What Stripe sent goes here as it is, and PostgreSQL's text cannot hold every character.
  const isReadable = payment.kind === 'payment';
  return {
    object,
    kind,
    reference: payment.id,
    currency: isReadable ? cleanText(payment.currency.toUpperCase()) : null,
    amount: isReadable ? payment.amountReceived.toString() : null,
    effective_at: payment.created ?? seenAt,
    state: 'parked',
    reason: preparation.reason,
    reason_detail: cleanText(preparation.detail),
    payment: serializePayment(payment),
  };
}
