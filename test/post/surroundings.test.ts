/** Faults of the surroundings: key, overdraft, another ledger. They stop the lane and lose nothing; counts hold all the while. */
import { describe, expect, it } from 'vitest';
import { preparePayment } from '../../src/core/posting/mapping.js';
import { parsePayment } from '../../src/core/posting/payment.js';
import { createParkedStore } from '../../src/db/postings/parked-store.js';
import { syncHistory } from '../../src/db/schema/views.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, RULES, until } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();
let stage: LedgerStage;

describe('a key that Blnk refuses', () => {
  it.each([3, 350])(
    'stops the lane with an error for a person; with a good key all is posted (%i payments)',
    async (count) => {
      stage = await startStage();
      await stage.store(makePayments(count));
      const drainer = await stage.drainer();
      const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts', times: 1 });
      const drained = drainer.drain(LANE, NEVER);
      const refused = expect(drained).rejects.toMatchObject({
        name: 'SyncError',
        kind: 'fatal',
        code: 'blnk_key_refused',
      });
      await until(() => hang.hits === 1);
      stage.sandbox.access.expire(stage.sandbox.cloudToken);
      hang.release();
      await refused;
      const states = await stage.states();
      expect((states.pending ?? 0) + (states.posted ?? 0)).toBe(count);
      expect(states.pending).toBeGreaterThan(0);

      stage.sandbox.access.allow(stage.sandbox.cloudToken);
      await stage.drainAll(drainer);
      expect(await stage.states()).toEqual({ posted: count });
      expect(stage.sandbox.stats().rows).toBe(count);
    },
  );

  it('is read again: a rotated key goes on without a stop', async () => {
    stage = await startStage();
    await stage.store(makePayments(150));
    stage.sandbox.access.allow('new_key');
    const keys = [stage.sandbox.cloudToken];
    const drainer = await stage.drainer({ readKey: async () => keys.shift() ?? 'new_key' });
    stage.sandbox.access.revoke(stage.sandbox.cloudToken);
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ posted: 150 });
  });

  it('without the permission to read names it, before anything is posted', async () => {
    stage = await startStage({ cloudScopes: ['proxy:write', 'proxy:read'] });
    await stage.store(makePayments(2));
    await expect((await stage.drainer()).drain(LANE, NEVER)).rejects.toMatchObject({
      kind: 'fatal',
      code: 'blnk_scope_missing',
      message: expect.stringContaining('data:read'),
    });
    expect(stage.sandbox.stats().rows).toBe(0);
  });
});

describe('a source without overdraft', () => {
  it.each([2, 120])('stops the lane with an error for a person, and parks nothing (%i payments)', async (count) => {
    stage = await startStage();
    await stage.store(makePayments(count));
    await stage.sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"allow_overdraft":true', '"allow_overdraft":false')`;
    await expect((await stage.drainer()).drain(LANE, NEVER)).rejects.toMatchObject({
      kind: 'fatal',
      code: 'blnk_overdraft_refused',
    });
    expect(await stage.states()).toEqual({ pending: count });
    expect(stage.sandbox.stats().rows).toBe(0);
  });
});

describe('another self-hosted ledger than before', () => {
  const otherSource = async () => {
    await stage.sql`update stripe_blnk_sync.mirror set source_balances = '{"USD":"bln_of_the_first_ledger"}'`;
  };

  it('is noticed before anything is posted to it', async () => {
    stage = await startStage({ style: 'core' });
    await stage.store(makePayments(1, { name: 'before' }));
    await stage.drainAll(await stage.drainer());
    await otherSource();
    await stage.store(makePayments(150));
    await expect((await stage.drainer()).drain(LANE, NEVER)).rejects.toMatchObject({
      kind: 'fatal',
      code: 'other_ledger',
      message: expect.stringContaining('bln_of_the_first_ledger'),
    });
    expect(stage.sandbox.stats().rows).toBe(1);
    expect(await stage.states()).toEqual({ pending: 150, posted: 1 });
    expect((await stage.postings()).filter(({ attempts }) => attempts > 0)).toHaveLength(1);
  });

  it('that is still empty is noticed by its first answer, and nothing is marked', async () => {
    stage = await startStage({ style: 'core' });
    await otherSource();
    await stage.store(makePayments(30));
    await expect((await stage.drainer()).drain(LANE, NEVER)).rejects.toMatchObject({ code: 'other_ledger' });
    expect(await stage.states()).toEqual({ pending: 30 });
  });

  it('is none of this when the source is the same', async () => {
    stage = await startStage({ style: 'core' });
    await stage.store(makePayments(30));
    await stage.drainAll(await stage.drainer());
    const [row] = await stage.sql`select source_balances from stripe_blnk_sync.mirror`;
    expect(row?.source_balances).toEqual({ USD: stage.sandbox.balance('@stripe', 'USD')?.balance_id });
    await stage.store(makePayments(30, { name: 'more' }));
    await stage.drainAll(await stage.drainer());
    expect(await stage.states()).toEqual({ posted: 60 });
  });
});

