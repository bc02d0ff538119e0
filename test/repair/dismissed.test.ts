/**
 * Decisions about what a repair stored: a replacement that a person dismissed stays out, is told as that, and can be taken
 * up again; what a plan dismissed in favour of another posting is never counted beside it.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/blnk/ledger.js';
import { createBalanceNames } from '../../src/core/ledger/balance-names.js';
import { createDismissedPostings } from '../../src/db/postings/outbox.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { readOutstanding } from '../../src/db/reads/outbox-status.js';
import { readStandings } from '../../src/db/reads/standings.js';
import { lookUpDismissed } from '../../src/post/look-up-dismissed.js';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, expectEqualTotals, openRepairStage, type RepairStage } from '../support/stages/repair.js';

const openStage = stages();

let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

const parkedStore = () =>
  createParkedStore(repair.proof.db, () => {
    throw new Error('nothing is mapped again');
  });

/** A worker parks what is pending, long after its last attempt. */
const park = (reason: string) => repair.proof.sql`
  update stripe_blnk_sync.postings set state = 'parked', reason = ${reason}, attempts = 1, first_attempt_at = now() - interval '1 hour',
    last_attempt_at = now() - interval '1 hour' where state = 'pending'`;

/** Looks once for all that is dismissed, as a worker does some time after the decision. */
async function lookForDismissed(): Promise<void> {
  const { blnk, sql } = repair.proof;
  const ledger = createLedger({
    style: 'cloud',
    baseUrl: blnk.url,
    instanceId: blnk.instanceId,
    readKey: async () => blnk.cloudToken,
  });
  const ports = {
    ...{ ledger, balances: createBalanceNames(ledger), source: repair.mirror.source },
    ...{ confirmSource: async () => {}, dismissed: createDismissedPostings(sql, { epoch: 0 }) },
  };
  await lookUpDismissed(ports, { mirrorId: repair.mirror.mirrorId, leaseMs: 30_000, looksAfterMs: [0, 0] });
  await ledger.close();
}

/** A person posts what takes the transaction of 10.00 back. */
async function takeBack(reference: string): Promise<void> {
  const row = repair.proof.blnk.byReference(reference);
  await repair.proof.postByHand({
    ...BY_HAND,
    reference: `${reference}:undo`,
    precise_amount: 1_000,
    source: row?.destination,
    destination: row?.source,
    effective_date: row?.effective_date,
    meta_data: row?.meta_data,
  });
}

/** A payment whose reference is burnt, and its replacement that Blnk refused and a person dismissed. */
async function dismissReplacement(): Promise<string> {
  repair = await openRepairStage(await openStage());
  const [id = ''] = repair.pay(1);
  await repair.burn(id);
  await repair.proof.collect();
  await park('burnt_reference');
  await repair.prove();
  const { plan } = await repair.plan();
  if (plan === null) throw new Error('nothing was planned');
  await repair.apply(plan);
  await park('refused_by_blnk');
  const reference = `${id}:r1`;
  expect(await parkedStore().dismiss({ reference, by: 'anna', why: 'stays out' })).toBe('dismissed');
  return reference;
}

it('a payment that is dismissed after its day was proven makes the day due again, until it is proven with that decision', async () => {
  repair = await openRepairStage(await openStage());
  const [id = ''] = repair.pay(1);
  await repair.proof.collect();
  await park('refused_by_blnk');
  expect((await repair.prove()).states.USD).toBe('open');
  expect(await readStandings(repair.proof.db)).toMatchObject([{ decidedSince: false }]);
  expect(await parkedStore().dismiss({ reference: id, by: 'anna', why: 'stays out' })).toBe('dismissed');
  expect(await readStandings(repair.proof.db)).toMatchObject([{ decidedSince: true }]);
  expect((await repair.prove()).states.USD).toBe('sealed_with_exceptions');
  expect(await readStandings(repair.proof.db)).toMatchObject([{ decidedSince: false }]);
});

describe('a decision that ends after its day was proven with it', () => {
  async function dismissAndProve(): Promise<string> {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.collect();
    await park('refused_by_blnk');
    await parkedStore().dismiss({ reference: id, by: 'anna', why: 'stays out' });
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed_with_exceptions' }, findings: [`dismissed ${id}`] });
    expect(await isDecidedSince()).toBe(false);
    return id;
  }

  /** As the worker sees it, and as a person does who asks by SQL. */
  const isDecidedSince = async () => {
    const [standing] = await readStandings(repair.proof.db);
    const [certificate] = await repair.proof.sql`select state, reopened from stripe_blnk_sync.day_certificates`;
    if (certificate?.state === 'sealed_with_exceptions') expect(certificate.reopened).toBe(standing?.decidedSince);
    return standing?.decidedSince;
  };

  it('by a retry that Blnk refuses again makes the day due until it is proven once', async () => {
    const id = await dismissAndProve();
    await parkedStore().retry({ references: [id] });
    expect(await isDecidedSince()).toBe(true);
    await park('refused_by_blnk');
    expect(await isDecidedSince()).toBe(true);
    expect(await repair.prove()).toEqual({ states: { USD: 'open' }, findings: [`parked ${id}`] });
    expect(await isDecidedSince()).toBe(false);
  });

  it('by a retry that is posted makes the day due until it is proven once', async () => {
    const id = await dismissAndProve();
    await parkedStore().retry({ references: [id] });
    await repair.proof.post();
    expect(await isDecidedSince()).toBe(true);
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
    expect(await isDecidedSince()).toBe(false);
  });

  it('because the ledger holds the payment after all makes the day due until it is proven once', async () => {
    const id = await dismissAndProve();
    await repair.proof.sql`update stripe_blnk_sync.postings set dismissed_at = dismissed_at - interval '1 hour'`;
    await repair.proof.postByHand({ ...BY_HAND, reference: id, precise_amount: 1_000 });
    await lookForDismissed();
    expect(await repair.proof.sql`select state from stripe_blnk_sync.postings`).toMatchObject([{ state: 'posted' }]);
    expect(await isDecidedSince()).toBe(true);
    await repair.prove();
    expect(await isDecidedSince()).toBe(false);
  });

  it('at a time that lies ahead, by a clock that was set back since, does not make the day due again and again', async () => {
    const id = await dismissAndProve();
    await parkedStore().retry({ references: [id] });
    await repair.proof.post();
    await repair.proof.sql`
      update stripe_blnk_sync.postings
      set past_dismissals = jsonb_set(past_dismissals, '{0,endedAt}', to_jsonb(to_char(now() + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.MSTZH:TZM')))`;
    await repair.prove();
    expect(await isDecidedSince()).toBe(false);
  });
});

