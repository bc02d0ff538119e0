/** What `repair plan` and `repair apply` print on terminals of 80 and 120 columns: what is wrong first, what only waits in one line. */
import { describe, expect, it } from 'vitest';
import type { PlanOutcome, RepairItem, RepairPlan } from '../../src/core/repair/repair-plan.js';
import { applyLines, planLines } from '../../src/views/repair-text.js';
import { widthOf } from '../../src/views/text-width.js';

const ID = '019ab1f2-0000-7000-8000-000000000000';

function item(number: number, changes: Partial<RepairItem>): RepairItem {
  const paymentId = `pi_3QxAbCdEfGhIjKlMnOpQr${number}`;
  return {
    ...{ item: number, day: '2026-11-18', paymentId, finding: 'missing', action: 'post', reference: paymentId },
    ...{ currency: 'USD', amount: 123_456_789n, seen: [], state: 'planned', detail: 'held as posted, but not there' },
    ...changes,
  };
}

const told = (number: number, finding: RepairItem['finding'], detail: string): RepairItem =>
  item(number, { finding, detail, action: 'report', reference: null, currency: null, amount: null, state: 'reported' });

const PLANNED = [item(1, {}), item(2, { action: 'correct', finding: 'different', amount: -98_959n })];
const REPORTED = [
  told(3, 'doubled', 'in the ledger 2 times. Keep txn_1\nPOST /transactions {"precise_amount":1}'),
  ...Array.from({ length: 1_234 }, (_, index) => told(4 + index, 'parked', 'is parked (conflict)')),
  told(9_000, 'unreadable', 'Stripe shows it without a currency'),
];
const plan = (items: readonly RepairItem[]): RepairPlan => ({
  ...{ id: ID, fromDay: '2026-11-18', toDay: '2026-11-20', plannedBy: 'anna', plannedAt: new Date(0) },
  ...{ appliedBy: null, appliedAt: null, items },
});
const result = (changes: Partial<PlanOutcome> = {}): PlanOutcome => ({
  ...{ plan: plan([...PLANNED, ...REPORTED]), reported: REPORTED, left: [], days: ['2026-11-18'], findingsNotKept: 0 },
  ...changes,
});

describe.each([80, 120])('on %i columns', (columns) => {
  const tableOf = (lines: readonly string[]) => lines.slice(2, lines.indexOf('', 2));

  it('a plan prints what the ledger holds wrongly, and only counts what waits elsewhere', () => {
    const lines = planLines(result(), columns);
    for (const line of tableOf(lines)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(lines[0]).toBe(`Plan ${ID}: 2 to do on 2026-11-18.`);
    expect(lines.slice(lines.indexOf('', 2))).toEqual([
      '',
      'No plan can repair these; a person decides:',
      `2026-11-18 ${REPORTED[0]?.paymentId}, doubled (in the ledger more than once): in the ledger 2 times. Keep txn_1`,
      '  POST /transactions {"precise_amount":1}',
      '',
      'Not for a plan, and nothing wrong in the ledger:',
      '1,234 parked: see stripe-blnk-sync parked list',
      '1 not readable in Stripe: see stripe-blnk-sync parked list',
      '',
      `Apply it with: stripe-blnk-sync repair apply ${ID}`,
    ]);
  });

  it('applying prints what happens next, and the command that shows it', () => {
    const done = PLANNED.map((one) => ({ ...one, state: 'done' as const }));
    const lines = applyLines(plan([...done, ...REPORTED]), columns);
    for (const line of tableOf(lines)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(lines[0]).toBe(`Plan ${ID}: 2 done.`);
    expect(lines.slice(-2)).toEqual([
      'The 2 postings go out with the next turn of a worker, within a minute; then it proves the days again by itself, or at once:',
      '  stripe-blnk-sync prove --from 2026-11-18 --to 2026-11-20',
    ]);
    const skipped = PLANNED.map((one) => ({ ...one, state: 'skipped' as const }));
    expect(applyLines(plan(skipped), columns).at(-2)).toBe(
      'Nothing is left to be posted; a worker proves the days again within a minute, or at once:',
    );
  });
});
