/** What `repair plan` and `repair apply` print: tables for what is done, whole sentences for what a person has to do. */

import { formatMoney } from '../core/base/money.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount } from '../core/base/time-text.js';
import { FINDING_KINDS, type FindingKind } from '../core/proof/certificate.js';
import type { ItemState, PlanOutcome, RepairItem, RepairPlan } from '../core/repair/repair-plan.js';
import { type Column, renderTable } from './table.js';
import { plainText } from './text-width.js';

export function planLines(result: PlanOutcome, terminalColumns: number): string[] {
  const { plan, reported, left, days, findingsNotKept } = result;
  const planned = plan?.items.filter(({ action }) => action !== 'report') ?? [];
  const lines: string[] = [];
  if (plan === null) lines.push(nothingLine(result));
  else
    lines.push(
      `Plan ${plan.id}: ${formatCount(planned.length)} to do on ${daysText(days)}.`,
      '',
      ...renderTable(PLANNED, planned, terminalColumns),
    );
  if (left.length > 0)
    lines.push(
      '',
      'Nothing to do, or not yet:',
      ...left.map(({ day, paymentId, detail }) => plainText(`${day} ${paymentId}: ${detail}`)),
    );
  lines.push(...reportedLines(reported));
  if (findingsNotKept > 0) {
    lines.push(
      '',
      `${formatCount(findingsNotKept)} more findings were counted and not kept: apply this plan, prove the days again, and plan again.`,
    );
  }
  if (plan !== null) lines.push('', `Apply it with: ${commandLine(`repair apply ${plan.id}`)}`);
  return lines;
}

export function applyLines(plan: RepairPlan, terminalColumns: number): string[] {
  const items = plan.items.filter(({ state }) => state !== 'reported');
  const count = (state: ItemState) => items.filter((item) => item.state === state).length;
  const parts = (['done', 'skipped', 'refused', 'planned'] as const)
    .map((state) => [state, count(state)] as const)
    .filter(([, number]) => number > 0)
    .map(([state, number]) => `${formatCount(number)} ${STATE_WORDS[state]}`);
  const lines = [`Plan ${plan.id}: ${parts.join(', ')}.`, '', ...renderTable(APPLIED, items, terminalColumns)];
  const refused = items.filter(({ state }) => state === 'refused');
  if (refused.length > 0) {
    lines.push('', 'Refused, because something changed since the plan; prove the days and plan again:');
    lines.push(...refused.map(({ day, paymentId, detail }) => plainText(`${day} ${paymentId}: ${detail}`)));
  }
  lines.push('', ...nextLines(plan, items));
  return lines;
}

/** What happens now, and the command that shows it, on a line of its own. */
function nextLines({ fromDay, toDay }: RepairPlan, items: readonly RepairItem[]): string[] {
  const prove = `  ${commandLine(`prove --from ${fromDay} --to ${toDay}`)}`;
  const owed = items.filter(({ state, action }) => state === 'done' && action !== 'mark_posted').length;
  if (owed === 0)
    return ['Nothing is left to be posted; a worker proves the days again within a minute, or at once:', prove];
  const what = owed === 1 ? 'The posting goes' : `The ${formatCount(owed)} postings go`;
  return [
    `${what} out with the next turn of a worker, within a minute; then it proves the days again by itself, or at once:`,
    prove,
  ];
}

const STATE_WORDS: Readonly<Record<ItemState, string>> = {
  done: 'done',
  skipped: 'done already',
  refused: 'refused',
  planned: 'not done yet',
  reported: 'for a person',
};

const PLANNED: readonly Column<RepairItem>[] = [
  { title: 'item', value: ({ item }) => String(item), align: 'right', rank: 0 },
  { title: 'day', value: ({ day }) => day, rank: 3 },
  { title: 'payment', value: ({ paymentId }) => paymentId, rank: 0 },
  { title: 'what is wrong', value: ({ finding }) => finding, rank: 1 },
  { title: 'what is done', value: ({ action }) => action, rank: 0 },
  { title: 'reference', value: ({ reference }) => reference ?? '', rank: 2 },
  { title: 'amount', value: amountText, align: 'right', rank: 1 },
  { title: 'why', value: ({ detail }) => detail, rank: 4, shortenTo: 20 },
];

const APPLIED: readonly Column<RepairItem>[] = [
  { title: 'item', value: ({ item }) => String(item), align: 'right', rank: 0 },
  { title: 'payment', value: ({ paymentId }) => paymentId, rank: 0 },
  { title: 'action', value: ({ action }) => action, rank: 1 },
  { title: 'reference', value: ({ reference }) => reference ?? '', rank: 2 },
  { title: 'amount', value: amountText, align: 'right', rank: 2 },
  { title: 'outcome', value: ({ state }) => STATE_WORDS[state], rank: 0 },
];

function amountText({ amount, currency }: RepairItem): string {
  return amount === null || currency === null ? '' : formatMoney({ amount, currency });
}

function nothingLine({ days, reported, left }: PlanOutcome): string {
  if (reported.length > 0) return `There is nothing that a plan can do on ${daysText(days)}.`;
  if (days.length === 0 && left.length === 0) {
    return `There is nothing to repair: no day is proven broken or open. Proofs are what repairs are made of: ${commandLine('prove')}`;
  }
  return `There is nothing to repair. When this surprises you, prove the days again: ${commandLine('prove')}`;
}

/**
 * What only waits, with the command that lists it: not what the ledger holds wrongly. Thousands of parked payments must not
 * hide one that is doubled.
 */
const WAITING: Partial<Readonly<Record<FindingKind, readonly [what: string, command: string]>>> = {
  parked: ['parked', 'parked list'],
  dismissed: ['dismissed', 'parked list --dismissed'],
  unreadable: ['not readable in Stripe', 'parked list'],
};

/** What the ledger holds wrongly, or lacks, and no plan can repair. */
export function notRepairable(reported: readonly RepairItem[]): RepairItem[] {
  return reported.filter(({ finding }) => WAITING[finding] === undefined);
}

function reportedLines(reported: readonly RepairItem[]): string[] {
  const wrong = notRepairable(reported);
  const lines =
    wrong.length === 0 ? [] : ['', 'No plan can repair these; a person decides:', ...wrong.flatMap(reportLines)];
  const waiting = Object.entries(WAITING).flatMap(([kind, [what, command]]) => {
    const count = reported.filter(({ finding }) => finding === kind).length;
    if (count === 0) return [];
    return [`${formatCount(count)} ${what}: see ${commandLine(command)}`];
  });
  return waiting.length === 0 ? lines : [...lines, '', 'Not for a plan, and nothing wrong in the ledger:', ...waiting];
}

/** Each transaction to be posted on a line of its own, so that it can be copied. */
function reportLines({ day, paymentId, finding, detail }: RepairItem): string[] {
  const [told = '', ...toPost] = detail.split('\n').map(plainText);
  const about = paymentId === 'day' ? day : `${day} ${paymentId}`;
  return [`${about}, ${finding} (${FINDING_KINDS[finding].meaning}): ${told}`, ...toPost.map((line) => `  ${line}`)];
}

function daysText(days: readonly string[]): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return 'no day';
  return first === last ? first : `${formatCount(days.length)} days from ${first} to ${last}`;
}
