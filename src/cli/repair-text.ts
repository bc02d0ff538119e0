/** What `repair plan` and `repair apply` print: tables for what is done, whole sentences for what a person has to do. */
import { FINDING_KINDS } from '../core/certificate.js';
import { formatMoney } from '../core/money.js';
import type { ItemState, RepairItem, RepairPlan } from '../core/repair.js';
import { formatCount } from '../core/time-text.js';
import { type Column, renderTable } from './table.js';
import { plainText } from './text-width.js';

export interface PlanResult {
  /** Null when there is nothing that a plan can do. */
  readonly plan: RepairPlan | null;
  readonly reported: readonly RepairItem[];
  readonly left: ReadonlyArray<{ readonly day: string; readonly paymentId: string; readonly detail: string }>;
  readonly days: readonly string[];
  readonly findingsNotKept: number;
}

export function planLines(result: PlanResult, terminalColumns: number): string[] {
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
  if (reported.length > 0) lines.push('', 'No plan can mend these; a person decides:', ...reported.map(reportLine));
  if (findingsNotKept > 0) {
    lines.push(
      '',
      `${formatCount(findingsNotKept)} more findings were counted and not kept: apply this plan, prove the days again, and plan again.`,
    );
  }
  if (plan !== null) lines.push('', `Apply it with: stripe-blnk-sync repair apply ${plan.id}`);
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
  lines.push(
    '',
    `See it sealed, once everything is posted: stripe-blnk-sync prove --from ${plan.fromDay} --to ${plan.toDay}`,
  );
  return lines;
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

function nothingLine({ days, reported, left }: PlanResult): string {
  if (reported.length > 0) return `There is nothing that a plan can do on ${daysText(days)}.`;
  if (days.length === 0 && left.length === 0) {
    return 'There is nothing to repair: no day is proven broken or open. Proofs are what repairs are made of: stripe-blnk-sync prove';
  }
  return 'There is nothing to repair. When this surprises you, prove the days again: stripe-blnk-sync prove';
}

function reportLine({ day, paymentId, finding, detail }: RepairItem): string {
  return plainText(`${day} ${paymentId}, ${finding} (${FINDING_KINDS[finding].meaning}): ${detail}`);
}

function daysText(days: readonly string[]): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return 'no day';
  return first === last ? first : `${formatCount(days.length)} days from ${first} to ${last}`;
}
