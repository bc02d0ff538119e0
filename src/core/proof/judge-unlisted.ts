/** Judges rows of a day's ledger that belong to no payment which Stripe lists on that day. */

import { currentRows } from '../ledger/current-rows.js';
import { isApplied, type LedgerRecord } from '../ledger/row.js';
import type { DayFinding } from './certificate.js';
import { paymentOfReference, toFoundRow } from './day-row.js';

/** What Stripe shows of a payment that rows of a day name and that its listing of the day does not have. */
export type OtherPayment =
  | { readonly kind: 'created_on'; readonly day: string }
  | { readonly kind: 'not_succeeded' }
  | { readonly kind: 'missing' };

export interface OthersRules {
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
  { day, mirror, others }: OthersRules,
): JudgedOthers {
  const judged: JudgedOthers['judged'][number][] = [];
  let ofOtherMirrors = 0;
  let notJudged = 0;
  for (const [id, all] of groups) {
    const applied = all.filter(isApplied);
    const rows = currentRows(all.filter((row) => isClaimed(row, mirror))).filter(isApplied);
    ofOtherMirrors += applied.filter(({ mirrorId }) => mirrorId !== null && mirrorId !== mirror.mirrorId).length;
    if (rows.length === 0) continue;
    const other = others.get(id);
    const say = (kind: DayFinding['kind'], about: readonly LedgerRecord[], detail: string): DayFinding => {
      return { kind, paymentId: paymentOfReference(id) ?? id, stripe: null, ledger: about.map(toFoundRow), detail };
    };
    switch (other?.kind) {
      case undefined:
        notJudged += rows.length;
        break;
      case 'created_on': {
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

/** Ours, or of nobody's mirror since the start: what was booked by hand before it is not ours to judge. */
export function isClaimed(row: LedgerRecord, mirror: OthersRules['mirror']): boolean {
  if (row.mirrorId !== null) return row.mirrorId === mirror.mirrorId;
  const at = row.effectiveDate ?? row.createdAt;
  return at === null || at >= mirror.startsAt;
}
