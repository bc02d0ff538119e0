/**
 * Differences that no plan can make right, signed by a person: each ends its day sealed with an exception, stays so at every
 * further proof, and breaks the day again when the ledger changes once more. Nothing is posted and no posting changes.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { createAcceptanceStore } from '../../src/db/proof/acceptance-store.js';
import { listCertificates, readDay } from '../../src/db/reads/certificates.js';
import { readProofs, readStandings } from '../../src/db/reads/standings.js';
import { planRepair } from '../../src/prove/plan-repair.js';
import { certificateCsv } from '../../src/views/certificate-csv.js';
import { dayLines } from '../../src/views/certificate-text.js';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { halfInTier } from '../support/tier.js';

const openStage = stages();

let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

const store = () => createAcceptanceStore(repair.proof.db, 'test');
const sign = (payment: string, why = 'meant') => store().accept({ payment, by: 'ann', why });

/** A transaction of somebody who copies what says whose it is. */
async function postOf(id: string, body: Record<string, unknown>): Promise<void> {
  const { meta_data, effective_date } = repair.proof.blnk.byReference(id) ?? {};
  await repair.proof.postByHand({ ...BY_HAND, meta_data, effective_date, precise_amount: 1_000, ...body });
}

/** Blnk's own way back; asked twice it books twice. */
async function refund(reference: string): Promise<void> {
  const { blnk } = repair.proof;
  const answer = await fetch(`${blnk.url}/refund-transaction/${blnk.byReference(reference)?.transaction_id}`, {
    method: 'POST',
    headers: { 'X-Blnk-Key': blnk.coreKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ skip_queue: true }),
  });
  await answer.text();
}

interface Difference {
  readonly name: string;
  readonly cause: (id: string) => Promise<unknown>;
  /** What a person names; the payment when left out. */
  readonly named?: string;
}

const alter = (id: string, change: Parameters<RepairStage['proof']['blnk']['alterTransaction']>[1]) =>
  Promise.resolve(repair.proof.blnk.alterTransaction(id, change));

const DIFFERENCES: readonly Difference[] = [
  { name: 'refunded through Blnk', cause: refund },
  {
    name: 'partly taken back',
    cause: (id) =>
      postOf(id, { reference: `${id}-back`, source: '@stripe_guests', destination: '@stripe', precise_amount: 300 }),
  },
  { name: 'booked once more', cause: (id) => postOf(id, { reference: 'random-1' }) },
  { name: 'of another amount', cause: (id) => alter(id, { preciseAmount: 400n }) },
  { name: 'to another balance', cause: (id) => alter(id, { destination: '@somebody_else' }) },
  { name: 'rejected', cause: (id) => alter(id, { status: 'REJECTED' }) },
  {
    name: 'booked by hand under another reference, and not under its own',
    cause: async (id) => {
      repair.proof.blnk.deleteTransaction(id);
      await repair.proof.postByHand({ ...BY_HAND, reference: 'invoice-17', precise_amount: 1_000 });
    },
  },
  {
    name: 'an extra row, by its reference',
    named: 'pi_nobody',
    cause: () => repair.proof.postByHand({ ...BY_HAND, reference: 'pi_nobody', precise_amount: 99 }),
  },
];

