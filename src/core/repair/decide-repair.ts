/**
 * Decides how one payment is repaired, from what Stripe and the ledger show of it now and what our own postings say. Pure:
 * the same facts give the same answer when a plan is made and when it is applied. Amounts and numbers in references come
 * from the ledger's rows; our postings only say who is at work already and what a person decided.
 */

import { formatMoney } from '../base/money.js';
import { currentRows } from '../ledger/current-rows.js';
import { judge } from '../ledger/settlement.js';
import type { PreparedTransaction } from '../posting/posting.js';
import type { RepairDecision, ReplacedPosting, Report } from './repair-decision.js';
import { expectPayment, isStoodFor, type OwnRow, ownOf, type RepairFacts } from './repair-facts.js';
import { readPaymentRows, signedAmount, withTakenBack } from './repair-rows.js';
import {
  acceptText,
  describeDifferent,
  describeDoubled,
  describeExtra,
  describeSplit,
  describeTakenBack,
  describeUndecided,
  dismissText,
  isFinal,
  meantText,
} from './repair-text.js';
import { type Deciding, describeHeld, replaceOriginal, variantOf } from './replace-original.js';

/** What is to be done about the payment. */
export function decideRepair(facts: RepairFacts): RepairDecision {
  const expectation = expectPayment(facts);
  const rows = readPaymentRows(facts.paymentId, facts.rows);
  if (expectation.kind === 'none') {
    const standing = currentRows(facts.rows);
    if (standing.length === 0)
      return { kind: 'settled', detail: `${expectation.problem}, and the ledger has nothing of it` };
    return { kind: 'report', finding: 'extra', detail: describeExtra(standing, expectation.problem, facts) };
  }
  if (expectation.kind === 'unusable') {
    const absent = facts.intent.kind === 'unreadable' ? 'unreadable' : null;
    const isThere = rows.standing.length > 0 || rows.legs.length > 0;
    return { kind: 'report', finding: isThere ? 'different' : absent, detail: expectation.problem };
  }
  return decideFor({ facts, rows: withTakenBack(rows, expectation), expected: expectation });
}

function decideFor(deciding: Deciding): RepairDecision {
  const { facts, rows, expected } = deciding;
  const undecided = rows.undecided[0];
  if (undecided !== undefined) {
    return { kind: 'waits', detail: describeUndecided(undecided) };
  }
  if (rows.legs.length > 0) {
    const finding = rows.standing.length > 0 ? 'doubled' : 'different';
    return { kind: 'report', finding, detail: describeSplit(rows, expected, facts) };
  }
  const counted = [...rows.standing, ...rows.corrections].map(({ row }) => row);
  const total = counted.reduce((sum, row) => sum + (signedAmount(row, expected) ?? 0n), 0n);
  const isRight = total === expected.transaction.amount;
  const wrong = [
    ...rows.otherStatus.map(({ row }) => row).filter((row) => !isRight || !isFinal(row)),
    ...counted.filter((row) => signedAmount(row, expected) === null),
  ];
  if (wrong.length > 0) {
    return { kind: 'report', finding: 'different', detail: describeDifferent(wrong, { expected, facts, rest: total }) };
  }
  const [first, ...more] = rows.standing;
  if (counted.length > 0 && isRight) return settle(deciding);
  // What still stands of an earlier repair is a part of it: beside that the whole amount would be too much.
  if (first === undefined) return total === 0n ? repairAbsent(deciding) : correctRemains(deciding, total);
  if (more.length > 0 || first.role === 'foreign') {
    const finding = more.length > 0 ? 'doubled' : 'different';
    return { kind: 'report', finding, detail: describeDoubled(rows, expected, facts) };
  }
  return correct(deciding, { base: first.base, by: expected.transaction.amount - total });
}

