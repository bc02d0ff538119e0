/**
 * What a person takes back, and puts back, without our metadata: only its reference finds it, and a repair that misses it books
 * the payment once more, or never again.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, openRepairStage, type RepairStage } from '../support/stages/repair.js';

const NEXT_DAY = '2026-05-30';

const openStage = stages();
let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

/** A guest's 10.00, from and to the balances of the payment, or the other way round. */
function book(reference: string, direction: 'there' | 'back', day = DAMAGED_DAY): Promise<void> {
  const back = direction === 'back' ? { source: '@stripe_guests', destination: '@stripe' } : {};
  const effective_date = `${day}T11:00:00Z`;
  return repair.proof.postByHand({ ...BY_HAND, ...back, reference, precise_amount: 1_000, effective_date });
}

describe('what was taken back and put back by hand', () => {
  it.each([DAMAGED_DAY, NEXT_DAY])('under an effective date of %s is not posted again', async (day) => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await book(`${id}:undo`, 'back');
    expect((await repair.prove()).findings).toEqual([`missing ${id}`]);
    await book(`${id}:undo:undo`, 'there', day);
    expect((await repair.plan()).plan).toBeNull();
    expect(repair.sums()).toEqual(repair.owed);
    expect((await repair.prove()).findings).toEqual([]);
  });

  it('and taken back once more is posted again', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await book(`${id}:undo`, 'back');
    await book(`${id}:undo:undo`, 'there');
    await book(`${id}:undo:undo:undo`, 'back');
    expect((await repair.prove()).findings).toEqual([`missing ${id}`]);
    await repair.repair();
    expect(repair.sums()).toEqual(repair.owed);
    expect((await repair.prove()).states.USD).toMatch(/^sealed/);
  });
});

it('a replacement that was taken back by hand is replaced', async () => {
  repair = await openRepairStage(await openStage());
  const [id = ''] = repair.pay(1);
  await repair.burn(id);
  await repair.proof.settle();
  await repair.prove();
  await repair.repair();
  expect(repair.sums()).toEqual(repair.owed);
  await book(`${id}:r1:undo`, 'back');
  expect((await repair.prove()).states.USD).toBe('broken');
  expect((await repair.repair()).applied?.items).toMatchObject([{ action: 'replace', reference: `${id}:r2` }]);
  expect(repair.sums()).toEqual(repair.owed);
  expect((await repair.prove()).states.USD).toMatch(/^sealed/);
});
