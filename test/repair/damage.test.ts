/**
 * A ledger damaged in every way, after the real stages had filled it: the plan repairs what is ours to repair, a proof seals
 * it, and what is not ours is reported with all that a person needs. Nothing is ever posted twice.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { RepairItem } from '../../src/core/repair/repair-plan.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { readOutstanding } from '../../src/db/reads/outbox-status.js';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { inTier } from '../support/tier.js';

const openStage = stages();
const PAYMENTS = 24;

let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

/** Payments of the day in dollars, a third of them guests'; the reference of one may have been burnt before. */
async function openSettled(style: 'cloud' | 'core' = 'cloud', burnt?: number): Promise<string[]> {
  repair = await openRepairStage(await openStage(), { style });
  const ids = repair.pay(PAYMENTS);
  if (burnt !== undefined) await repair.burn(at(ids, burnt));
  await repair.proof.settle();
  return ids;
}

const at = (ids: readonly string[], index: number): string => ids[index] ?? '';
const brief = ({ action, reference, amount }: RepairItem) => `${action} ${reference} ${amount}`;

async function stateOf(reference: string) {
  const [row] = await repair.proof.sql`
    select state, reason, kind, dismissed_why, object_id, settled_how, amount::int, source, destination
    from stripe_blnk_sync.postings where reference = ${reference}`;
  return row;
}

describe.each(inTier({ quick: ['core'] as const, full: ['cloud', 'core'] as const }))(
  'a day of a ledger on %s',
  (style) => {
    it('is sealed again when rows were lost, altered and burnt', async () => {
      const ids = await openSettled(style, 5);
      const burnt = at(ids, 5);
      const { blnk } = repair.proof;
      blnk.deleteTransaction(at(ids, 0));
      blnk.deleteTransaction(at(ids, 1));
      blnk.alterTransaction(at(ids, 2), { preciseAmount: 1n });
      blnk.alterTransaction(at(ids, 4), { preciseAmount: 99_999n });
      expect(await stateOf(burnt)).toMatchObject({ state: 'parked', reason: 'burnt_reference' });
      expect((await repair.prove()).states).toEqual({ USD: 'broken' });

      const { outcome, applied } = await repair.repair();
      expect(outcome.reported).toEqual([]);
      expect(outcome.plan?.items.map(brief).sort()).toEqual(
        [
          `post ${at(ids, 0)} 1000`,
          `post ${at(ids, 1)} 1010`,
          `correct ${at(ids, 2)}:adj:1 1019`,
          `correct ${at(ids, 4)}:adj:1 -98959`,
          `replace ${burnt}:r1 1050`,
        ].sort(),
      );
      expect(applied?.items.map(({ state }) => state)).toEqual(Array(5).fill('done'));
      expect(applied?.appliedAt).toBeInstanceOf(Date);
      expect(repair.sums()).toEqual(repair.owed);
      const proven = await repair.prove();
      expect(proven).toEqual({ states: { USD: 'sealed' }, findings: [] });
      // An altered row stays as it is: the correction stands beside it, and takes back from the customer's balance.
      expect(blnk.byReference(`${at(ids, 4)}:adj:1`)).toMatchObject({ source: '@cus_4', destination: '@stripe' });
      expect(await stateOf(at(ids, 4))).toMatchObject({ state: 'posted' });
      expect(await stateOf(burnt)).toMatchObject({ state: 'parked', dismissed_why: expect.stringContaining(':r1') });
      expect(await stateOf(`${burnt}:r1`)).toMatchObject({ state: 'posted', kind: 'replacement', object_id: burnt });
      expect(await repair.plan()).toMatchObject({ plan: null, reported: [] });
      const day = { from: new Date(`${DAMAGED_DAY}T00:00:00Z`), to: new Date('2026-05-30T00:00:00Z') };
      const parked = createParkedStore(repair.proof.db, () => ({ kind: 'rejected', reason: 'conflict', detail: '' }));
      expect(await parked.retry({ references: [burnt] })).toMatchObject({
        retried: 0,
        stillParked: [{ reference: burnt, detail: expect.stringContaining(`replaced by ${burnt}:r1`) }],
        notParked: [],
      });
      expect(await readOutstanding(repair.proof.db, day)).toEqual({ pending: 0, parked: 0, dismissed: 0 });
    });

    it('is sealed when somebody imported payments before us, with a wrong amount and queued ones that were rejected', async () => {
      repair = await openRepairStage(await openStage(), { style });
      const ids = repair.pay(6);
      const wrong = { ...BY_HAND, effective_date: `${DAMAGED_DAY}T00:00:00Z` };
      await repair.proof.postByHand({ ...wrong, reference: at(ids, 0), precise_amount: 400 });
      await repair.burn(at(ids, 3), 1_030);
      await repair.proof.settle();
      expect(await stateOf(at(ids, 0))).toMatchObject({ state: 'parked', reason: 'conflict' });
      await repair.prove();
      const { outcome } = await repair.repair();
      expect(outcome.plan?.items.map(brief)).toEqual([
        `correct ${at(ids, 0)}:adj:1 600`,
        `replace ${at(ids, 3)}:r1 1030`,
      ]);
      expect(repair.sums()).toEqual(repair.owed);
      expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
      expect(await stateOf(at(ids, 0))).toMatchObject({
        state: 'parked',
        dismissed_why: expect.stringContaining(':adj:1'),
      });
    });
  },
);

