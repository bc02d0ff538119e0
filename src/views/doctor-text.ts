/**
 * What `doctor` prints: a line for each part where all is well, and for each fault its words, what to do, and the code by
 * which the runbook has it. Decides nothing. Pure.
 */

import { formatCount } from '../core/base/time-text.js';
import type { CheckState, DoctorReport, PartFinding } from '../core/doctor/finding.js';
import type { Tone, VerdictLine } from './status-text.js';
import { fitText, plainText, widthOf, wrapLine } from './text-width.js';

const MARKS: Readonly<Record<CheckState, string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: '-   ' };
const TONES: Readonly<Record<CheckState, Tone>> = { ok: 'good', warn: 'attention', fail: 'bad', skipped: 'quiet' };

/** @param columns cells of the terminal; 0: no limit */
export function doctorLines({ findings, ...reads }: DoctorReport, columns: number): VerdictLine[] {
  const partWidth = Math.max(0, ...findings.map(({ part }) => widthOf(part)));
  return [
    ...findings.flatMap((finding) =>
      linesOf(finding, { partWidth, columns }).map((text) => ({ text, tone: TONES[finding.state] })),
    ),
    { text: '', tone: 'quiet' },
    ...wrapLine(`${summaryOf(findings)} Nothing was changed; ${readsText(reads)}.`, columns).map((text) => ({
      text,
      tone: TONES[worstOf(findings)],
    })),
  ];
}

function linesOf(
  { part, state, code, text, do: next }: PartFinding,
  { partWidth, columns }: { readonly partWidth: number; readonly columns: number },
): string[] {
  const lead = `${MARKS[state]}  ${part.padEnd(partWidth)}  `;
  const room = columns === 0 ? 0 : Math.max(20, columns - widthOf(lead));
  const beneath = (line: string) => wrapLine(plainText(line), room);
  // Of what is well a glance is enough: it stays one line.
  if (state === 'ok' || state === 'skipped')
    return [`${lead}${room === 0 ? plainText(text) : fitText(plainText(text), room)}`];
  const [first = '', ...rest] = [
    ...beneath(`${text}${code === null ? '' : ` [${code}]`}`),
    ...(next === null ? [] : beneath(`do: ${next}`)),
  ];
  const indent = ' '.repeat(widthOf(lead));
  return [`${lead}${first}`, ...rest.map((line) => `${indent}${line}`)];
}

function worstOf(findings: readonly PartFinding[]): CheckState {
  return (['fail', 'warn'] as const).find((state) => findings.some((one) => one.state === state)) ?? 'ok';
}

function summaryOf(findings: readonly PartFinding[]): string {
  const countOf = (state: CheckState) => findings.filter((one) => one.state === state).length;
  const [faults, warnings] = [countOf('fail'), countOf('warn')];
  if (faults + warnings === 0) return 'All is well.';
  const counted = [...named(faults, 'fault'), ...named(warnings, 'warning')].join(' and ');
  const effect = faults > 0 ? ': as things stand, a worker cannot do all of its work' : '; a worker can do its work';
  return `${counted}${effect}. The codes in brackets are explained in docs/runbook.md.`;
}

function named(count: number, what: string): string[] {
  return count === 0 ? [] : [`${formatCount(count)} ${what}${count === 1 ? '' : 's'}`];
}

function readsText({ stripeReads: reads, isStripeAnswering }: Omit<DoctorReport, 'findings'>): string {
  if (reads === 0) return 'Stripe was not asked';
  return `${isStripeAnswering ? 'used' : 'tried'} ${formatCount(reads)} ${reads === 1 ? 'read' : 'reads'} of Stripe`;
}
