/**
 * Sums of our postings after each kind of repair: the third side of a proof, the view of the days, the runs and `status`
 * say what the ledger holds, though a corrected payment is two postings with amounts that are in neither book.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, expectEqualTotals, openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { halfInTier } from '../support/tier.js';

const openStage = stages();

let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

interface Damage {
  readonly name: string;
  /** Before anything is posted. */
  readonly before?: (id: string) => Promise<void>;
  /** One after the other, each repaired before the next. */
  readonly damages: ReadonlyArray<(id: string) => unknown>;
  /** In the end only corrections of it stand. */
  readonly isStandIn?: true;
}

const alter = (reference: string, preciseAmount: bigint) =>
  repair.proof.blnk.alterTransaction(reference, { preciseAmount });
const lose = (reference: string) => repair.proof.blnk.deleteTransaction(reference);
const importWrong = (id: string) => {
  const body = { ...BY_HAND, effective_date: `${DAMAGED_DAY}T00:00:00Z`, reference: id, precise_amount: 400 };
  return repair.proof.postByHand(body);
};
const burnAgain = async (reference: string) => {
  lose(reference);
  await repair.burn(reference);
};

/** As a person takes it back by hand. */
const takeBack = async (reference: string) => {
  const row = repair.proof.blnk.byReference(reference);
  const { source: destination, destination: source, precise_amount, effective_date, meta_data } = row ?? {};
  const back = { source, destination, effective_date, meta_data, precise_amount: Number(precise_amount) };
  await repair.proof.postByHand({ ...BY_HAND, ...back, reference: `${reference}:undo` });
};

const forget = async (id: string) => {
  await repair.proof.sql`delete from stripe_blnk_sync.postings where object_id = ${id}`;
  await repair.proof.settle();
};

const DAMAGES: readonly Damage[] = [
  { name: 'lost', damages: [lose] },
  { name: 'altered to less', damages: [(id) => alter(id, 1n)] },
  { name: 'altered to more', damages: [(id) => alter(id, 99_999n)] },
  { name: 'altered twice', damages: [(id) => alter(id, 1n), (id) => alter(id, 7n)] },
  { name: 'corrected, and the correction lost', damages: [(id) => alter(id, 1n), (id) => lose(`${id}:adj:1`)] },
  { name: 'corrected, and the row lost', damages: [(id) => alter(id, 99_999n), lose], isStandIn: true },
  { name: 'corrected upwards, and the row lost', damages: [(id) => alter(id, 400n), lose], isStandIn: true },
  { name: 'corrected, and the row taken back', damages: [(id) => alter(id, 400n), takeBack], isStandIn: true },
  {
    name: 'corrected, and both lost',
    damages: [(id) => alter(id, 400n), (id) => [lose(id), lose(`${id}:adj:1`)]],
  },
  { name: 'burnt', damages: [burnAgain] },
  { name: 'burnt, and the replacement as well', damages: [burnAgain, (id) => burnAgain(`${id}:r1`)] },
  { name: 'burnt, and the replacement altered', damages: [burnAgain, (id) => alter(`${id}:r1`, 3n)] },
  { name: 'burnt, and the replacement lost', damages: [burnAgain, (id) => lose(`${id}:r1`)] },
  { name: 'imported with a wrong amount', before: importWrong, damages: [() => undefined] },
  {
    name: 'imported with a wrong amount, corrected, altered',
    before: importWrong,
    damages: [() => undefined, (id) => alter(id, 450n)],
  },
  {
    name: 'imported with a wrong amount, corrected, lost',
    before: importWrong,
    damages: [() => undefined, lose],
    isStandIn: true,
  },
  {
    name: 'altered, and all our postings of it lost and read again',
    damages: [(id) => alter(id, 1n), forget],
  },
];

describe('all sums agree after a payment was', () => {
  it.each(halfInTier(DAMAGES))('$name', async ({ before, damages, isStandIn }) => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(3);
    await before?.(id);
    await repair.proof.settle();
    for (const [index, damage] of damages.entries()) {
      await damage(id);
      await repairAll(isStandIn && index === damages.length - 1 ? id : null);
    }
    expect(repair.sums()).toEqual(repair.owed);
    await expectEqualTotals(repair);
  });
});

describe('a payment of which only a correction stands', () => {
  it.each([
    ['lost', lose],
    ['taken back', takeBack],
  ])('gets what is missing beside it when its row is %s, never the whole amount', async (_, damage) => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    alter(id, 400n);
    await repairAll();
    await damage(id);
    await repair.prove();
    const { outcome } = await repair.repair();
    expect(outcome.plan?.items).toMatchObject([{ action: 'correct', reference: `${id}:adj:2`, amount: 400n }]);
    expect(repair.sums()).toEqual(repair.owed);
    expect((await repair.prove()).findings.filter((finding) => !finding.startsWith('other_reference'))).toEqual([]);
    expect(await repair.plan()).toMatchObject({ plan: null, reported: [], left: [] });
  });
});

describe('a posting that stands for another one', () => {
  it.each([
    ['whose burnt original is in the ledger', false, (id: string) => `replace ${id}:r1 1000`],
    ['and everything else', true, (id: string) => `post ${id} 1000`],
  ])('is planned again when it is lost here and in the ledger, %s', async (_, isAllLost, planned) => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(2);
    await repair.burn(id);
    await repair.proof.settle();
    await repairAll();
    const dismissed = await repair.proof
      .sql`select dismissed_by from stripe_blnk_sync.postings where reference = ${id}`;
    expect(dismissed).toEqual([{ dismissed_by: expect.stringMatching(/^repair plan .*, applied by tester$/) }]);
    await repair.proof.sql`delete from stripe_blnk_sync.postings where reference = ${`${id}:r1`}`;
    for (const reference of isAllLost ? [id, `${id}_q`, `${id}:r1`] : [`${id}:r1`]) lose(reference);
    expect((await repair.prove()).states.USD).not.toMatch(/sealed/);
    const { outcome } = await repair.repair();
    const items = outcome.plan?.items.map(({ action, reference, amount }) => `${action} ${reference} ${amount}`);
    expect([items, outcome.reported]).toEqual([[planned(id)], []]);
    await repairAll();
    await expectEqualTotals(repair);
  });

  it('stays out when a person dismissed it', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(2);
    await repair.burn(id);
    await repair.proof.settle();
    await repair.proof
      .sql`update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'anna', dismissed_why = 'no' where reference = ${id}`;
    expect((await repair.prove()).findings).toEqual([`dismissed ${id}`]);
    expect((await repair.plan()).plan).toBeNull();
  });
});

/** @param standIn a payment of which only corrections stand: the right money, and not under its reference */
async function repairAll(standIn: string | null = null): Promise<void> {
  for (let plans = 1; plans <= 4; plans += 1) {
    await repair.prove();
    if ((await repair.repair()).outcome.plan === null) break;
  }
  const exceptions = standIn === null ? [] : [`other_reference ${standIn}`];
  const state = standIn === null ? 'sealed' : 'sealed_with_exceptions';
  expect(await repair.prove()).toEqual({ states: { USD: state }, findings: exceptions });
}
