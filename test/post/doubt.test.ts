/** What look-ups show decides: lagging readers, refusals for good, payments that fail for ever. Doubt is never given up. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/post/ports.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, SHORT, until } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

describe('a reader that lags', () => {
  it.each([2, 120])(
    'parks nothing and posts nothing twice; all is posted once it catches up (%i payments)',
    async (count) => {
      await stage.store(makePayments(count));
      // The answer to a single post carries its row; only without it a look-up is needed.
      if (count < 10) stage.sandbox.faults.add({ effect: 'answer_lost', route: 'POST /transactions' });
      const lag = stage.sandbox.faults.add({ effect: 'stale_reads', route: 'lookups' });
      // One stream: of three that claim in the same moment one may get so few that their answers bring their rows. So may one
      // that a slow machine lets expire.
      const drainer = await stage.drainer({ chunksInFlight: 1, leaseMs: 30_000 });
      await stage.drainUntil(drainer, async () => (await stage.postings()).every(({ look_ups }) => look_ups >= 4));
      expect(await stage.states()).toEqual({ pending: count });
      expect((await stage.postings()).every(({ in_doubt }) => in_doubt)).toBe(true);
      expect(stage.sandbox.stats().rows).toBe(count);

      lag.remove();
      await stage.drainAll(drainer);
      expect(await stage.states()).toEqual({ posted: count });
      expect(stage.sandbox.stats().rows).toBe(count);
    },
  );

  it('makes a chunk wait together instead of sending it again for each of its payments', async () => {
    await stage.store(makePayments(100));
    stage.sandbox.faults.add({ effect: 'stale_reads', route: 'lookups' });
    const drainer = await stage.drainer({ backoff: { baseMs: 200, maxMs: 60_000 }, chunksInFlight: 1 });
    await stage.drainUntil(drainer, async () => (await stage.postings()).every(({ look_ups }) => look_ups >= 2));
    expect(stage.sandbox.requestCount('POST /transactions/bulk')).toBeLessThanOrEqual(4);
  });

  it('leaves a payment in doubt, not in conflict, while its balances are not visible', async () => {
    await stage.store(makePayments(50));
    let hidden = true;
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      findBalances: async (query) => (hidden ? new Map() : ledger.findBalances(query)),
    });
    const drainer = await stage.drainer({ wrapLedger, finalAfterMs: 0, backoff: { baseMs: 60, maxMs: 60_000 } });
    await stage.drainUntil(drainer, async () => (await stage.postings()).every(({ look_ups }) => look_ups >= 2));
    const [waiting] = await stage.postings();
    expect(waiting).toMatchObject({ state: 'pending', in_doubt: true, reason: null });
    expect(waiting?.last_error).toContain('in the ledger, which shows no balance @');
    expect(await stage.states()).toEqual({ pending: 50 });
    hidden = false;
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ posted: 50 });
  });

  it('calls it a conflict when a balance is still not there after many looks and the late look-up', async () => {
    await stage.store(makePayments(2));
    const wrapLedger = (ledger: Ledger): Ledger => ({ ...ledger, findBalances: async () => new Map() });
    const drainer = await stage.drainer({ wrapLedger, finalAfterMs: 100, backoff: { baseMs: 5, maxMs: 10 } });
    await stage.drainAll(drainer);
    for (const posting of await stage.postings()) {
      expect(posting).toMatchObject({ state: 'parked', reason: 'conflict' });
      expect(posting.look_ups).toBeGreaterThanOrEqual(8);
    }
  });

  it('looks a remembered balance id up again before it calls a difference a conflict', async () => {
    await stage.store(makePayments(2));
    let lie = true;
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      async findBalances(query) {
        const found = await ledger.findBalances(query);
        if (lie && query.indicators.length > 1) {
          lie = false;
          // Of the customers alone: another id of the source would be another ledger.
          return new Map([...found].map(([name, id]) => [name, name === '@stripe' ? id : 'bln_of_another_customer']));
        }
        return found;
      },
    });
    await stage.drainAll(await stage.drainer({ wrapLedger, finalAfterMs: 0 }));
    expect(await stage.states()).toEqual({ posted: 2 });
    expect(lie).toBe(false);
  });
});

describe('a payment that Blnk refuses', () => {
  const refuseOne = (reference: string) =>
    stage.sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"description":', '"not_described":') where reference = ${reference}`;

  it.each([3, 100])(
    'does not hold up the others, and is parked after a late look-up only (%i payments)',
    async (count) => {
      await stage.store(makePayments(count));
      await refuseOne('pi_0002');
      // However slow the machine: the refused one is not due again while the others are posted, and no lease runs out.
      const backoff = { baseMs: 120_000, maxMs: 120_000 };
      const drainer = await stage.drainer({ finalAfterMs: 1_000, backoff, leaseMs: 60_000 });
      const makeDue = () =>
        stage.sql`update stripe_blnk_sync.postings set due_at = now() where reference = 'pi_0002' and state = 'pending'`;
      await stage.drainUntil(drainer, async () => (await stage.states()).posted === count - 1);
      // Blnk names the item that it blames: the others go on in one more request, not one by one.
      expect(stage.sandbox.requestCount('POST /transactions/bulk')).toBeLessThanOrEqual(3);
      const lookUps = () => stage.sandbox.requestCount('POST /transactions/filter');
      let lookUpsBefore = lookUps();
      const drainAgain = async () => {
        await makeDue();
        // Before the drain that parks it, whichever that is.
        if ((await stage.posting('pi_0002')).state === 'pending') lookUpsBefore = lookUps();
        await drainer.drain(LANE, NEVER);
        return stage.posting('pi_0002');
      };
      await until(async () => (await drainAgain()).reason === 'refused_by_blnk');
      const noted = await stage.posting('pi_0002');
      // On a machine that stood still a second may be over already; that it is a second is looked at below.
      expect(noted).toMatchObject({ state: expect.stringMatching(/^(pending|parked)$/), in_doubt: false });
      await until(async () => (await drainAgain()).state === 'parked');
      expect(await stage.posting('pi_0002')).toMatchObject({ reason: 'refused_by_blnk', in_doubt: false });
      expect((await stage.posting('pi_0002')).reason_detail).toContain('description');
      expect(lookUps()).toBeGreaterThan(lookUpsBefore);
      const [age] = await stage.sql<{ ms: number }[]>`
      select extract(epoch from now() - last_attempt_at)::float8 * 1000 as ms from stripe_blnk_sync.postings where reference = 'pi_0002'`;
      expect(age?.ms).toBeGreaterThanOrEqual(1_000);
      expect(stage.sandbox.stats().rows).toBe(count - 1);
    },
  );

  it('is posted when the late look-up shows it after all', async () => {
    await stage.store(makePayments(1));
    const { prepared: whole } = await stage.posting('pi_0001');
    await refuseOne('pi_0001');
    const drainer = await stage.drainer({ finalAfterMs: 300 });
    await stage.drainUntil(drainer, async () => (await stage.posting('pi_0001')).reason === 'refused_by_blnk');
    const { status } = await fetch(`${stage.sandbox.url}/transactions`, {
      method: 'POST',
      headers: { 'x-blnk-key': stage.sandbox.coreKey, 'content-type': 'application/json' },
      body: whole,
    });
    expect(status).toBe(201);
    await stage.drainAll(drainer);
    expect(await stage.posting('pi_0001')).toMatchObject({ state: 'posted', reason: null, settled_how: 'posted' });
  });
});

describe('a payment that fails with 500 for ever', () => {
  it.each([3, 150])('stays pending with growing pauses, and the others go on (%i payments)', async (count) => {
    await stage.store(makePayments(count));
    stage.sandbox.faults.add({ effect: 'status', status: 500, contains: '"reference":"pi_0002"', route: 'posts' });
    const backoff = { baseMs: 10, maxMs: 60_000 };
    const drainer = await stage.drainer({ backoff, finalAfterMs: 0 });
    await stage.drainUntil(drainer, async () => (await stage.states()).posted === count - 1);
    const pauses: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      await stage.makeAllDue();
      const before = (await stage.posting('pi_0002')).attempts;
      await stage.drainUntil(drainer, async () => (await stage.posting('pi_0002')).attempts > before);
      const [row] = await stage.sql<{ ms: number }[]>`
        select extract(epoch from due_at - last_attempt_at)::float8 * 1000 as ms from stripe_blnk_sync.postings where reference = 'pi_0002'`;
      pauses.push(row?.ms ?? 0);
    }
    expect(await stage.posting('pi_0002')).toMatchObject({ state: 'pending', in_doubt: true, reason: null });
    expect(pauses.at(-1)).toBeGreaterThan(8 * Math.max(10, pauses[0] ?? 0) * 0.5);
    expect(await stage.states()).toEqual({ pending: 1, posted: count - 1 });
    stage.sandbox.faults.clear();
    await stage.makeAllDue();
    await stage.drainAll(drainer);
    expect(await stage.states()).toEqual({ posted: count });
  });

  it('never waits longer than the largest pause', async () => {
    await stage.store(makePayments(1));
    stage.sandbox.faults.add({ effect: 'status', status: 500, route: 'posts' });
    await stage.sql`update stripe_blnk_sync.postings set look_ups = 5000`;
    await (await stage.drainer()).drain(LANE, NEVER);
    const [row] = await stage.sql<
      { ms: number }[]
    >`select extract(epoch from due_at - now())::float8 * 1000 as ms from stripe_blnk_sync.postings`;
    expect(row?.ms).toBeLessThanOrEqual(SHORT.backoff.maxMs);
  });
});

describe('doubt', () => {
  it('of an earlier attempt is not ended by a later one that was certainly not applied', async () => {
    await stage.store(makePayments(1));
    stage.sandbox.faults.add({ effect: 'reset', route: 'posts', times: 1 });
    stage.sandbox.faults.add({ effect: 'status', status: 429, retryAfter: 60, route: 'posts' });
    const drainer = await stage.drainer();
    await stage.drainUntil(drainer, async () => (await stage.posting('pi_0001')).attempts === 2);
    expect(await stage.posting('pi_0001')).toMatchObject({ state: 'pending', in_doubt: true });
  });

  it('is not there when the only attempt was certainly not applied', async () => {
    await stage.store(makePayments(1));
    stage.sandbox.faults.add({ effect: 'status', status: 429, retryAfter: 60, route: 'posts' });
    await (await stage.drainer()).drain(LANE, NEVER);
    expect(await stage.posting('pi_0001')).toMatchObject({ state: 'pending', attempts: 1, in_doubt: false });
  });
});
