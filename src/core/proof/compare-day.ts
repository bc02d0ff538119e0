/**
 * Compares both sides of one UTC day, or of a piece of it, as sets, currency by currency. Pure: it is given everything that was
 * read of its payments, whatever the order, and asks for nothing. Our own postings explain what is not in the ledger; nothing
 * else is computed from them. What pieces come to is added up in `tally-day.ts`.
 */

import { dayWindow } from '../base/window.js';
import { isApplied, type LedgerRecord } from '../ledger/row.js';
import type { DayFinding } from './certificate.js';
import {
  type DayPosting,
  type ExpectedPayment,
  type HeldOfPayment,
  type JudgeRules,
  lineOf,
  type SideLine,
} from './day-payment.js';
import { isBeforeStart, isoSeconds, toFoundRow, tookEffectIn } from './day-row.js';
import { judgePayment } from './judge-payment.js';
import { judgeOthers, type OthersRules } from './judge-unlisted.js';

/** A succeeded payment that cannot be posted, because something of it cannot be read. */
export interface UnreadableOfDay {
  readonly id: string;
  readonly problem: string;
  /** In upper case; null when it is what cannot be read: then no currency of the day is known to be whole. */
  readonly currency: string | null;
}

export interface DaySides extends OthersRules, Pick<JudgeRules, 'isCollected' | 'balanceId'> {
  /** Succeeded payments created on this day; each once. */
  readonly payments: readonly ExpectedPayment[];
  readonly unreadable: readonly UnreadableOfDay[];
  /** Every row that was found of these payments, or of none that Stripe lists, of any status; each once. */
  readonly rows: readonly LedgerRecord[];
  /**
   * The payment that a row is of, or its reference when it is of none. It follows from all rows and payments of the day
   * (`paymentsOfRows`): those of a piece do not say it.
   */
  groupOf(row: LedgerRecord): string;
  readonly own: readonly DayPosting[];
  /** Ids of the mirror's own balances, by currency, as far as the ledger has them. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** What is found of one currency. */
export interface ComparedCurrency {
  /** In no order. */
  readonly findings: readonly DayFinding[];
  readonly stripe: readonly SideLine[];
  readonly ledger: readonly SideLine[];
  readonly own: readonly SideLine[];
}

export interface ComparedSides {
  /** None when there is nothing to compare. */
  readonly currencies: ReadonlyMap<string, ComparedCurrency>;
  /** Of payments of which no currency is known: findings of every currency of the day. */
  readonly everywhere: readonly DayFinding[];
  /** What the rows take out of the source balance on this day, in minor units by currency, whether there are findings of it or not. */
  readonly explained: ReadonlyMap<string, bigint>;
  /** Applied rows of other mirrors, which are not judged. */
  readonly ofOtherMirrors: number;
  /** Rows whose payment was not asked for. */
  readonly notJudged: number;
}

export function compareSides(sides: DaySides): ComparedSides {
  const drafts = new Drafts();
  const known = new Set([...sides.payments, ...sides.unreadable].map(({ id }) => id));
  const rowsOf = groupBy(sides.rows, sides.groupOf);
  const ownOf = groupBy(sides.own, ({ paymentId }) => paymentId);

  const heldOf = (id: string): HeldOfPayment => ({ rows: rowsOf.get(id) ?? [], own: ownOf.get(id) ?? [] });

  for (const payment of sides.payments) {
    comparePayment(payment, heldOf(payment.id), { sides, drafts });
  }
  const everywhere: DayFinding[] = [];
  for (const { id, problem, currency } of sides.unreadable) {
    if (isBeforeStart(sides.day, sides.mirror.startsAt) && !isOurs(heldOf(id), sides)) continue;
    const rows = (rowsOf.get(id) ?? []).filter(isApplied);
    for (const row of rows) drafts.of(row.currency).ledger.push(lineOf(row));
    const isDismissed = rows.length === 0 && (ownOf.get(id) ?? []).some(({ dismissed }) => dismissed);
    const kind = isDismissed ? 'dismissed' : 'unreadable';
    const finding: DayFinding = { kind, paymentId: id, stripe: null, ledger: rows.map(toFoundRow), detail: problem };
    if (currency === null) {
      everywhere.push(finding);
      continue;
    }
    for (const named of new Set([currency, ...rows.map((row) => row.currency)])) {
      drafts.of(named).findings.push({ ...finding, ofCurrency: currency });
    }
  }
  const unknown = judgeOthers(
    [...rowsOf].filter(([id]) => !known.has(id)),
    sides,
  );
  for (const { finding, rows, counts } of unknown.judged) {
    for (const row of counts ? rows : []) drafts.of(row.currency).ledger.push(lineOf(row));
    for (const currency of new Set(rows.map((row) => row.currency))) drafts.of(currency).findings.push(finding);
  }
  for (const line of ownLines(sides)) drafts.of(line.currency).own.push(line);
  const { ofOtherMirrors, notJudged } = unknown;
  return { currencies: drafts.byCurrency, everywhere, explained: explainedBy(sides), ofOtherMirrors, notJudged };
}

/** As it goes into the hash. */
export function textOfLine({ id, amount, currency, effectiveDate }: SideLine): string {
  return `${id}|${amount ?? 'unknown'}|${currency}|${effectiveDate === null ? 'none' : isoSeconds(effectiveDate)}`;
}

interface Draft {
  readonly findings: DayFinding[];
  readonly stripe: SideLine[];
  readonly ledger: SideLine[];
  readonly own: SideLine[];
}

class Drafts {
  readonly byCurrency = new Map<string, Draft>();

