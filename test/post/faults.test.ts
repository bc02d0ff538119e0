/** Whatever happens between us and Blnk, each reference ends in the ledger once and posted; nothing is parked. */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/blnk/faults.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';
import { halfInTier } from '../support/tier.js';

const LANE = { source: '@stripe', currency: 'USD' };

const startStage = ledgerStages();
let stage: LedgerStage;

async function expectEachOnce(count: number): Promise<void> {
  const rows = [...stage.sandbox.transactions()];
  expect(rows.map(({ status }) => status)).toEqual(rows.map(() => 'APPLIED'));
  expect(new Set(rows.map(({ reference }) => reference)).size).toBe(count);
  expect(rows.length).toBe(count);
  expect(await stage.states()).toEqual({ posted: count });
  for (const posting of await stage.postings()) {
    expect(posting.transaction_id).toBe(stage.sandbox.byReference(posting.reference)?.transaction_id);
    expect(posting).toMatchObject({ settled_how: 'posted', in_doubt: false, claim: null, last_error: null });
  }
}

describe('a fault on posts leads to the same end', () => {
  const bulk = 'POST /transactions/bulk';
  const faults: ReadonlyArray<readonly [string, Fault]> = [
    ['the answer of a bulk is lost after it was applied', { effect: 'answer_lost', route: bulk, times: 1 }],
    ['every post is repeated by the proxy', { effect: 'repeated', api: 'proxy' }],
    ['the connection is reset before anything is applied', { effect: 'reset', route: 'posts', times: 3 }],
    ['a 502 page, applied', { effect: 'status', status: 502, body: 'html', applied: true, route: 'posts', times: 2 }],
    ['a 502 page, not applied', { effect: 'status', status: 502, body: 'html', route: 'posts', times: 3 }],
    ['500, applied', { effect: 'status', status: 500, applied: true, route: 'posts', times: 2 }],
    ['503', { effect: 'status', status: 503, route: 'posts', times: 4 }],
    ['201 with an empty body, not applied', { effect: 'status', status: 201, body: 'empty', route: 'posts', times: 2 }],
    ['409 without a code, not applied', { effect: 'status', status: 409, body: 'empty', route: 'posts', times: 2 }],
    ['slow answers, slower than half the lease', { effect: 'slow', delayMs: 900, route: 'posts', times: 2 }],
    ['a bulk stops at item 40 with 423', { effect: 'locked', atItem: 40, route: bulk, times: 2 }],
    ['look-ups fail with 503', { effect: 'status', status: 503, route: 'lookups', times: 3 }],
    ['look-ups are reset', { effect: 'reset', route: 'lookups', times: 3 }],
    [
      'look-ups answer a 200 that is no list',
      { effect: 'status', status: 200, body: 'cloud', route: 'lookups', times: 2 },
    ],
    [
      'balances cannot be looked up for a while',
      { effect: 'status', status: 502, route: 'POST /balances/filter', times: 3 },
    ],
  ];

  it.each(faults)('%s', async (_, fault) => {
    stage = await startStage();
    await stage.store(makePayments(220));
    const added = stage.sandbox.faults.add(fault);
    const drainer = await stage.drainer();
    await drainThroughThrows(drainer);
    expect(added.hits).toBeGreaterThan(0);
    await expectEachOnce(220);
  });

  it.each(halfInTier(faults.filter(([, { route }]) => route === 'posts' || route === undefined)))(
    'few payments: %s',
    async (_, fault) => {
      stage = await startStage();
      await stage.store(makePayments(3));
      const added = stage.sandbox.faults.add(fault);
      await drainThroughThrows(await stage.drainer());
      expect(added.hits).toBeGreaterThan(0);
      await expectEachOnce(3);
    },
  );

  /** A drain may throw when look-ups fail; the job is then asked for again. */
  async function drainThroughThrows(drainer: Awaited<ReturnType<LedgerStage['drainer']>>): Promise<void> {
    await until(async () => {
      for (const lane of await stage.pendingLanes()) {
        await drainer.drain(lane, NEVER).catch((error: unknown) => {
          if (!(error instanceof Error && 'kind' in error && error.kind === 'transient')) throw error;
        });
      }
      return (await stage.pendingLanes()).length === 0;
    });
  }
});

