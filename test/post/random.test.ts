/**
 * Any schedule of faults, kills and two workers at once: when the faults stop, the ledger holds exactly what was stored,
 * and nothing is parked. The seed is fixed and part of the test's name; the time budget is written out.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/blnk/faults.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { LaneDrainer } from '../../src/post/drain-lane.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';
import { Killed, killAt, STEPS, type Step } from '../support/stages/ledger-kills.js';
import { inTier } from '../support/tier.js';

const SEED = 20_261_121;
const BUDGET_MS = inTier({ quick: 6_000, full: 15_000 });
/** Fewer than this within the budget prove too little: the machine is too slow, and the test says so. */
const RUNS_MIN = 5;
const RUNS_MAX = 300;

interface Schedule {
  readonly style: 'cloud' | 'core';
  /** In dollars and in euros. */
  readonly counts: readonly [number, number];
  readonly singlesMax: number;
  readonly chunkSize: number;
  readonly faults: readonly Fault[];
  readonly kills: readonly { readonly step: Step; readonly nth: number }[];
  /** Drains before the faults stop. */
  readonly drains: number;
}

const status = fc.record({
  effect: fc.constant('status' as const),
  status: fc.constantFrom(408, 409, 423, 429, 500, 502, 503, 504),
  body: fc.constantFrom('core' as const, 'html' as const, 'empty' as const, 'cloud' as const),
  applied: fc.boolean(),
});
const effect = fc.oneof(
  { weight: 4, arbitrary: status },
  fc.constant({ effect: 'reset' as const }),
  { weight: 3, arbitrary: fc.constant({ effect: 'answer_lost' as const }) },
  fc.constant({ effect: 'repeated' as const }),
  fc.record({
    effect: fc.constant('slow' as const),
    delayMs: fc.integer({ min: 1, max: 250 }),
    phase: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.record({ effect: fc.constant('locked' as const), atItem: fc.integer({ min: 1, max: 30 }) }),
);
const postFault = fc
  .tuple(effect, fc.integer({ min: 1, max: 6 }), fc.double({ min: 0.2, max: 1, noNaN: true }), fc.nat(1_000))
  .map(([what, times, probability, seed]): Fault => ({ ...what, route: 'posts', times, probability, seed }));
const readFault = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((times): Fault => ({ effect: 'reset', route: 'lookups', times })),
  fc.integer({ min: 1, max: 6 }).map((times): Fault => ({ effect: 'status', status: 503, route: 'lookups', times })),
  fc
    .integer({ min: 1, max: 3 })
    .map((times): Fault => ({ effect: 'status', status: 502, route: 'POST /balances/filter', times })),
  fc.integer({ min: 1, max: 8 }).map((times): Fault => ({ effect: 'stale_reads', route: 'lookups', times })),
  fc.integer({ min: 1, max: 8 }).map((times): Fault => ({ effect: 'stale_reads', route: 'lookups', lagMs: 40, times })),
);

const schedules: fc.Arbitrary<Schedule> = fc.record({
  style: fc.constantFrom('cloud', 'core'),
  counts: fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 5 })),
  singlesMax: fc.constantFrom(1, 3),
  chunkSize: fc.constantFrom(2, 7, 30, 100),
  faults: fc.array(fc.oneof({ weight: 3, arbitrary: postFault }, { weight: 2, arbitrary: readFault }), {
    maxLength: 6,
  }),
  kills: fc.array(fc.record({ step: fc.constantFrom(...STEPS), nth: fc.integer({ min: 1, max: 3 }) }), {
    maxLength: 4,
  }),
  drains: fc.integer({ min: 2, max: 12 }),
});

describe('whatever happens on the way', () => {
  const startStage = ledgerStages();

  it(`the ledger ends as exactly what was stored (seed ${SEED}, ${BUDGET_MS} ms)`, { timeout: 90_000 }, async () => {
    let runs = 0;
    const endsAt = performance.now() + BUDGET_MS;
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        // Not fast-check's own time limit: that leaves the last run going on by itself.
        if (performance.now() > endsAt) return;
        await play(await startStage({ style: schedule.style, lockWaitMs: 60 }), schedule);
        runs += 1;
      }),
      { seed: SEED, numRuns: RUNS_MAX, endOnFailure: true },
    );
    process.stdout.write(`${runs} schedules played with seed ${SEED}\n`);
    expect(runs).toBeGreaterThanOrEqual(RUNS_MIN);
  });
});

async function play(stage: LedgerStage, schedule: Schedule): Promise<void> {
  const payments = [
    ...makePayments(schedule.counts[0]),
    ...makePayments(schedule.counts[1], { name: 'eur', currency: 'eur' }),
  ];
  await stage.store(payments);
  for (const fault of schedule.faults) stage.sandbox.faults.add(fault);
  const kills = [...schedule.kills];
  const options = { singlesMax: schedule.singlesMax, chunkSize: schedule.chunkSize, leaseMs: 200, finalAfterMs: 150 };
  const start = (): Promise<LaneDrainer> => {
    const kill = kills.shift();
    return stage.drainer({ ...options, ...(kill === undefined ? {} : killAt(kill.step, kill.nth)) });
  };
  let drains = 0;
  const work = async (): Promise<void> => {
    let drainer = await start();
    await until(async () => {
      for (const lane of await stage.pendingLanes()) {
        await drainer.drain(lane, NEVER).catch(async (error: unknown) => {
          if (error instanceof Killed) drainer = await start();
          else if (!(error instanceof SyncError && error.kind === 'transient')) throw error;
        });
        drains += 1;
        if (drains === schedule.drains) stage.sandbox.faults.clear();
      }
      return (await stage.pendingLanes()).length === 0;
    });
  };
  await Promise.all([work(), work()]);

  const expected = payments.map(
    ({ id, amountReceived, currency }) => `${id} ${amountReceived} ${currency.toUpperCase()}`,
  );
  const rows = [...stage.sandbox.transactions()];
  const found = rows.map((row) => `${row.reference} ${row.precise_amount} ${row.currency}`);
  expect(found.sort()).toEqual(expected.sort());
  expect(rows.every((row) => row.status === 'APPLIED')).toBe(true);
  expect(await stage.states()).toEqual({ posted: payments.length });
  const idOf = new Map(rows.map((row) => [row.reference, row.transaction_id]));
  for (const { reference, transaction_id, settled_how, exception } of await stage.postings()) {
    expect([transaction_id, settled_how, exception]).toEqual([idOf.get(reference), 'posted', null]);
  }
}
