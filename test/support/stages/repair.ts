/**
 * A stage for repairs: the stage for proofs, with proofs that are kept, plans and their application, and damages of every
 * kind. Only the killing of an application is made up; everything else is the real thing.
 */

import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { createRepairPorts } from '../../../src/app/sessions/repair-ports.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { PlanOutcome, RepairPlan } from '../../../src/core/repair/repair-plan.js';
import type { RepairProgress } from '../../../src/core/repair/repair-progress.js';
import { readMirror } from '../../../src/db/mirror/mirror-store.js';
import { createCertificateStore } from '../../../src/db/proof/certificate-store.js';
import { readTotals } from '../../../src/db/reads/outbox-status.js';
import { type ApplyOutcome, applyRepair } from '../../../src/prove/apply-repair.js';
import { planRepair } from '../../../src/prove/plan-repair.js';
import { proveDay } from '../../../src/prove/prove-day.js';
import { type ProveDaysPorts, proveDays } from '../../../src/prove/prove-days.js';
import type { DayRange, RepairPorts } from '../../../src/prove/repair-ports.js';
import type { Stage } from './collect.js';
import { NEVER, until } from './ledger.js';
import { DAMAGED_DAY, openProofStage, type ProofStage, type ProofStageOptions } from './proof.js';

export interface RepairStage {
  readonly proof: ProofStage;
  readonly ports: RepairPorts;
  readonly mirror: Mirror;
  /** Proves the day and keeps it. States of its currencies, and every finding as `kind id`. */
  prove(day?: string): Promise<{ readonly states: Record<string, string>; readonly findings: readonly string[] }>;
  plan(range?: DayRange | null): Promise<PlanOutcome>;
  /** What planning and applying said of how far they are. */
  readonly progress: RepairProgress[];
  apply(plan: RepairPlan, ports?: RepairPorts): Promise<ApplyOutcome>;
  /** Plans, applies and posts. */
  repair(): Promise<{ readonly outcome: PlanOutcome; readonly applied: RepairPlan | null }>;
  /** Somebody queues the payment's reference without overdraft; Blnk rejects it. */
  burn(reference: string, amount?: number): Promise<void>;
  /** Succeeded payments of the day in dollars, a third of them guests', with amounts of 10.00, 10.10, … */
  pay(count: number): string[];
  /** What the ledger should hold, by payment. */
  readonly owed: Map<string, bigint>;
  /** What the ledger holds of all payments, applied: signed sums of minor units by payment. */
  sums(): Map<string, bigint>;
  /** What our side says in all its sums, and the ledger: equal once a day is repaired. Minor units. */
  totals(): Promise<Totals>;
}

export interface Totals {
  readonly ledger: bigint;
  readonly dailyTotals: bigint;
  readonly status: bigint;
  readonly runs: bigint;
  /** Of the newest proof: count, sum and hash of each side. */
  readonly sides: readonly string[];
}

export const BY_HAND = {
  precision: 100,
  currency: 'USD',
  source: '@stripe',
  destination: '@stripe_guests',
  effective_date: `${DAMAGED_DAY}T10:00:00Z`,
  skip_queue: true,
};

