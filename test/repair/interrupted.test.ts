/**
 * Applying a plan: killed between any two steps and run again, twice at once, on a ledger or a database that is not what
 * the plan saw any more. Each item is done once, or refused with both values; the ledger ends exact.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRepairOperations } from '../../src/app/sessions/repair-operations.js';
import { joinSession } from '../../src/app/sessions/session.js';
import type { RepairPlan } from '../../src/core/repair/repair-plan.js';
import { noteActions } from '../../src/db/actions/action-store.js';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { Killed, killedPorts, openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { inTier, itInFull } from '../support/tier.js';

const openStage = stages();

let repair: RepairStage;
let ids: readonly string[];
const at = (index: number): string => ids[index] ?? '';

/** One missing, one with too little, one with too much, one burnt. */
beforeEach(async () => {
  repair = await openRepairStage(await openStage());
  ids = repair.pay(12);
  await repair.burn(at(3));
  await repair.proof.settle();
  const { blnk } = repair.proof;
  blnk.deleteTransaction(at(0));
  blnk.alterTransaction(at(1), { preciseAmount: 10n });
  blnk.alterTransaction(at(2), { preciseAmount: 5_000n });
  await repair.prove();
});
afterEach(() => repair.proof.closeLedger());

async function planned(): Promise<RepairPlan> {
  const { plan, reported } = await repair.plan();
  expect(reported).toEqual([]);
  if (plan === null) throw new Error('there is no plan');
  return plan;
}

async function expectMended(): Promise<void> {
  await repair.proof.post();
  expect(repair.sums()).toEqual(repair.owed);
  expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
  const [run] = await repair.proof.sql`
    select found, known_before, stored, posted, already_there, parked, pending, status from stripe_blnk_sync.sync_history
    where id in (select run_id from stripe_blnk_sync.repairs where run_id is not null)`;
  if (run === undefined) return;
  expect(run.found).toBe(run.known_before + run.stored);
  expect(run.stored).toBe(run.posted + run.already_there + run.parked + run.pending);
  expect(run.status).toBe('succeeded');
}

describe('a plan whose application is killed', () => {
  it.each(['before', 'after'] as const)('%s each of its steps in turn, goes on until it is done', async (when) => {
    const plan = await planned();
    let kills = 0;
    for (let nth = 1; ; nth += 1) {
      const outcome = await repair
        .apply(await repair.ports.store.findPlan(plan.id), killedPorts(repair.ports, { nth, when }))
        .catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
          return null;
        });
      // What was done is posted between two kills as well.
      if (nth % 3 === 0) await repair.proof.post();
      if (outcome !== null) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(5);
    const { items, appliedAt } = await repair.ports.store.findPlan(plan.id);
    expect(items.map(({ state }) => state)).toEqual(items.map(() => 'done'));
    expect(appliedAt).toBeInstanceOf(Date);
    await expectMended();
  });
});

describe('a plan that is applied again', () => {
  it('twice at once does each item once', async () => {
    const plan = await planned();
    await Promise.all([repair.apply(plan), repair.apply(plan), repair.apply(plan)]);
    const { items } = await repair.ports.store.findPlan(plan.id);
    expect(items.map(({ state }) => state)).toEqual(items.map(() => 'done'));
    await expectMended();
  });

  itInFull('by a second plan of the same findings is skipped, before and after posting', async () => {
    const [one, two, three] = [await planned(), await planned(), await planned()];
    await Promise.all([repair.apply(one), repair.apply(two)]);
    const states = async (id: string) => (await repair.ports.store.findPlan(id)).items.map(({ state }) => state);
    const [ofOne, ofTwo] = [await states(one.id), await states(two.id)];
    expect(ofOne.map((state, index) => [state, ofTwo[index]].sort())).toEqual(ofOne.map(() => ['done', 'skipped']));
    await repair.proof.post();
    const { plan } = await repair.apply(three);
    expect(plan.items.map(({ state }) => state)).toEqual(plan.items.map(() => 'skipped'));
    await expectMended();
  });
});