describe('what is not ours to repair', () => {
  it('is reported with transactions, amounts, balances and what to do by hand; nothing is planned', async () => {
    const ids = await openSettled();
    const { blnk } = repair.proof;
    const meta = blnk.byReference(at(ids, 0))?.meta_data;
    await repair.proof.postByHand({ ...BY_HAND, reference: 'random-1', precise_amount: 1_000, meta_data: meta });
    await repair.proof.postByHand({ ...BY_HAND, reference: 'pi_nobody', precise_amount: 99 });
    blnk.alterTransaction(at(ids, 1), { destination: '@somebody_else' });
    blnk.alterTransaction(at(ids, 2), { currency: 'EUR' });
    blnk.alterTransaction(at(ids, 4), { status: 'REJECTED' });
    await repair.prove();
    const { plan, reported } = await repair.plan();
    expect(plan).toBeNull();
    const told = new Map(reported.map((item) => [item.paymentId, item]));
    expect([...told.keys()].sort()).toEqual(
      [...[0, 1, 2, 4].map((index) => at(ids, index)), 'pi_nobody', 'day'].sort(),
    );
    const doubled = told.get(at(ids, 0))?.detail ?? '';
    expect(doubled).toContain(blnk.byReference('random-1')?.transaction_id);
    expect(doubled).toContain(`Keep ${blnk.byReference(at(ids, 0))?.transaction_id}`);
    expect(doubled).toMatch(/10\.00 USD from @stripe \(bln_\S+\) to @stripe_guests \(bln_\S+\)/);
    expect(doubled).toContain('"reference":"random-1:undo"');
    expect(told.get('pi_nobody')?.detail).toContain('"reference":"pi_nobody:undo"');
    expect(told.get(at(ids, 1))?.detail).toMatch(/expected is APPLIED 10\.10 USD from @stripe to @cus_1/);
    const byHand = told.get(at(ids, 4))?.detail ?? '';
    expect(byHand).toContain('REJECTED');
    // A name would make a balance of the general ledger where the mirror has one of its own.
    expect(JSON.parse(byHand.slice(byHand.indexOf('{')))).toMatchObject({
      source: blnk.balance('@stripe', 'USD')?.balance_id,
      destination: blnk.balance('@cus_4', 'USD')?.balance_id,
    });
    expect((await repair.proof.sql`select 1 from stripe_blnk_sync.repairs`).length).toBe(0);
  });

  it('is not what a person parked or dismissed, and not what somebody queued that Blnk has not decided', async () => {
    const ids = await openSettled();
    const { blnk, sql } = repair.proof;
    for (const index of [0, 1]) blnk.deleteTransaction(at(ids, index));
    await sql`update stripe_blnk_sync.postings set state = 'parked', reason = 'rebuild' where reference in (${at(ids, 0)}, ${at(ids, 1)})`;
    await sql`update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'anna', dismissed_why = 'no' where reference = ${at(ids, 1)}`;
    blnk.deleteTransaction(at(ids, 2));
    blnk.setQueuedChildren('held');
    await repair.proof.postByHand({ ...BY_HAND, skip_queue: false, reference: at(ids, 2), precise_amount: 1_020 });
    await expect.poll(() => blnk.byReference(at(ids, 2))?.status).toBe('QUEUED');
    await repair.prove();
    const { plan, reported } = await repair.plan({ fromDay: DAMAGED_DAY, toDay: DAMAGED_DAY });
    expect(plan).toBeNull();
    expect(reported.map(({ paymentId, detail }) => [paymentId, detail.includes('waits for a person')])).toEqual([
      [at(ids, 0), true],
    ]);
  });
});

