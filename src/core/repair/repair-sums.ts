/** What is left to be done of a repair plan, as a person confirms it before it is applied: how many items, and what is posted. Pure. */
import type { Money } from '../base/money.js';
import type { RepairAction, RepairItem } from './repair-plan.js';

export interface RepairSums {
  /** Items that are not done yet. */
  readonly items: number;
  /** What they post, by currency: below zero where more is taken back than added. Nothing of what is only marked. */
  readonly sums: readonly Money[];
}

export function sumsToApply(
  items: readonly Pick<RepairItem, 'state' | 'action' | 'currency' | 'amount'>[],
): RepairSums {
  const planned = items.filter(({ state }) => state === 'planned');
  const sums = new Map<string, bigint>();
  for (const { action, currency, amount } of planned) {
    if (!POSTS[action] || currency === null || amount === null) continue;
    sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  }
  const byCurrency = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  return { items: planned.length, sums: byCurrency.map(([currency, amount]) => ({ amount, currency })) };
}

const POSTS: Readonly<Record<RepairAction, boolean>> = {
  ...{ post: true, replace: true, correct: true },
  ...{ mark_posted: false, report: false },
};

/** The same items and sums, in any order. */
export function sameSums(one: RepairSums, other: RepairSums): boolean {
  return describeSums(one) === describeSums(other);
}

function describeSums({ items, sums }: RepairSums): string {
  return [`${items}`, ...sums.map(({ amount, currency }) => `${currency} ${amount}`).sort()].join();
}