describe('what changed since the plan', () => {
  it('in the ledger is refused with both values, and repaired by the next plan', async () => {
    const plan = await planned();
    repair.proof.blnk.alterTransaction(at(1), { preciseAmount: 20n });
    const { plan: applied } = await repair.apply(plan);
    const item = applied.items.find(({ paymentId }) => paymentId === at(1));
    expect(item?.state).toBe('refused');
    expect(item?.detail).toMatch(/planned on .* 0\.10 USD .*now .* 0\.20 USD/);
    expect(applied.items.filter(({ state }) => state === 'done').length).toBe(3);
    await repair.proof.post();
    expect((await repair.prove()).findings).toEqual([`different ${at(1)}`]);
    await repair.repair();
    await expectMended();
  });

  it('by hand to the right amount is skipped', async () => {
    const plan = await planned();
    repair.proof.blnk.alterTransaction(at(1), { preciseAmount: 1_010n });
    const { plan: applied } = await repair.apply(plan);
    expect(applied.items.find(({ paymentId }) => paymentId === at(1))?.state).toBe('skipped');
    await expectMended();
  });

  it('in a posting by a person is not written over', async () => {
    const plan = await planned();
    await repair.proof.sql`
      update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'anna', dismissed_why = 'no' where reference = ${at(3)}`;
    const { plan: applied } = await repair.apply(plan);
    const item = applied.items.find(({ paymentId }) => paymentId === at(3));
    expect([item?.state, item?.detail]).toEqual(['refused', expect.stringContaining('dismissed by a person')]);
    expect(repair.proof.blnk.byReference(`${at(3)}:r1`)).toBeUndefined();
  });
});

describe('with the table of postings lost', () => {
  it.each(
    inTier({
      quick: ['after posting'] as const,
      full: ['before the plan', 'after the plan', 'after applying', 'after posting'] as const,
    }),
  )('%s, the ledger ends the same', async (when) => {
    const lose = () => repair.proof.sql`delete from stripe_blnk_sync.postings`;
    if (when === 'before the plan') await lose();
    const plan = await planned();
    expect(plan.items.map(({ reference }) => reference).sort()).toEqual(
      [at(0), `${at(1)}:adj:1`, `${at(2)}:adj:1`, `${at(3)}:r1`].sort(),
    );
    if (when === 'after the plan') await lose();
    await repair.apply(plan);
    if (when === 'after posting') await repair.proof.post();
    if (when === 'after applying' || when === 'after posting') {
      await lose();
      await repair.prove();
      await repair.repair();
    }
    await repair.proof.post();
    expect(repair.sums()).toEqual(repair.owed);
    expect((await repair.prove()).findings).toEqual([]);
    const rows = repair.proof.blnk.stats().rows;

    // Collecting everything again stores the payments anew: none is posted again, and a plan puts their stand-ins beside them.
    await repair.proof.sql`delete from stripe_blnk_sync.coverage`;
    await repair.proof.sql`update stripe_blnk_sync.mirror set hand_over_at = null`;
    await repair.proof.settle();
    await repair.repair();
    expect(repair.sums()).toEqual(repair.owed);
    expect(repair.proof.blnk.stats().rows).toBe(rows);
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
    const waiting = await repair.proof
      .sql`select reference from stripe_blnk_sync.postings where state = 'parked' and dismissed_at is null`;
    expect([...waiting]).toEqual([]);
    expect(await repair.plan({ fromDay: DAMAGED_DAY, toDay: DAMAGED_DAY })).toMatchObject({
      plan: null,
      reported: [],
    });
  });
});

it('what was applied before a side went away is noted in the name of who applied it', async () => {
  repair = await openRepairStage(await openStage());
  const ids = repair.pay(6);
  await repair.proof.settle();
  for (const id of ids.slice(0, 3)) repair.proof.blnk.deleteTransaction(id);
  await repair.prove();
  const { plan } = await repair.plan();
  if (plan === null) throw new Error('nothing is planned');
  const { context, db, sql } = repair.proof;
  const { signal } = new AbortController();
  const parts = { database: context.database, events: context.events, signal };
  const session = await joinSession(context.config, { ...parts, overrides: repair.proof.setting.overrides });
  let reads = 0;
  const stripeSide = Object.assign(Object.create(session.vendors.stripeSide), {
    async readIntent(id: string) {
      reads += 1;
      if (reads > 2) throw new Error('Stripe is away');
      return session.vendors.stripeSide.readIntent(id);
    },
  });
  const operations = createRepairOperations(
    { ...session, vendors: { ...session.vendors, stripeSide }, withQueue: () => Promise.reject(new Error('unused')) },
    (actions) => noteActions(db, { name: 'ann', origin: 'cli' }, actions),
  );
  try {
    const apply = () => operations.applyRepair({ plan: plan.id, by: 'ann' }, { onProgress() {} });
    await expect(apply()).rejects.toThrow('Stripe is away');
    // Nothing is done this time, and nothing is noted.
    await expect(apply()).rejects.toThrow('Stripe is away');
  } finally {
    await session.vendors.close();
  }
  expect([
    ...(await sql`select actor, kind, subject, result from stripe_blnk_sync.actions where subject = ${plan.id}`),
  ]).toEqual([
    {
      ...{ actor: 'ann', kind: 'repair_apply', subject: plan.id },
      result: '2 done, 0 done already, 0 refused; then it failed, 1 left',
    },
  ]);
});
