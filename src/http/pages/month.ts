/** The days of one month as they stand, those without a certificate too, and whether the month can be closed. Pure. */
import { formatCount } from '../../core/base/time-text.js';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import { type CertificateState, worstState } from '../../core/proof/certificate.js';
import type { CertificateRecord } from '../../db/reads/certificates.js';
import type { FindingCount } from '../../db/reads/finding-counts.js';

/** `2026-11`. */
export type Month = string;

/** `again`: sealed, and to be proven again. `unproven`: over, without a certificate. `not_over`: it still runs, or has not come. */
export type DayLook = CertificateState | 'again' | 'unproven' | 'not_over';

export interface ShownDay {
  readonly day: string;
  readonly look: DayLook;
}

export interface MonthDays {
  /** From the mirror's start on, oldest first. */
  readonly days: readonly ShownDay[];
  /** How many of the month lie before it. */
  readonly beforeStart: number;
}

/** What nothing more is to be done about. */
const CLOSED: readonly DayLook[] = ['sealed', 'sealed_with_exceptions'];

export function isClosed({ look }: ShownDay): boolean {
  return CLOSED.includes(look);
}

type Judged = Pick<CertificateRecord, 'day' | 'state' | 'reopened'>;

/** Oldest first, each with the worst of its currencies. */
export function toDays(certificates: readonly Judged[]): Judged[] {
  return [...groupByDay(certificates)]
    .map(([day, rows]) => ({
      day,
      state: worstState(rows.map(({ state }) => state)),
      reopened: rows.some(({ reopened }) => reopened),
    }))
    .sort((a, b) => (a.day < b.day ? -1 : 1));
}

/** What is broken stays so until the next proof has looked. */
export function toShown({ day, state, reopened }: Judged): ShownDay {
  return { day, look: reopened && CLOSED.includes(state) ? 'again' : state };
}

export function groupByDay<Row extends { readonly day: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const days = new Map<string, Row[]>();
  for (const row of rows) days.set(row.day, [...(days.get(row.day) ?? []), row]);
  return days;
}

export interface MonthFacts {
  readonly certificates: readonly Judged[];
  readonly month: Month;
  /** Null: nothing is mirrored yet. */
  readonly startsAt: Date | null;
  readonly now: Date;
}

export function monthDays({ certificates, month, startsAt, now }: MonthFacts): MonthDays {
  const proven = new Map(toDays(certificates).map((judged) => [judged.day, toShown(judged)]));
  const [first, today] = [utcDay(startsAt ?? now), utcDay(now)];
  const begin = Date.parse(`${month}-01`);
  const length = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
  const all = Array.from({ length }, (_, index) => utcDay(new Date(begin + index * DAY_MS)));
  const days = all
    .filter((day) => day >= first || proven.has(day))
    .map((day): ShownDay => proven.get(day) ?? { day, look: day >= today ? 'not_over' : 'unproven' });
  return { days, beforeStart: length - days.length };
}

export interface Closing {
  readonly tone: 'good' | 'attention' | 'bad' | 'quiet';
  readonly answer: string;
  /** Sentences, each a paragraph. */
  readonly because: readonly string[];
}

const REASONS: ReadonlyArray<readonly [look: DayLook, words: string]> = [
  ['broken', 'broken'],
  ['open', 'open'],
  ['again', 'to be proven again'],
  ['not_covered', 'not covered'],
  ['unproven', 'not proven yet'],
  ['not_over', 'not over yet'],
];

/** @param kinds what the newest proofs found on days that are not sealed */
export function closingOf({ days, beforeStart }: MonthDays, month: Month, kinds: readonly FindingCount[]): Closing {
  const before =
    beforeStart === 0
      ? []
      : [`${countDays(beforeStart)} before the start of this mirror ${beforeStart === 1 ? 'is' : 'are'} left out.`];
  if (days.length === 0) {
    return { tone: 'quiet', answer: `${month} is before the start of this mirror`, because: [] };
  }
  const closed = days.filter(isClosed);
  const exceptions = closed.filter(({ look }) => look === 'sealed_with_exceptions').length;
  const reasons = REASONS.flatMap(([look, words]) => {
    const named = days.filter((shown) => shown.look === look).map(({ day }) => day);
    if (named.length === 0) return [];
    const what = look === 'broken' || look === 'open' ? kindsText(kinds, named) : '';
    return [`${formatCount(named.length)} ${words}: ${daysText(named)}${what}.`];
  });
  const isClosable = reasons.length === 0;
  const withExceptions =
    exceptions === 0 ? '' : `, ${formatCount(exceptions)} of them with exceptions that are explained`;
  return {
    tone: isClosable ? 'good' : days.some(({ look }) => look === 'broken') ? 'bad' : 'attention',
    answer: `${month} ${isClosable ? 'can be closed' : 'cannot be closed yet'}`,
    because: [
      `${formatCount(closed.length)} of ${countDays(days.length)} sealed${withExceptions}.`,
      ...reasons,
      ...before,
    ],
  };
}

function kindsText(kinds: readonly FindingCount[], days: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const { day, kind, count } of kinds) {
    if (days.includes(day)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
  const words = [...counts].map(([kind, count]) => `${formatCount(count)} ${kind.replaceAll('_', ' ')}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

/** Days of one month by their numbers: `03, 05 to 09`. */
export function daysText(days: readonly string[]): string {
  const stretches: Array<{ from: number; to: number }> = [];
  for (const number of days.map((day) => Number(day.slice(8)))) {
    const last = stretches.at(-1);
    if (last !== undefined && number === last.to + 1) last.to = number;
    else stretches.push({ from: number, to: number });
  }
  const two = (number: number) => String(number).padStart(2, '0');
  return stretches
    .map(({ from, to }) => (from === to ? two(from) : `${two(from)}${to === from + 1 ? ', ' : ' to '}${two(to)}`))
    .join(', ');
}

function countDays(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'day' : 'days'}`;
}
