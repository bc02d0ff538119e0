/**
 * Applies a repair plan, item by item: reads the payment again, and does what was planned only when the ledger shows what
 * the plan saw and the same would be planned now. Writes postings and the item's end in one database transaction, so that
 * it may be killed anywhere, and run twice at once; what it stores is posted by the workers like everything else.
 */

import { formatMoney } from '../core/base/money.js';
import type { MappingRules } from '../core/posting/mapping.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import { acceptedText } from '../core/proof/acceptance.js';
import { decideRepair } from '../core/repair/decide-repair.js';
import type { RepairDecision } from '../core/repair/repair-decision.js';
import { describeRows, type RepairItem, type RepairPlan, sameRows, toSeenRow } from '../core/repair/repair-plan.js';
import type { RepairListener } from '../core/repair/repair-progress.js';
import { type KnownBalances, readPaymentFacts } from './read-payment-facts.js';
import type { RepairPorts } from './repair-ports.js';

export interface ApplyRequest {
  readonly plan: RepairPlan;
  readonly rules: MappingRules;
  /** Who applies. */
  readonly by: string;
}

export interface ApplyOutcome {
  readonly plan: RepairPlan;
  /** Lanes that have work now. */
  readonly lanes: readonly Lane[];
}

/** Our postings change while an item is decided only when a worker or a person is at the same payment. */
const TRIES_MAX = 3;

/** Throws SyncError when a side cannot be read; what was done until then is done, and applying again goes on. */
export async function applyRepair(
  ports: RepairPorts,
  { plan, rules, by }: ApplyRequest,
  { onProgress }: RepairListener,
): Promise<ApplyOutcome> {
  const known: KnownBalances = new Map();
  const lanes = new Map<string, Lane>();
  const planned = plan.items.filter(({ state }) => state === 'planned');
  for (const [done, item] of planned.entries()) {
    onProgress({ what: 'items', done, all: planned.length });
    for (const lane of await applyOne(item, ports, { plan, rules, by, known })) {
      lanes.set(laneName(lane), lane);
    }
  }
  return { plan: await ports.store.finishPlan(plan.id, by), lanes: [...lanes.values()] };
}

interface Applying {
  readonly plan: RepairPlan;
  readonly rules: MappingRules;
  readonly by: string;
  readonly known: KnownBalances;
}

/** @returns the lanes of what was stored */
async function applyOne(item: RepairItem, ports: RepairPorts, applying: Applying): Promise<readonly Lane[]> {
  const { plan, by } = applying;
  const { id: repairId } = plan;
  const end = async (state: 'skipped' | 'refused', detail: string): Promise<readonly Lane[]> => {
    await ports.store.endItem({ repairId, item: item.item, state, detail });
    return [];
  };
  // What was accepted of its own day before the plan was known to it, and covers the difference no more.
  const accepted = (await ports.accepted.inForce(null)).find(({ paymentId, day, at }) => {
    return paymentId === item.paymentId && (day !== item.day || at > plan.plannedAt);
  });
  if (accepted !== undefined) return end('refused', acceptedText(accepted));
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const [facts] = await readPaymentFacts([item.paymentId], ports, applying);
    if (facts === undefined) throw new RangeError(`nothing was read of ${item.paymentId}`);
    const decision = decideRepair(facts);
    const now = facts.rows.map(toSeenRow);
    if (decision.kind === 'settled') return end('skipped', decision.detail);
    if (!sameRows(item.seen, now)) {
      return end('refused', `the ledger changed: planned on ${describeRows(item.seen)}; now ${describeRows(now)}`);
    }
    if (decision.kind !== 'act' || !isSame(item, decision)) {
      return end('refused', `planned was ${describePlanned(item)}; now it would be ${describeNow(decision)}`);
    }
    const applied = await ports.store.applyItem({
      ...{ repairId, by, item: item.item, paymentId: item.paymentId, act: decision, own: facts.own },
    });
    if (applied === 'done') return decision.stores.map(({ lane }) => lane);
    if (applied === 'handled') return [];
  }
  return end('refused', 'its posting changed again and again while this was applied: plan again');
}

function isSame(item: RepairItem, decision: Extract<RepairDecision, { kind: 'act' }>): boolean {
  const { action, reference, currency, amount } = decision;
  return item.action === action && item.reference === reference && item.currency === currency && item.amount === amount;
}

function describePlanned({ action, reference, currency, amount }: RepairItem): string {
  const money = amount === null || currency === null ? '' : ` of ${formatMoney({ amount, currency })}`;
  return `${action} ${reference ?? ''}${money}`;
}

function describeNow(decision: RepairDecision): string {
  if (decision.kind !== 'act') return `nothing (${decision.detail})`;
  return `${decision.action} ${decision.reference} of ${formatMoney(decision)}`;
}