describe('what is parked or dismissed here and in the ledger all the same', () => {
  it('is marked as posted', async () => {
    const ids = await openSettled();
    const { sql } = repair.proof;
    await sql`update stripe_blnk_sync.postings set state = 'parked', reason = 'refused_by_blnk' where reference in (${at(ids, 0)}, ${at(ids, 1)})`;
    await sql`update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'anna', dismissed_why = 'no' where reference = ${at(ids, 1)}`;
    const rows = repair.proof.blnk.stats().rows;
    const { outcome, applied } = await repair.repair();
    expect(outcome.plan?.items.map(({ action, paymentId }) => [action, paymentId]).sort()).toEqual(
      [
        ['mark_posted', at(ids, 0)],
        ['mark_posted', at(ids, 1)],
      ].sort(),
    );
    expect(applied?.items.map(({ state }) => state)).toEqual(['done', 'done']);
    for (const index of [0, 1])
      expect(await stateOf(at(ids, index))).toMatchObject({ state: 'posted', settled_how: 'posted' });
    expect(repair.proof.blnk.stats().rows).toBe(rows);
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
  });
});

describe('what our table and Stripe say of a payment that the ledger lost', () => {
  it('a customer who was set later changes nothing: it is posted to the balance that it was stored with', async () => {
    const ids = await openSettled();
    const { blnk, sandbox } = repair.proof;
    for (const index of [0, 1]) {
      sandbox.edit(at(ids, index), { customer: 'cus_later', metadata: { later: 'yes' } });
      blnk.deleteTransaction(at(ids, index));
    }
    blnk.alterTransaction(at(ids, 2), { preciseAmount: 5_000n });
    sandbox.edit(at(ids, 2), { customer: 'cus_later' });
    await repair.prove();
    await repair.repair();
    expect(blnk.byReference(at(ids, 0))).toMatchObject({ destination: '@stripe_guests' });
    expect(blnk.byReference(at(ids, 1))).toMatchObject({ destination: '@cus_1' });
    expect(blnk.byReference(`${at(ids, 2)}:adj:1`)).toMatchObject({ source: '@cus_2', destination: '@stripe' });
    expect(repair.sums()).toEqual(repair.owed);
    expect(blnk.balance('@cus_later', 'USD')).toBeUndefined();
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
  });

  it('another amount than was stored is reported, not posted', async () => {
    const ids = await openSettled();
    repair.proof.blnk.deleteTransaction(at(ids, 0));
    await repair.proof.sql`update stripe_blnk_sync.postings set amount = 1 where reference = ${at(ids, 0)}`;
    await repair.prove();
    const { plan, reported } = await repair.plan();
    expect(plan).toBeNull();
    expect(reported.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/stored as 0\.01 USD .* Stripe shows 10\.00 USD/),
    ]);
  });

  it('one that is pending again, or still looked at by a worker, is left alone', async () => {
    const ids = await openSettled('cloud', 2);
    for (const index of [0, 1]) repair.proof.blnk.deleteTransaction(at(ids, index));
    await repair.prove();
    await repair.proof
      .sql`update stripe_blnk_sync.postings set state = 'pending', due_at = now() + interval '1 hour' where reference in (${at(ids, 0)}, ${at(ids, 2)})`;
    const { plan, left } = await repair.plan();
    expect(plan?.items.map(brief)).toEqual([`post ${at(ids, 1)} 1010`]);
    const told = new Map(left.map(({ paymentId, detail }) => [paymentId, detail]));
    expect(told).toEqual(
      new Map([
        [at(ids, 0), `${at(ids, 0)} is on the way already`],
        [at(ids, 2), expect.stringContaining('is pending: a worker parks it')],
      ]),
    );
  });

  it('an import that was queued and applied with too little is corrected beside its decided copy', async () => {
    repair = await openRepairStage(await openStage());
    const ids = repair.pay(3);
    repair.proof.blnk.setQueuedChildren('soon');
    const queued = { ...BY_HAND, effective_date: `${DAMAGED_DAY}T00:00:00Z`, skip_queue: false };
    await repair.proof.postByHand({ ...queued, reference: at(ids, 0), precise_amount: 400 });
    await expect.poll(() => repair.proof.blnk.byReference(`${at(ids, 0)}_q`)?.status).toBe('APPLIED');
    await repair.proof.settle();
    await repair.prove();
    const { outcome } = await repair.repair();
    expect(outcome.plan?.items.map(brief)).toEqual([`correct ${at(ids, 0)}:adj:1 600`]);
    expect(repair.sums()).toEqual(repair.owed);
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
  });
});