/** Nothing of it is in the ledger: its own reference when that is free, else a replacement. */
function repairAbsent(deciding: Deciding): RepairDecision {
  const { facts, rows, expected } = deciding;
  const { paymentId } = facts;
  const own = ownOf(facts, paymentId);
  const last = lastOf(facts);
  const held = ownOf(facts, last);
  const isUsed = (reference: string) =>
    rows.reversed.has(reference) || rows.rejected.some(({ base }) => base === reference);
  const isRefunded = isGivenBack(facts);
  const keptOut = keptOutBy(deciding, last);
  if (keptOut !== null) return keptOut;
  if (last === paymentId && !isUsed(paymentId)) {
    return makeDue(deciding, {
      action: 'post',
      target: expected.transaction,
      original: null,
      detail:
        own === undefined
          ? 'not in the ledger, and no posting of it here: stored and posted'
          : 'held as posted, but not in the ledger: posted again',
    });
  }
  const reference = isUsed(last) ? `${paymentId}:r${rows.highestReplacement + 1}` : last;
  const target = variantOf(deciding, { reference });
  const isReversed = rows.reversed.has(last);
  const original = replaceOriginal(deciding, {
    base: reference === last ? paymentId : last,
    reason: isReversed ? 'conflict' : 'burnt_reference',
    by: `replaced by ${reference}`,
  });
  if ('kind' in original) return original;
  const isVoid = rows.rejected.some(({ base, verdict }) => base === last && verdict === 'voided');
  const takenBack = isRefunded ? "was given back through Blnk's refund route" : 'was taken back by hand';
  const notApplied = isVoid ? 'was booked inflight and voided' : 'was queued and rejected in Blnk';
  // A parked posting has to be decided about: a day with one cannot be signed.
  const leave = held?.state === 'parked' ? dismissText(last) : acceptText(paymentId);
  const meant = isReversed ? `. If that is meant, apply nothing: ${leave}` : '';
  const detail = isUsed(last)
    ? `${last} ${isReversed ? takenBack : notApplied} and can never be used again: posted as ${reference}${meant}`
    : `its replacement ${reference} is not in the ledger: posted again`;
  return makeDue(deciding, { action: 'replace', target, original: original.change, detail });
}

/** The posting that is, or was, the payment: a replacement without one here never was, or was lost with everything else. */
function lastOf(facts: RepairFacts): string {
  const stand = facts.own.filter(({ role }) => role === 'replacement').sort((a, b) => numberOf(b) - numberOf(a))[0];
  return ownOf(facts, facts.paymentId)?.dismissed === true && stand !== undefined ? stand.reference : facts.paymentId;
}

function isGivenBack({ rows }: RepairFacts): boolean {
  return rows.some((row) => /_refund(_q)?$/.test(row.reference));
}

/** What stands for a dismissed payment is `last` itself, so only a person's decision is left here. */
function keptOutBy({ facts, rows }: Deciding, last: string): Report | null {
  const held = ownOf(facts, last);
  if (!rows.reversed.has(last) || held?.dismissed !== true || held.dismissedByPlan) return null;
  return { kind: 'report', finding: 'dismissed', detail: describeTakenBack(last, isGivenBack(facts)) };
}

/** No row is the payment any more, and corrections of it still stand: only what is missing beside them is posted. */
function correctRemains(deciding: Deciding, total: bigint): RepairDecision {
  const { facts, rows, expected } = deciding;
  const last = lastOf(facts);
  const keptOut = keptOutBy(deciding, last);
  if (keptOut !== null) return keptOut;
  const coming = facts.own.find(({ role, state }) => role !== 'correction' && state === 'pending');
  if (coming !== undefined) {
    return { kind: 'waits', detail: `${coming.reference} is pending and may be posted yet; then plan again` };
  }
  const decision = correct(deciding, { base: last, by: expected.transaction.amount - total });
  if (decision.kind !== 'act') return decision;
  const isReversed = rows.reversed.has(last);
  const gone = isReversed ? 'was taken back in the ledger' : 'is not in the ledger any more';
  const meant = isReversed ? `. If that is meant, apply nothing: ${acceptText(facts.paymentId)}` : '';
  return { ...decision, detail: `${last} ${gone}, and corrections of it stand: ${decision.detail}${meant}` };
}

function correct(deciding: Deciding, wrong: { readonly base: string; readonly by: bigint }): RepairDecision {
  const { facts, rows, expected } = deciding;
  const reference = `${facts.paymentId}:adj:${rows.highestCorrection + 1}`;
  const { currency } = expected.transaction;
  const original = replaceOriginal(deciding, {
    ...{ base: wrong.base, reason: 'conflict', by: `corrected by ${reference}`, staysPosted: true },
  });
  if ('kind' in original) return asDifferent(original);
  const had = formatMoney({ amount: expected.transaction.amount - wrong.by, currency });
  const due = makeDue(deciding, {
    action: 'correct',
    target: variantOf(deciding, { reference, correctedBy: wrong.by }),
    original: original.change,
    detail: `the ledger has ${had} instead of ${formatMoney(expected.transaction)}: the difference is posted as ${reference}${meantText(rows, expected, facts)}`,
    amount: wrong.by,
  });
  return asDifferent(due);
}