export async function openRepairStage(stage: Stage, options: ProofStageOptions = {}): Promise<RepairStage> {
  const proof = await openProofStage(stage, options);
  for (const table of ['repair_items', 'repairs', 'certificates', 'acceptances'])
    await proof.sql`delete from ${proof.sql(`stripe_blnk_sync.${table}`)}`;
  const ports = createRepairPorts(proof.context);
  const mirror = await readMirror(proof.db);
  const progress: RepairProgress[] = [];
  const listener = { onProgress: (step: RepairProgress) => void progress.push(step) };
  const repair: RepairStage = {
    proof,
    ports,
    mirror,
    async prove(day = DAMAGED_DAY) {
      // The time of a proof is cut to the millisecond: what was decided within the same one would make the day due once more.
      await proof.sql`select pg_sleep(0.001)`;
      const proving = {
        store: createCertificateStore(proof.db, 'test'),
        async proveDay({ earlierCurrencies, ...request }: Parameters<ProveDaysPorts['proveDay']>[0]) {
          return proveDay(proof.ports, { ...request, facts: { ...(await proof.facts()), earlierCurrencies } });
        },
      };
      const [proven] = await proveDays(proving, [{ day, trigger: 'manual' }], {
        proofId: randomUUID(),
        signal: NEVER,
        onFailed: (_, error) => {
          throw error;
        },
      });
      const certificates = proven?.certificates ?? [];
      const findings = certificates.flatMap(({ currency, findings: all }) =>
        all.map(({ kind, paymentId }) => `${kind} ${paymentId ?? `of ${currency}`}`),
      );
      return {
        states: Object.fromEntries(certificates.map(({ currency, state }) => [currency ?? '', state])),
        findings: [...new Set(findings)].sort(),
      };
    },
    progress,
    plan: (range = null) => planRepair(ports, { range, mirror, by: 'tester' }, listener),
    apply: (plan, others = ports) => applyRepair(others, { plan, rules: mirror, by: 'tester' }, listener),
    async repair() {
      const outcome = await repair.plan();
      const applied = outcome.plan === null ? null : (await repair.apply(outcome.plan)).plan;
      await proof.post();
      return { outcome, applied };
    },
    async burn(reference, amount = 777) {
      proof.blnk.setQueuedChildren('soon');
      const queue = { ...BY_HAND, skip_queue: false, allow_overdraft: false, source: '@somebody_empty' };
      await proof.postByHand({ ...queue, reference, precise_amount: amount });
      await until(() => proof.blnk.byReference(`${reference}_q`) !== undefined);
    },
    owed: new Map(),
    pay(count) {
      return Array.from({ length: count }, (_, index) => {
        const amount = 1_000 + index * 10;
        const customer = index % 3 === 0 ? null : `cus_${index % 5}`;
        const id = proof.payOn(DAMAGED_DAY, index * 60, { currency: 'usd', amount, customer });
        repair.owed.set(id, BigInt(amount));
        return id;
      });
    },
    sums() {
      const sums = new Map<string, bigint>();
      for (const row of proof.blnk.transactions()) {
        if (row.status !== 'APPLIED') continue;
        const id = row.reference.replace(/(:.*|_q)$/, '');
        const amount = row.destination === mirror.source ? -row.precise_amount : row.precise_amount;
        sums.set(id, (sums.get(id) ?? 0n) + amount);
      }
      return sums;
    },
    async totals() {
      const [daily] =
        await proof.sql`select coalesce(sum(posted_minor), 0)::text as sum from stripe_blnk_sync.daily_totals`;
      const [runs] =
        await proof.sql`select coalesce(sum((ledger_totals_minor->>'USD')::numeric), 0)::text as sum from stripe_blnk_sync.sync_history
        where parent_id is null`;
      const [newest] = await proof.sql`select * from stripe_blnk_sync.day_certificates where currency = 'USD'`;
      const sideOf = (side: string) => ['count', 'sum', 'hash'].map((name) => newest?.[`${side}_${name}`]).join(' ');
      return {
        ledger: [...repair.sums().values()].reduce((total, sum) => total + sum, 0n),
        dailyTotals: BigInt(daily?.sum),
        status: (await readTotals(proof.db)).reduce((total, { posted }) => total + posted, 0n),
        runs: BigInt(runs?.sum),
        sides: ['stripe', 'ledger', 'postings'].map(sideOf),
      };
    },
  };
  return repair;
}

export class Killed extends Error {}

/** Ports that throw at the n-th call of any of them, before or after it, and at every later one: the process is dead. */
export function killedPorts(
  { store, accepted, stripe, ledger }: RepairPorts,
  { nth, when }: { readonly nth: number; readonly when: 'before' | 'after' },
): RepairPorts {
  let calls = 0;
  const around = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...values: unknown[]) => {
          calls += 1;
          if (calls > nth || (calls === nth && when === 'before')) throw new Killed();
          const result = await Reflect.apply(member, target, values);
          if (calls >= nth) throw new Killed();
          return result;
        };
      },
    });
  return { store: around(store), accepted: around(accepted), stripe: around(stripe), ledger: around(ledger) };
}

/** Throws unless all sums agree. */
export async function expectEqualTotals(repair: RepairStage): Promise<void> {
  const { ledger, sides, ...ours } = await repair.totals();
  expect(ours).toEqual({ dailyTotals: ledger, status: ledger, runs: ledger });
  expect(new Set(sides).size).toBe(1);
}
