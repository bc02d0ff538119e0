/**
 * What no plan can repair: a person posts exactly the lines that the report has, and what comes of it is proven and planned
 * again. Every kind ends sealed, and with what Stripe says in the ledger once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { BY_HAND, openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { halfInTier } from '../support/tier.js';

const openStage = stages();
const PAYMENTS = 4;

let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

interface Trouble {
  readonly name: string;
  /** What the plan calls it. */
  readonly finding: string;
  readonly cause: (ids: readonly string[]) => Promise<unknown>;
  /** The rest, which a plan does once the person did their part. */
  readonly planned?: (id: string) => string;
  readonly sealed?: 'sealed_with_exceptions';
}

const copyOf = (id: string) => {
  const { meta_data, effective_date } = repair.proof.blnk.byReference(id) ?? {};
  return { ...BY_HAND, meta_data, effective_date, precise_amount: 1_000 };
};
const alter = (id: string, change: Parameters<RepairStage['proof']['blnk']['alterTransaction']>[1]) =>
  repair.proof.blnk.alterTransaction(id, change);

const TROUBLES: readonly Trouble[] = [
  {
    name: 'a copy under another reference',
    finding: 'doubled',
    cause: ([id = '']) => repair.proof.postByHand({ ...copyOf(id), reference: 'random-1' }),
  },
  {
    name: 'two copies, one of them of another amount',
    finding: 'doubled',
    cause: async ([id = '']) => {
      await repair.proof.postByHand({ ...copyOf(id), reference: 'random-1' });
      await repair.proof.postByHand({ ...copyOf(id), reference: 'random-2', precise_amount: 7 });
    },
  },
  {
    name: 'a copy beside an original of another amount',
    finding: 'doubled',
    cause: async ([id = '']) => {
      await repair.proof.postByHand({ ...copyOf(id), reference: 'random-1' });
      alter(id, { preciseAmount: 400n });
    },
    planned: (id) => `correct ${id}:adj:1 600`,
  },
  {
    name: 'a row of a payment that Stripe does not know, without metadata',
    finding: 'extra',
    cause: async () => repair.proof.postByHand({ ...BY_HAND, reference: 'pi_nobody', precise_amount: 99 }),
  },
  {
    name: 'a row of a payment that Stripe does not know, with our metadata',
    finding: 'extra',
    cause: ([id = '']) => {
      const { meta_data, ...copy } = copyOf(id);
      const of = { ...meta_data, stripe_payment_intent_id: 'pi_nobody' };
      return repair.proof.postByHand({ ...copy, meta_data: of, reference: 'pi_nobody' });
    },
  },
  {
    name: 'another destination',
    finding: 'different',
    cause: async ([id = '']) => alter(id, { destination: '@somebody_else' }),
    planned: (id) => `replace ${id}:r1 1000`,
  },
  {
    name: 'another currency',
    finding: 'different',
    cause: async ([id = '']) => alter(id, { currency: 'EUR' }),
    planned: (id) => `replace ${id}:r1 1000`,
  },
  {
    name: 'a row that was rejected',
    finding: 'different',
    cause: async ([id = '']) => alter(id, { status: 'REJECTED' }),
    sealed: 'sealed_with_exceptions',
  },
  {
    name: 'a copy with another destination, beside the right one',
    finding: 'different',
    cause: ([id = '']) => repair.proof.postByHand({ ...copyOf(id), reference: 'random-1', destination: '@else' }),
  },
];

const linesOf = (detail: string) =>
  detail.split('\n').flatMap((line) => (line.startsWith('POST /transactions ') ? [line.slice(19)] : []));