describe('a difference that a person accepts', () => {
  it.each(halfInTier(DIFFERENCES))('seals the day of a payment that is $name', async ({ cause, named }) => {
    repair = await openRepairStage(await openStage());
    const { blnk, sql, db } = repair.proof;
    const [id = '', other = ''] = repair.pay(2);
    await repair.proof.settle();
    await cause(id);
    const payment = named ?? id;
    expect((await repair.prove()).states.USD).toBe('broken');
    const [hashes] = await listCertificates(db, { limit: 1 });
    const before = [await sql`select * from stripe_blnk_sync.postings order by reference`, blnk.stats().rows];

    expect(await sign(payment)).toMatchObject({
      kind: 'accepted',
      acceptance: { paymentId: payment, day: DAMAGED_DAY },
    });
    expect(await readStandings(db)).toMatchObject([{ states: ['broken'], acceptanceSince: true }]);
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    expect(await readStandings(db)).toMatchObject([{ acceptanceSince: false }]);
    expect((await readProofs(db)).accepted).toBe(payment.startsWith('pi_nobody') ? 0 : 1);
    expect([await sql`select * from stripe_blnk_sync.postings order by reference`, blnk.stats().rows]).toEqual(before);
    const [sealed] = await listCertificates(db, { limit: 1 });
    const sidesOf = (of: typeof sealed) => [
      of?.stripeHash,
      of?.ledgerHash,
      of?.postingsHash,
      of?.ledgerSum,
      of?.ledgerCount,
    ];
    expect(sidesOf(sealed)).toEqual(sidesOf(hashes));
    expect(sealed?.accepted).toMatchObject([{ paymentId: payment, by: 'ann', why: 'meant' }]);
    expect(await repair.plan()).toMatchObject({ plan: null, reported: [] });

    const meta = { ...blnk.byReference(other)?.meta_data, stripe_payment_intent_id: payment };
    await postOf(other, { reference: 'random-2', precise_amount: 7, meta_data: meta });
    const { states, findings } = await repair.prove();
    expect([states.USD, findings.some((finding) => finding.endsWith(` ${payment}`))]).toEqual(['broken', true]);
    const [broken] = (await readDay(db, { day: DAMAGED_DAY }))?.certificates ?? [];
    expect(JSON.stringify(broken?.findings)).toContain('what ann accepted at');
    expect(broken?.reopenedBecause).toContain(`${payment} is `);
  });

  it('is shown with who, when and why as text and as CSV', async () => {
    repair = await openRepairStage(await openStage());
    const { db } = repair.proof;
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await refund(id);
    await repair.prove();
    await sign(id, 'refunded, "whole"');
    await repair.prove();
    const day = await readDay(db, { day: DAMAGED_DAY });
    const signed = day?.certificates[0]?.accepted[0];
    if (day === null || signed === undefined) throw new Error('nothing is accepted');
    const when = signed.at.slice(0, 19).replace('T', ' ');
    expect(dayLines(day, 0).join('\n')).toContain(`  accepted at ${when} UTC by ann: refunded, "whole"`);
    const [header = '', line = ''] = certificateCsv(await listCertificates(db, { limit: null }));
    expect(header.split(',')).toContain('accepted');
    expect(line).toContain(`"${id} ${signed.kind}: at ${signed.at} by ann: refunded, ""whole"""`);
  });

  it('is not covered when more is given back, may be accepted anew, and is covered again when that is reversed', async () => {
    repair = await openRepairStage(await openStage());
    const { blnk, sql } = repair.proof;
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await refund(id);
    await repair.prove();
    await sign(id);
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    const back = { source: '@stripe_guests', destination: '@stripe' };
    await postOf(id, { ...back, reference: 'refund-2' });
    expect((await repair.prove()).states.USD).toBe('broken');
    expect(await sign(id, 'both')).toMatchObject({ kind: 'accepted' });
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    blnk.deleteTransaction('refund-2');
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    expect(await sql`select accepted_why from stripe_blnk_sync.acceptances order by accepted_at`).toEqual([
      { accepted_why: 'meant' },
      { accepted_why: 'both' },
    ]);
  });

  it('is taken back: the day is reopened at once, and the next proof judges it afresh', async () => {
    repair = await openRepairStage(await openStage());
    const { db, sql } = repair.proof;
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await refund(id);
    await repair.prove();
    await sign(id);
    await repair.prove();
    expect(await store().takeBack({ payment: id, by: 'bob', why: 'a mistake' })).toMatchObject({
      kind: 'taken_back',
      acceptances: [{ paymentId: id, by: 'ann', takenBackBy: 'bob', takenBackWhy: 'a mistake' }],
    });
    expect(await listCertificates(db, { limit: null })).toMatchObject([
      { state: 'sealed_with_exceptions', reopened: true },
    ]);
    expect(await readProofs(db)).toMatchObject({ exceptions: [], unsealed: [{ day: DAMAGED_DAY, reopened: true }] });
    expect((await repair.prove()).states.USD).toBe('broken');
    const [broken] = (await readDay(db, { day: DAMAGED_DAY }))?.certificates ?? [];
    expect(broken?.reopenedBecause).toMatch(new RegExp(`^${id} is .*, and no acceptance covers that any more$`));
    expect(broken?.findings[0]?.detail).not.toContain('accepted');
    expect(await sql`select accepted_by, taken_back_by from stripe_blnk_sync.acceptances`).toEqual([
      { accepted_by: 'ann', taken_back_by: 'bob' },
    ]);
    expect(await store().takeBack({ payment: id, by: 'bob', why: 'again' })).toMatchObject({
      kind: 'refused',
      code: 'not_accepted',
      problem: expect.stringContaining('bob took it back at'),
    });
  });
});

