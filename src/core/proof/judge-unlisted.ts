/** Judges rows of a day's ledger that belong to no payment which Stripe lists on that day. */

import { dayWindow } from '../base/window.js';
import { currentRows } from '../ledger/current-rows.js';
import { isApplied, type LedgerRecord } from '../ledger/row.js';
import { type DayFinding, FINDING_KINDS } from './certificate.js';
import type { DayPosting, ExpectedPayment, JudgeRules } from './day-payment.js';
import { paymentOfReference, toFoundRow, tookEffectIn } from './day-row.js';
import { judgePayment } from './judge-payment.js';

/** What Stripe shows of a payment that rows of a day name and that its listing of the day does not have. */
export type OtherPayment =
  /** `held` is left out where the payment cannot be read. */
  | { readonly kind: 'created_on'; readonly day: string; readonly held?: HeldElsewhere }
  | { readonly kind: 'not_succeeded' }
  | { readonly kind: 'missing' };

/** What it takes to judge a payment of another day, beside all rows of it. */
export interface HeldElsewhere {
  readonly payment: ExpectedPayment;
  readonly own: readonly DayPosting[];
}

export interface OthersRules extends Pick<JudgeRules, 'isCollected' | 'balanceId'> {
  readonly day: string;
  readonly mirror: { readonly mirrorId: string; readonly startsAt: Date };
  readonly others: ReadonlyMap<string, OtherPayment>;
}

export interface JudgedOthers {
  readonly judged: readonly {
    readonly finding: DayFinding;
    readonly rows: readonly LedgerRecord[];
    /** They are a part of the ledger's side of this day. */
    readonly counts: boolean;
  }[];
  /** Applied rows of other mirrors, which are not judged. */
  readonly ofOtherMirrors: number;
  /** Rows whose payment was not asked for. */
  readonly notJudged: number;
}

/** @param groups rows by the payment that they name, or by their reference when they name none */
export function judgeOthers(
  groups: Iterable<readonly [string, readonly LedgerRecord[]]>,
  rules: OthersRules,
): JudgedOthers {
  const { day, mirror, others } = rules;
  const judged: JudgedOthers['judged'][number][] = [];
  let ofOtherMirrors = 0;
  let notJudged = 0;
  for (const [id, all] of groups) {
    const applied = all.filter(isApplied);
    const rows = currentRows(all.filter((row) => isClaimed(row, mirror))).filter(isApplied);
    ofOtherMirrors += applied.filter(({ mirrorId }) => mirrorId !== null && mirrorId !== mirror.mirrorId).length;
    const other = others.get(id);
    if (rows.length === 0 && other?.kind !== 'created_on') continue;
    const say = (kind: DayFinding['kind'], about: readonly LedgerRecord[], detail: string): DayFinding => {
      return { kind, paymentId: paymentOfReference(id) ?? id, stripe: null, ledger: about.map(toFoundRow), detail };
    };
    switch (other?.kind) {
      case undefined:
        notJudged += rows.length;
        break;
      case 'created_on': {
        const wrong = judgeElsewhere(all, other, rules);
        if (wrong !== null) {
          judged.push(wrong);
          break;
        }
        // Without our metadata it only took effect on this day; its own day shows it.
        const ours = rows.filter((row) => row.mirrorId !== null && row.day === day);
        const detail = `the payment was created on ${other.day}, its stripe_day says ${day}`;
        if (ours.length > 0) judged.push({ finding: say('day_key', ours, detail), rows: ours, counts: false });
        break;
      }
      case 'not_succeeded':
        judged.push({ finding: say('extra', rows, 'Stripe says that it has not succeeded'), rows, counts: true });
        break;
      case 'missing':
        judged.push({ finding: say('extra', rows, 'Stripe knows no such payment'), rows, counts: true });
        break;
      default:
        other satisfies never;
    }
  }
  return { judged, ofOtherMirrors, notJudged };
}

/**
 * A payment of another day of which something took effect on this one. Its own day finds the payment under its reference and asks for
 * nothing else, so what was booked beside it, or took it back, is said here: null while it stands in the ledger once.
 */
function judgeElsewhere(
  all: readonly LedgerRecord[],
  { day: itsDay, held }: Extract<OtherPayment, { kind: 'created_on' }>,
  { day, mirror, isCollected, balanceId }: OthersRules,
): JudgedOthers['judged'][number] | null {
  if (held === undefined) return null;
  const window = dayWindow(day);
  const rows = all.filter(
    (row) => isApplied(row) && isClaimed(row, mirror) && (row.day === day || tookEffectIn(row, window)),
  );
  const { mirrorId } = mirror;
  const isOurs = held.own.length > 0 || all.some((row) => row.mirrorId === mirrorId);
  if (rows.length === 0 || (held.payment.created < mirror.startsAt && !isOurs)) return null;
  const { payment, own } = held;
  const { findings } = judgePayment(payment, { rows: all, own }, { day: itsDay, mirrorId, isCollected, balanceId });
  const worst = findings.find(({ kind }) => FINDING_KINDS[kind].state === 'broken');
  if (worst === undefined) return null;
  const references = rows.map(({ reference }) => reference).sort();
  const detail = `${worst.detail}; the payment was created on ${itsDay}, and ${references.join(', ')} took effect on ${day}`;
  return { finding: { ...worst, detail }, rows, counts: false };
}

/** Ours, or of nobody's mirror since the start: what was booked by hand before it is not ours to judge. */
export function isClaimed(row: LedgerRecord, mirror: OthersRules['mirror']): boolean {
  if (row.mirrorId !== null) return row.mirrorId === mirror.mirrorId;
  const at = row.effectiveDate ?? row.createdAt;
  return at === null || at >= mirror.startsAt;
}