describe('what a person takes back or posts as a plan prints it', () => {
  it.each(halfInTier(TROUBLES))('repairs $name', async ({ finding, cause, planned, sealed = 'sealed' }) => {
    repair = await openRepairStage(await openStage());
    const ids = repair.pay(PAYMENTS);
    const [id = ''] = ids;
    await repair.proof.settle();
    await cause(ids);
    expect((await repair.prove()).states.USD).toBe('broken');
    const { plan, reported } = await repair.plan();
    const kinds = reported.map((item) => item.finding).filter((kind) => kind !== 'movement');
    expect([plan, kinds]).toEqual([null, [finding]]);
    const bodies = linesOf(reported[0]?.detail ?? '');
    expect(bodies.length).toBeGreaterThan(0);
    for (const body of bodies) await repair.proof.postByHand(JSON.parse(body));
    if (planned !== undefined) {
      await repair.prove();
      const { outcome } = await repair.repair();
      expect(outcome.reported).toEqual([]);
      const items = outcome.plan?.items.map(({ action, reference, amount }) => `${action} ${reference} ${amount}`);
      expect(items).toEqual([planned(id)]);
    }
    const { states, findings } = await repair.prove();
    expect([states.USD, findings]).toEqual([sealed, sealed === 'sealed' ? [] : [expect.stringContaining(id)]]);
    expect(await repair.plan()).toMatchObject({ plan: null, reported: [], left: [] });
    const { rows } = await heldOfPayments(ids);
    expect(rows).toEqual(ids.map((one) => [one, repair.owed.get(one)]));
  });

  it('takes a line that was posted without its metadata: the reference shows what it takes back', async () => {
    repair = await openRepairStage(await openStage());
    repair.pay(1);
    await repair.proof.settle();
    await repair.proof.postByHand({ ...BY_HAND, reference: 'pi_nobody', precise_amount: 99 });
    expect((await repair.prove()).states.USD).toBe('broken');
    const [body = ''] = linesOf((await repair.plan()).reported[0]?.detail ?? '');
    const { meta_data, ...bare } = JSON.parse(body);
    expect(meta_data).toBeDefined();
    await repair.proof.postByHand(bare);
    expect(await repair.prove()).toMatchObject({ states: { USD: 'sealed' }, findings: [] });
    expect(await repair.plan()).toMatchObject({ plan: null, reported: [], left: [] });
  });

  it('and was replaced is known again when our table lost it', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    alter(id, { destination: '@somebody_else' });
    await repair.prove();
    const [body = ''] = linesOf((await repair.plan()).reported[0]?.detail ?? '');
    await repair.proof.postByHand(JSON.parse(body));
    await repair.prove();
    await repair.repair();
    const rows = repair.proof.blnk.stats().rows;
    await repair.proof.sql`delete from stripe_blnk_sync.postings`;
    await repair.proof.settle();
    await repair.prove();
    const { outcome } = await repair.repair();
    const items = outcome.plan?.items.map(({ action, reference, amount }) => `${action} ${reference} ${amount}`);
    expect([items, outcome.reported]).toEqual([[`replace ${id}:r1 1000`], []]);
    expect(await repair.prove()).toMatchObject({ states: { USD: 'sealed' }, findings: [] });
    expect(repair.proof.blnk.stats().rows).toBe(rows);
  });

  describe('of what took effect on another day', () => {
    const OTHER = '2026-05-31';
    const proven = async () =>
      [await repair.prove(), await repair.prove(OTHER)].map(({ states, findings }) => [states.USD, findings]);
    const begin = async (): Promise<string> => {
      repair = await openRepairStage(await openStage());
      const [id = ''] = repair.pay(1);
      repair.proof.payOn(OTHER, 5);
      await repair.proof.settle();
      return id;
    };

    it('keeps the parts of a second booking, of which both days are told then: a person accepts them', async () => {
      const id = await begin();
      const { destination: _, ...from } = BY_HAND;
      await repair.proof.postByHand({
        ...{ ...from, reference: id, precise_amount: 1_000, effective_date: `${OTHER}T10:00:00Z` },
        destinations: [
          { identifier: '@stripe_guests', distribution: '97%' },
          { identifier: '@fees', distribution: 'left' },
        ],
      });
      expect(await proven()).toEqual([
        ['sealed', []],
        ['broken', [`doubled ${id}`]],
      ]);
      const { plan, reported } = await repair.plan();
      expect([plan, reported.map((item) => item.finding)]).toEqual([null, ['doubled']]);
      const [own = ''] = linesOf(reported[0]?.detail ?? '');
      await repair.proof.postByHand(JSON.parse(own));
      expect(await proven()).toEqual([
        ['broken', [`different ${id}`]],
        ['broken', [`different ${id}`]],
      ]);
    });

    it('posts again what was taken back there, and both days are sealed', async () => {
      const id = await begin();
      await repair.proof.postByHand({
        ...{ ...BY_HAND, reference: `${id}:undo`, precise_amount: 1_000, effective_date: `${OTHER}T10:00:00Z` },
        ...{ source: '@stripe_guests', destination: '@stripe' },
      });
      expect(await proven()).toEqual([
        ['sealed', []],
        ['broken', [`missing ${id}`]],
      ]);
      const { outcome } = await repair.repair();
      const items = outcome.plan?.items.map(({ action, reference, amount }) => `${action} ${reference} ${amount}`);
      expect([items, outcome.reported]).toEqual([[`replace ${id}:r1 1000`], []]);
      expect(await proven()).toEqual([
        ['sealed', []],
        ['sealed', []],
      ]);
    });
  });

  it('names day, metadata and balances: the body is complete', async () => {
    repair = await openRepairStage(await openStage());
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await repair.proof.postByHand({ ...copyOf(id), reference: 'random-1' });
    await repair.prove();
    const [body = ''] = linesOf((await repair.plan()).reported[0]?.detail ?? '');
    const copy = repair.proof.blnk.byReference('random-1');
    expect(JSON.parse(body)).toEqual({
      precise_amount: 1_000,
      precision: 100,
      currency: 'USD',
      reference: 'random-1:undo',
      source: repair.proof.blnk.balance('@stripe_guests', 'USD')?.balance_id,
      destination: repair.proof.blnk.balance('@stripe', 'USD')?.balance_id,
      description: 'Takes back random-1',
      allow_overdraft: true,
      skip_queue: true,
      effective_date: `${DAMAGED_DAY}T00:00:00Z`,
      meta_data: {
        stripe_payment_intent_id: id,
        stripe_day: DAMAGED_DAY,
        stripe_mirror: copy?.meta_data?.stripe_mirror,
      },
    });
  });
});

/** Applied, by the payment of the reference or of the metadata, in dollars, between the payments' own balances. */
async function heldOfPayments(ids: readonly string[]) {
  const sums = new Map<string, bigint>(ids.map((id) => [id, 0n]));
  const source = repair.proof.blnk.balance('@stripe', 'USD')?.balance_id;
  for (const row of repair.proof.blnk.transactions()) {
    if (row.status !== 'APPLIED' || row.currency !== 'USD') continue;
    const id = String(row.meta_data?.stripe_payment_intent_id ?? row.reference);
    if (!sums.has(id)) continue;
    const isBack = row.destination === '@stripe' || row.destination === source;
    sums.set(id, (sums.get(id) ?? 0n) + (isBack ? -row.precise_amount : row.precise_amount));
  }
  return { rows: [...sums] };
}