describe('a repair plan', () => {
  it('leaves out what is accepted, be it after the proof, and reports it', async () => {
    repair = await openRepairStage(await openStage());
    const [id = '', other = ''] = repair.pay(2);
    await repair.proof.settle();
    for (const reference of [id, other]) repair.proof.blnk.deleteTransaction(reference);
    await repair.prove();
    await sign(id, 'given back in cash');
    const { plan, left } = await repair.plan();
    expect(plan?.items.map(({ paymentId }) => paymentId)).toEqual([other]);
    expect(left).toEqual([
      {
        ...{ day: DAMAGED_DAY, paymentId: id },
        detail: 'missing as ann accepted it (given back in cash): nothing is planned; accept --take-back undoes that',
      },
    ]);
  });

  it('of before is refused for what was accepted since', async () => {
    repair = await openRepairStage(await openStage());
    const [id = '', other = ''] = repair.pay(2);
    await repair.proof.settle();
    for (const reference of [id, other]) repair.proof.blnk.deleteTransaction(reference);
    await repair.prove();
    const { plan } = await repair.plan();
    if (plan === null) throw new Error('nothing is planned');
    await sign(id, 'given back in cash');
    const { plan: applied } = await repair.apply(plan);
    expect(applied.items.map(({ paymentId, state }) => `${paymentId} ${state}`).sort()).toEqual(
      [`${id} refused`, `${other} done`].sort(),
    );
    expect(applied.items.find(({ paymentId }) => paymentId === id)?.detail).toContain(
      'a difference of it was accepted by ann on',
    );
    await repair.proof.post();
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
  });

  it('leaves out what was accepted of a day that is sealed by now, though the payment is parked here', async () => {
    repair = await openRepairStage(await openStage());
    const [id = '', other = ''] = repair.pay(2);
    await repair.burn(id);
    await repair.proof.settle();
    expect((await repair.prove()).findings).toEqual([`burnt ${id}`]);
    await sign(id, 'paid back in cash');
    expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
    for (const range of [null, { fromDay: DAMAGED_DAY, toDay: DAMAGED_DAY }]) {
      const { plan, left } = await repair.plan(range);
      expect([plan, left.map(({ paymentId }) => paymentId)]).toEqual([null, [id]]);
    }
    expect(repair.sums()).toEqual(new Map([[other, repair.owed.get(other)]]));
  });

  it('is refused for what was accepted while it was made', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    repair.proof.blnk.deleteTransaction(id);
    await repair.prove();
    const readIntent: RepairStage['ports']['stripe']['readIntent'] = async (asked) => {
      await sign(id, 'given back in cash');
      return repair.ports.stripe.readIntent(asked);
    };
    const request = { range: null, mirror: repair.mirror, by: 'tester' };
    const { plan } = await planRepair({ ...repair.ports, stripe: { readIntent } }, request, { onProgress: () => {} });
    if (plan === null) throw new Error('nothing is planned');
    expect((await repair.apply(plan)).plan.items).toMatchObject([{ paymentId: id, state: 'refused' }]);
    await repair.proof.post();
    expect(repair.sums()).toEqual(new Map());
  });

  describe('for another day than the one of which something was accepted', () => {
    const nextDay = new Date(Date.parse(DAMAGED_DAY) + 86_400_000).toISOString().slice(0, 10);

    /** A part of it is given back on the day, and once more on the next. */
    async function giveBack(id: string, name: string, day: string): Promise<void> {
      const meta = repair.proof.blnk.byReference(id)?.meta_data as object;
      await postOf(id, {
        ...{ reference: `${name}-${id}`, source: '@stripe_guests', destination: '@stripe', precise_amount: 300 },
        ...{ effective_date: `${day}T10:00:00Z`, meta_data: { ...meta, stripe_day: day } },
      });
    }

    it('tells it and plans nothing, as long as that is in force', async () => {
      repair = await openRepairStage(await openStage());
      const [id = ''] = repair.pay(1);
      await repair.proof.settle();
      await giveBack(id, 'first', DAMAGED_DAY);
      await repair.prove();
      await sign(id, 'refunded 3.00');
      await giveBack(id, 'second', nextDay);
      await repair.prove();
      expect((await repair.prove(nextDay)).states.USD).toBe('broken');
      const { plan, reported } = await repair.plan();
      const told = reported.filter(({ paymentId }) => paymentId === id);
      expect([plan, told.map(({ action }) => action)]).toEqual([null, ['report']]);
      expect(told[0]?.detail).toContain(`accepted by ann on ${DAMAGED_DAY} (refunded 3.00); take it back first`);
      await store().takeBack({ payment: id, day: DAMAGED_DAY, by: 'bob', why: 'a mistake' });
      expect((await repair.plan()).plan?.items).toMatchObject([{ action: 'correct', amount: 600n }]);
    });

    it('is refused when it was made before', async () => {
      repair = await openRepairStage(await openStage());
      const [id = ''] = repair.pay(1);
      await repair.proof.settle();
      await giveBack(id, 'first', DAMAGED_DAY);
      await giveBack(id, 'second', nextDay);
      await repair.prove();
      await repair.prove(nextDay);
      const { plan } = await repair.plan({ fromDay: nextDay, toDay: nextDay });
      if (plan === null) throw new Error('nothing is planned');
      await store().accept({ payment: id, day: DAMAGED_DAY, by: 'ann', why: 'refunded 3.00' });
      expect((await repair.apply(plan)).plan.items.filter(({ action }) => action !== 'report')).toMatchObject([
        { state: 'refused', detail: expect.stringContaining('take it back first') },
      ]);
    });
  });
});