describe('what a person dismissed after a repair', () => {
  it('is told as the one payment that stays out', async () => {
    await dismissReplacement();
    const day = { from: new Date(`${DAMAGED_DAY}T00:00:00Z`), to: new Date(`${DAMAGED_DAY}T23:59:59Z`) };
    expect(await readOutstanding(repair.proof.db, day)).toEqual({ pending: 0, parked: 0, dismissed: 1 });
    expect(await repair.prove()).toMatchObject({ states: { USD: 'sealed_with_exceptions' } });
  });

  it('is looked for in the ledger by a plan, though the payment itself is stood for', async () => {
    const reference = await dismissReplacement();
    expect(await repair.prove()).toMatchObject({ states: { USD: 'sealed_with_exceptions' } });
    const [row] = await repair.proof
      .sql`select effective_at from stripe_blnk_sync.postings where reference = ${reference}`;
    await repair.proof.postByHand({
      ...{ ...BY_HAND, reference, precise_amount: 1_000 },
      effective_date: new Date(row?.effective_at).toISOString(),
    });
    repair.progress.length = 0;
    const { plan } = await repair.plan();
    expect(plan?.items).toMatchObject([{ action: 'mark_posted', reference }]);
    if (plan !== null) await repair.apply(plan);
    expect(repair.progress.map(({ what, done, all }) => `${what} ${done} of ${all}`)).toEqual([
      ...['parked 0 of 1', 'payments 0 of 1', 'payments 1 of 1', 'items 0 of 1'],
    ]);
  });

  it('is posted once the person takes that back', async () => {
    const reference = await dismissReplacement();
    expect(await parkedStore().retry({ references: [reference] })).toMatchObject({ retried: 1, stillParked: [] });
    await repair.proof.post();
    expect(repair.sums()).toEqual(repair.owed);
    await repair.prove();
    await expectEqualTotals(repair);
  });
});

describe('a correction that a person dismissed', () => {
  it('stays out, though a replacement stands for the payment', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.burn(id);
    await repair.proof.collect();
    await park('burnt_reference');
    await repair.prove();
    await repair.repair();
    repair.proof.blnk.alterTransaction(`${id}:r1`, { preciseAmount: 900n });
    await repair.prove();
    const { plan: planned } = await repair.plan();
    if (planned === null) throw new Error('nothing was planned');
    await repair.apply(planned);
    await park('refused_by_blnk');
    const reference = `${id}:adj:1`;
    expect(await parkedStore().dismiss({ reference, by: 'anna', why: 'stays out' })).toBe('dismissed');
    await repair.prove();
    const { plan, reported } = await repair.plan();
    expect(plan).toBeNull();
    expect(reported).toMatchObject([
      {
        paymentId: id,
        finding: 'different',
        detail: expect.stringContaining(`${reference} was dismissed by a person`),
      },
    ]);
  });
});

describe('what a person dismissed, Blnk applied late, and the person took back by hand', () => {
  it('stays out, and is told as that until the person takes the decision back', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    // As looking up what was dismissed leaves it: in the ledger, and still dismissed.
    await repair.proof
      .sql`update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'anna', dismissed_why = 'no',
      exception = 'was dismissed by anna, but the ledger holds it' where reference = ${id}`;
    await takeBack(id);
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed_with_exceptions' }, findings: [`dismissed ${id}`] });
    expect(await repair.plan({ fromDay: DAMAGED_DAY, toDay: DAMAGED_DAY })).toMatchObject({ plan: null, reported: [] });
    // As if the newest proof were from before all this.
    await repair.proof
      .sql`update stripe_blnk_sync.certificates set state = 'broken', findings = jsonb_set(findings, '{0,kind}', '"missing"')`;
    const { plan, reported } = await repair.plan();
    expect(plan).toBeNull();
    expect(reported).toMatchObject([{ finding: 'dismissed', detail: expect.stringContaining(`${id}:undo:undo`) }]);
    const undo = repair.proof.blnk.byReference(`${id}:undo`);
    await repair.proof.postByHand({
      ...{ ...BY_HAND, reference: `${id}:undo:undo`, precise_amount: 1_000 },
      ...{ source: undo?.destination, destination: undo?.source, effective_date: undo?.effective_date },
    });
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
    expect((await repair.plan()).plan).toBeNull();
  });
});

describe('what a plan dismissed', () => {
  it('is not taken for posted again, though its row is in the ledger beside the one that took it back', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(2);
    await repair.proof.settle();
    await takeBack(id);
    await repair.prove();
    await repair.repair();
    await lookForDismissed();
    expect(await repair.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
    await expectEqualTotals(repair);
  });
});