/** What is held back is not all: the ledger has another amount meanwhile. */
function asDifferent<Decision extends RepairDecision>(decision: Decision): Decision {
  return decision.kind === 'report' ? { ...decision, finding: 'different' } : decision;
}

interface Due {
  readonly action: 'post' | 'replace' | 'correct';
  readonly target: PreparedTransaction;
  readonly original: ReplacedPosting | null;
  readonly detail: string;
  readonly amount?: bigint;
}

/** A posting under this reference may be there already: at work, held for a person, or held as posted though it is gone. */
function makeDue({ facts }: Deciding, { action, target, original, detail, amount }: Due): RepairDecision {
  const own = ownOf(facts, target.reference);
  if (own?.state === 'pending') return { kind: 'settled', detail: `${target.reference} is on the way already` };
  if (own?.state === 'parked' && !(own.dismissed && isStoodFor(facts, own.reference))) {
    return describeHeld(own);
  }
  const { reference, currency } = target;
  return {
    kind: 'act',
    action,
    reference,
    currency,
    amount: amount ?? target.amount,
    detail,
    stores: [target],
    original,
    marks: null,
  };
}

/** The ledger has it right. What is parked here although it is there, is marked; what stands for it is stored. */
function settle(deciding: Deciding): RepairDecision {
  const { facts, rows, expected } = deciding;
  for (const { base } of rows.standing) {
    const own = ownOf(facts, base);
    if (own?.state !== 'parked') continue;
    const { amount, currency } = expected.transaction;
    const judged = judge(
      { ...expected.transaction, reference: base, mirrorId: facts.rules.mirrorId },
      facts.rows,
      expected.resolve,
    );
    if (judged.kind !== 'applied') continue;
    const { transactionId, ours, exception } = judged;
    const marks = { reference: base, transactionId, how: ours ? 'posted' : 'already_there', exception } as const;
    const detail = `${own.dismissed ? 'dismissed' : 'parked'} here, but in the ledger and equal: marked as posted`;
    return {
      kind: 'act',
      action: 'mark_posted',
      reference: base,
      currency,
      amount,
      detail,
      stores: [],
      original: null,
      marks,
    };
  }
  return adoptStandIns(deciding) ?? { kind: 'settled', detail: 'the ledger holds it as Stripe shows it' };
}

/** Replacements and corrections are in the ledger that our postings do not know, while the original waits for a person. */
function adoptStandIns(deciding: Deciding): RepairDecision | null {
  const { facts, rows, expected } = deciding;
  const own = ownOf(facts, facts.paymentId);
  if (own?.state !== 'parked') return null;
  const unknown = [...rows.standing, ...rows.corrections].filter(
    ({ base, role }) => (role === 'replacement' || role === 'correction') && ownOf(facts, base) === undefined,
  );
  const [first] = unknown;
  if (first === undefined) return null;
  const isReplaced = rows.standing.length > 0 && rows.standing.every(({ role }) => role === 'replacement');
  const reason = isReplaced && !rows.reversed.has(facts.paymentId) ? 'burnt_reference' : 'conflict';
  const by = `${isReplaced ? 'replaced' : 'corrected'} by ${first.base}`;
  const original = own.dismissed ? { change: null } : replaceOriginal(deciding, { base: facts.paymentId, reason, by });
  if ('kind' in original) return original;
  const stores = unknown.map(({ base, role, row }) => {
    if (role === 'replacement') return variantOf(deciding, { reference: base });
    const correctedBy = signedAmount(row, expected) ?? 0n;
    return variantOf(deciding, { reference: base, correctedBy });
  });
  return {
    kind: 'act',
    action: isReplaced ? 'replace' : 'correct',
    reference: first.base,
    currency: expected.transaction.currency,
    amount: signedAmount(first.row, expected) ?? 0n,
    detail: `the ledger holds ${first.base} already, and it is not known here: stored, and the original dismissed`,
    stores,
    original: original.change,
    marks: null,
  };
}

function numberOf({ reference }: OwnRow): number {
  return Number(/(\d+)$/.exec(reference)?.[1] ?? 0);
}