describe('an attempt', () => {
  it.each([1, 50])('is on disk when the request arrives (%i payments)', async (count) => {
    stage = await startStage();
    await stage.store(makePayments(count));
    const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts', times: 1 });
    const drained = (await stage.drainer()).drain(LANE, NEVER);
    await until(() => hang.hits === 1);
    expect(stage.sandbox.stats().rows).toBe(0);
    for (const posting of await stage.postings()) {
      expect(posting).toMatchObject({ state: 'pending', attempts: 1, attempted: true, in_doubt: true });
      expect(posting.claim).not.toBeNull();
    }
    hang.release();
    await drained;
    await expectEachOnce(count);
  });

  it('that is repeated is counted on disk before it goes out again', async () => {
    stage = await startStage();
    await stage.store(makePayments(1));
    stage.sandbox.faults.add({ effect: 'reset', route: 'posts', times: 1 });
    const hang = stage.sandbox.faults.add({ effect: 'hang', route: 'posts' });
    const draining = stage.drainUntil(await stage.drainer(), async () => (await stage.states()).posted === 1);
    await until(() => hang.hits === 1);
    expect(await stage.posting('pi_0001')).toMatchObject({ attempts: 2, state: 'pending' });
    hang.release();
    await draining;
  });
});

describe('when Blnk asks to wait', () => {
  it.each([
    [150, 'posts', 429],
    [2, 'posts', 429],
    [150, 'POST /transactions/bulk', 429],
    [150, 'POST /transactions/bulk', 503],
    [2, 'posts', 502],
  ])('nothing is sent before Retry-After is over (%i payments, %s, %i)', async (count, route, status) => {
    stage = await startStage();
    await stage.store(makePayments(count));
    const stalls: number[] = [];
    const drainer = await stage.drainer({ chunksInFlight: 1, onStalled: ({ pauseMs }) => stalls.push(pauseMs) });
    const fault = stage.sandbox.faults.add({ effect: 'status', status, retryAfter: 1, route, times: 1 });
    await drainer.drain(LANE, NEVER);
    expect(fault.hits).toBe(1);
    expect(stalls).toHaveLength(1);
    expect(stalls[0]).toBeGreaterThanOrEqual(1_000);
    await stage.drainAll(drainer);

    const asked = stage.sandbox.requests;
    const refusedAt = asked.findIndex((request) => request.status === status);
    const next = asked[refusedAt + 1];
    expect((next?.at.getTime() ?? 0) - (asked[refusedAt]?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(990);
    await expectEachOnce(count);
  });

  it('a locked source pauses its own lane, the other lanes go on', async () => {
    stage = await startStage();
    await stage.store([...makePayments(120), ...makePayments(120, { name: 'eur', currency: 'eur' })]);
    const unlock = stage.sandbox.holdBalance('@stripe', 'USD');
    const stalled = new Set<string>();
    const drainer = await stage.drainer({ onStalled: ({ lane }) => stalled.add(lane) });
    const inEuro = async () => (await stage.postings()).filter(({ reference }) => reference.startsWith('pi_eur'));
    await stage.drainUntil(drainer, async () => (await inEuro()).every(({ state }) => state === 'posted'));
    expect(stalled).toEqual(new Set(['USD:@stripe']));
    expect(await stage.states()).toEqual({ pending: 120, posted: 120 });
    unlock?.();
    await stage.drainAll(drainer);
    await expectEachOnce(240);
  });

  it('a pausing lane is not asked for again by every wake', async () => {
    stage = await startStage();
    await stage.store(makePayments(10));
    stage.sandbox.faults.add({ effect: 'status', status: 503, route: 'posts' });
    const drainer = await stage.drainer({ lanePause: { baseMs: 60_000, maxMs: 60_000 } });
    await drainer.drain(LANE, NEVER);
    const sent = stage.sandbox.requests.length;
    for (let wake = 0; wake < 5; wake += 1) expect(await drainer.drain(LANE, NEVER)).toBeGreaterThan(20_000);
    expect(stage.sandbox.requests.length).toBe(sent);
  });
});