describe('a parked posting that a person sends back', () => {
  it('is posted when Blnk takes it now', async () => {
    stage = await startStage();
    await stage.store(makePayments(5));
    await stage.sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"description":', '"none":') where reference = 'pi_0003'`;
    const drainer = await stage.drainer({ finalAfterMs: 0 });
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ parked: 1, posted: 4 });
    await stage.sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"none":', '"description":') where reference = 'pi_0003'`;

    const parked = createParkedStore(stage.db, () => {
      throw new Error('nothing is to be mapped again');
    });
    expect(await parked.retry({ references: ['pi_0003'] })).toMatchObject({ retried: 1, lanes: [LANE], notParked: [] });
    await stage.drainAll(drainer);
    expect(await stage.posting('pi_0003')).toMatchObject({ state: 'posted', reason: null, prepared: null });
    expect(stage.sandbox.stats().rows).toBe(5);
  });

  it('is mapped again when it never could be, and then posted', async () => {
    stage = await startStage();
    await stage.store([...makePayments(1), ...makePayments(1, { name: 'live', livemode: true })]);
    const drainer = await stage.drainer();
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ parked: 1, posted: 1 });
    const parked = createParkedStore(stage.db, (text) => {
      const payment = parsePayment(text);
      if (payment.kind !== 'payment') throw new Error('the payment was readable');
      return preparePayment({ ...payment, livemode: false }, RULES);
    });
    expect(await parked.retry({ reason: 'wrong_livemode' })).toMatchObject({ retried: 1 });
    await stage.drainAll(drainer);
    expect(await stage.posting('pi_live0001')).toMatchObject({ state: 'posted', attempts: 1 });
  });
});

describe('the counts of a run', () => {
  it('are whole at every moment: stored = posted + already there + parked + pending', async () => {
    stage = await startStage({ itemMs: 1 });
    const live = makePayments(5, { name: 'live', livemode: true });
    const runId = await stage.store([
      ...makePayments(300),
      ...makePayments(60, { name: 'jpy', currency: 'jpy' }),
      ...live,
    ]);
    const drainers = await Promise.all([stage.drainer(), stage.drainer({ ownPool: true })]);
    stage.sandbox.faults.add({
      effect: 'status',
      status: 502,
      applied: true,
      route: 'posts',
      probability: 0.3,
      seed: 5,
    });
    const seen = new Set<string>();
    const look = async () => {
      const [run] = await stage.db.select().from(syncHistory);
      if (run === undefined) throw new Error('the run is not shown');
      expect(run).toMatchObject({ id: runId, found: 365, stored: 365, knownBefore: 0 });
      expect(run.posted + run.alreadyThere + run.parked + run.pending).toBe(run.stored);
      expect(run.status).toBe(run.pending > 0 ? 'posting' : 'attention');
      seen.add(`${run.posted}/${run.pending}`);
      return run;
    };
    let done = false;
    const draining = stage.drainAll(drainers).finally(() => {
      done = true;
    });
    await until(async () => {
      await look();
      return done;
    });
    await draining;
    expect(await look()).toMatchObject({ posted: 360, alreadyThere: 0, parked: 5, pending: 0 });
    expect(seen.size).toBeGreaterThan(2);
  });
});