  of(currency: string): Draft {
    const draft = this.byCurrency.get(currency) ?? emptyDraft();
    this.byCurrency.set(currency, draft);
    return draft;
  }
}

function emptyDraft(): Draft {
  return { findings: [], stripe: [], ledger: [], own: [] };
}

function comparePayment(
  payment: ExpectedPayment,
  held: HeldOfPayment,
  { sides, drafts }: { readonly sides: DaySides; readonly drafts: Drafts },
): void {
  if (payment.created < sides.mirror.startsAt && !isOurs(held, sides)) return;
  const { id, amount, currency, created } = payment;
  drafts.of(currency).stripe.push({ id, amount, currency, effectiveDate: created });
  const { findings, lines } = judgePayment(payment, held, { ...sides, mirrorId: sides.mirror.mirrorId });
  for (const line of lines) drafts.of(line.currency).ledger.push(line);
  // A row in another currency is missing here and too much there: both certificates have to say so.
  for (const named of new Set([currency, ...lines.map((line) => line.currency)])) {
    drafts.of(named).findings.push(...findings);
  }
}

/** Of a payment from before the start only what we did, or said that we would do, is ours to prove. */
function isOurs({ own, rows }: HeldOfPayment, { mirror }: DaySides): boolean {
  return own.length > 0 || rows.some(({ mirrorId }) => mirrorId === mirror.mirrorId);
}

/**
 * What is in the ledger by our table, folded like the ledger's rows. A correction adds nothing: it makes what is there,
 * and what our table never had the amount of, into the payment. So a dismissed payment whose correction is posted counts.
 */
function ownLines({ own }: DaySides): SideLine[] {
  return [...groupBy(own, ({ paymentId }) => paymentId)].flatMap(([id, postings]) => {
    const whole = postings.filter(({ role }) => role !== 'correction');
    const posted = whole.filter(({ state }) => state === 'posted');
    const isCorrected =
      postings.some(({ role, state }) => role === 'correction' && state === 'posted') &&
      whole.every(({ state }) => state !== 'pending');
    const counted = posted.length === 0 && isCorrected ? whole.slice(0, 1) : posted;
    return counted.slice(0, 1).flatMap(({ currency, effectiveDate }) => {
      if (currency === null) return [];
      const amount = counted.reduce((sum, posting) => sum + (posting.amount ?? 0n), 0n);
      return [{ id, amount, currency, effectiveDate }];
    });
  });
}

function explainedBy({ rows, day, sources }: DaySides): Map<string, bigint> {
  const window = dayWindow(day);
  const explained = new Map<string, bigint>();
  for (const row of rows) {
    if (!isApplied(row) || !tookEffectIn(row, window)) continue;
    const own = sources.get(row.currency) ?? [];
    const amount = row.amount ?? 0n;
    const [isOut, isBack] = [own.includes(row.source), own.includes(row.destination)];
    // Between two of them nothing moves.
    if (isOut !== isBack) explained.set(row.currency, (explained.get(row.currency) ?? 0n) + (isOut ? amount : -amount));
  }
  return explained;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
