/**
 * What becomes of a posting that another one stands for, or why nothing may be done yet; and what stands for it. Pure: the
 * part that every repair of a payment shares. It never says whether a repair is due.
 */
import { prepareVariant } from '../posting/mapping.js';
import type { PreparedTransaction } from '../posting/posting.js';
import type { RepairAct, RepairDecision, ReplacedPosting, Report } from './repair-decision.js';
import { type Expected, isStoodFor, type OwnRow, ownOf, type RepairFacts } from './repair-facts.js';
import type { PaymentRows } from './repair-rows.js';

export interface Deciding {
  readonly facts: RepairFacts;
  readonly rows: PaymentRows;
  readonly expected: Expected;
}

export interface Original {
  readonly base: string;
  readonly reason: 'burnt_reference' | 'conflict';
  readonly by: string;
  /** A correction leaves what was posted as it is: the two together are what the ledger should hold. */
  readonly staysPosted?: true;
}

/** What becomes of the posting that another one stands for; or why nothing may be done yet. */
export function replaceOriginal(
  deciding: Deciding,
  { base, reason, by, staysPosted }: Original,
): { readonly change: ReplacedPosting | null } | Exclude<RepairDecision, RepairAct> {
  const { facts, expected } = deciding;
  const own = ownOf(facts, base);
  const transaction = base === facts.paymentId ? expected.transaction : variantOf(deciding, { reference: base });
  const change = { transaction, reason, why: by };
  // Stored as well: collecting would store it anew, and it would be parked once more.
  if (own === undefined) return { change };
  if (own.state === 'pending') {
    return {
      kind: 'waits',
      detail: `${base} is pending: a worker parks it once its last look-up is late enough; then plan again`,
    };
  }
  if (own.state === 'posted') return { change: staysPosted ? null : change };
  if (own.dismissed) return isStoodFor(facts, base) ? { change: null } : describeHeld(own);
  return own.reason === reason || own.reason === 'refused_by_blnk' ? { change } : describeHeld(own);
}

/** A transaction beside the payment's own; that one could be prepared, so this one can be. */
export function variantOf(
  { facts, expected }: Deciding,
  variant: Parameters<typeof prepareVariant>[2],
): PreparedTransaction {
  const preparation = prepareVariant(expected.payment, facts.rules, variant);
  if (preparation.kind === 'prepared') return preparation.transaction;
  throw new RangeError(`${variant.reference} cannot be prepared although its payment can: ${preparation.detail}`);
}

export function describeHeld({ reference, reason, dismissed }: OwnRow): Report {
  return {
    kind: 'report',
    finding: dismissed ? 'dismissed' : 'parked',
    detail: dismissed
      ? `${reference} was dismissed by a person: it stays out; parked retry takes that back`
      : `${reference} is parked (${reason}) and waits for a person: parked show, then parked retry or parked dismiss`,
  };
}
