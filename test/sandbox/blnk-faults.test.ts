// Each effect of the Blnk sandbox's faults, seen by a client over real HTTP. Which requests a fault takes is in faults.test.ts,
// and what the mirror makes of them elsewhere; here an effect that does nothing must fail.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import {
  asCloud,
  asCore,
  bulkOf,
  codeOf,
  eventually,
  payment,
  postPayment,
  seenThroughCloud,
} from '../blnk-contract/sandbox-client.js';

describe('faults of the Blnk sandbox', () => {
  let sandbox: BlnkSandbox;

  beforeEach(async () => {
    sandbox = await startBlnkSandbox({ lockWaitMs: 60, seed: 7 });
  });
  afterEach(() => sandbox.close());

  const postThroughProxy = (body: unknown, path = '/proxy/transactions', signal?: AbortSignal) =>
    asCloud(sandbox, { path, body, ...(signal ? { signal } : {}) });

  it('answers 500 in the form of Core, stores nothing, and only as often as told', async () => {
    const fault = sandbox.faults.add({ effect: 'status', status: 500, route: 'posts', times: 2 });
    const first = await postPayment(sandbox, 'pi_1');
    expect(first.status).toBe(500);
    expect(codeOf(first)).toBe('GEN_INTERNAL');
    expect((await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf(['pi_1']) })).status).toBe(500);
    expect(sandbox.byReference('pi_1')).toBeUndefined();
    expect((await postPayment(sandbox, 'pi_1')).status).toBe(201);
    expect(fault.hits).toBe(2);
    expect(sandbox.faults.hits).toBe(2);
  });

  it('answers 502 as an HTML page although the post was applied', async () => {
    sandbox.faults.add({ effect: 'status', status: 502, body: 'html', applied: true, nth: 1 });
    const answer = await postThroughProxy(payment('pi_1'));
    expect(answer.status).toBe(502);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.text).toContain('<h1>502</h1>');
    expect(sandbox.appliedByReference('pi_1')?.precise_amount).toBe(1250n);
  });

  it('answers 429 with and without Retry-After', async () => {
    sandbox.faults.add({ effect: 'status', status: 429, retryAfter: 7, times: 1 });
    const told = await postThroughProxy(payment('pi_1'));
    expect([told.status, told.headers.get('retry-after')]).toEqual([429, '7']);
    sandbox.faults.add({ effect: 'status', status: 429, times: 1 });
    const unconfirmed = await postThroughProxy(payment('pi_1'));
    expect([unconfirmed.status, unconfirmed.headers.get('retry-after')]).toEqual([429, null]);
    expect(unconfirmed.body).not.toHaveProperty('error_detail');
    expect(sandbox.stats().rows).toBe(0);
  });

  it('resets the connection before anything is applied', async () => {
    sandbox.faults.add({ effect: 'reset', times: 1 });
    await expect(postPayment(sandbox, 'pi_1')).rejects.toThrow('fetch failed');
    expect(sandbox.byReference('pi_1')).toBeUndefined();
  });

  it('loses the answer to a bulk after all of it was applied', async () => {
    sandbox.faults.add({ effect: 'answer_lost', route: 'POST /transactions/bulk', times: 1 });
    await expect(postThroughProxy(bulkOf(['pi_1', 'pi_2']), '/proxy/transactions/bulk')).rejects.toThrow(
      'fetch failed',
    );
    expect(sandbox.balance('@cus_1', 'USD')?.balance).toBe(2500n);
    expect(sandbox.stats().leakedLocks).toBe(0);
  });

  it('repeats a request as the proxy may: the client sees 409 for its own first attempt', async () => {
    sandbox.faults.add({ effect: 'repeated', api: 'proxy' });
    const single = await postThroughProxy(payment('pi_1'));
    expect([single.status, codeOf(single)]).toEqual([409, 'TXN_DUPLICATE_REFERENCE']);
    const bulk = await postThroughProxy(bulkOf(['pi_2', 'pi_3']), '/proxy/transactions/bulk');
    expect([bulk.status, codeOf(bulk)]).toEqual([409, 'TXN_DUPLICATE_REFERENCE']);
    expect(sandbox.balance('@cus_1', 'USD')?.balance).toBe(3750n);
    expect((await postPayment(sandbox, 'pi_4')).status).toBe(201);
  });

  it('is slow', async () => {
    sandbox.faults.add({ effect: 'slow', delayMs: 200 });
    for (const ask of [() => postPayment(sandbox, 'pi_1'), () => asCore(sandbox, { path: '/ledgers' })]) {
      const started = performance.now();
      expect((await ask()).status).toBeLessThan(300);
      expect(performance.now() - started).toBeGreaterThanOrEqual(195);
    }
  });

  it('holds the locks of a post that hangs, and of no other balances', async () => {
    const fault = sandbox.faults.add({ effect: 'hang', contains: 'pi_stuck' });
    const stuck = postPayment(sandbox, 'pi_stuck');
    await eventually(() => fault.hits === 1);
    const other = await postPayment(sandbox, 'pi_2');
    expect([other.status, codeOf(other)]).toEqual([423, 'GEN_RESOURCE_LOCKED']);
    expect((await postPayment(sandbox, 'pi_3', { source: '@other', destination: '@cus_2' })).status).toBe(201);
    fault.release();
    expect((await stuck).status).toBe(201);
    expect((await postPayment(sandbox, 'pi_2')).status).toBe(201);
  });

  it('answers 423 in the middle of a bulk: items before are in, items after were never tried', async () => {
    sandbox.faults.add({ effect: 'locked', atItem: 3, times: 1 });
    const answer = await asCore(sandbox, {
      path: '/transactions/bulk',
      body: bulkOf(['pi_1', 'pi_2', 'pi_3', 'pi_4']),
    });
    expect([answer.status, codeOf(answer)]).toEqual([423, 'GEN_RESOURCE_LOCKED']);
    expect(answer.text).toContain('failed to queue transaction 3 (Reference: pi_3');
    expect([...sandbox.transactions()].map(({ reference }) => reference)).toEqual(['pi_1', 'pi_2']);
  });

  it('shows readers a replica that stands still until the fault is removed', async () => {
    await postPayment(sandbox, 'pi_1');
    const fault = sandbox.faults.add({ effect: 'stale_reads', route: 'lookups' });
    await postPayment(sandbox, 'pi_2');
    expect(await seenThroughCloud(sandbox, ['pi_1', 'pi_2'])).toEqual(['pi_1']);
    expect((await asCore(sandbox, { path: '/transactions/reference/pi_2' })).status).toBe(404);
    expect(codeOf(await postPayment(sandbox, 'pi_2'))).toBe('TXN_DUPLICATE_REFERENCE');
    fault.remove();
    expect(await seenThroughCloud(sandbox, ['pi_1', 'pi_2'])).toEqual(['pi_2', 'pi_1']);
  });

  it('shows readers a replica that lags by a time', async () => {
    sandbox.faults.add({ effect: 'stale_reads', api: 'cloud', lagMs: 250 });
    const postedAt = Date.now();
    await postPayment(sandbox, 'pi_1');
    const atOnce = await seenThroughCloud(sandbox, ['pi_1']);
    expect(Date.now() - postedAt < 250 ? atOnce : []).toEqual([]);
    let seen: string[] = [];
    while (seen.length === 0 && Date.now() - postedAt < 5_000) {
      seen = await seenThroughCloud(sandbox, ['pi_1']);
    }
    expect(seen).toEqual(['pi_1']);
    expect(Date.now() - postedAt).toBeGreaterThanOrEqual(250);
  });

  it('meets the requests whose body holds the piece that it names', async () => {
    sandbox.faults.add({ effect: 'status', status: 503, contains: 'pi_x' });
    const statuses = [];
    for (const reference of ['pi_a', 'pi_x1', 'pi_b', 'pi_x2', 'pi_x3']) {
      statuses.push((await postPayment(sandbox, reference)).status);
    }
    expect(statuses).toEqual([201, 503, 201, 503, 503]);
  });
});

describe('a client that drops its connection during a post', () => {
  const started: BlnkSandbox[] = [];
  const start = async (options: Parameters<typeof startBlnkSandbox>[0]) => {
    const sandbox = await startBlnkSandbox({ lockWaitMs: 60, ...options });
    started.push(sandbox);
    return sandbox;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((sandbox) => sandbox.close()));
  });

  async function dropDuring(sandbox: BlnkSandbox, path: string, body: unknown): Promise<void> {
    const aborting = new AbortController();
    const gone = asCore(sandbox, { path, body, signal: aborting.signal });
    await eventually(() => sandbox.faults.hits === 1);
    aborting.abort();
    await expect(gone).rejects.toThrow();
    await eventually(() => sandbox.requests.some(({ status }) => status === 0));
  }

  it('leaves both balances locked, stored or not, until the locks expire', async () => {
    for (const phase of ['before', 'after'] as const) {
      const sandbox = await start({});
      sandbox.faults.add({ effect: 'hang', phase, times: 1 });
      await dropDuring(sandbox, '/transactions', payment('pi_1'));
      expect(sandbox.byReference('pi_1') !== undefined).toBe(phase === 'after');
      expect(sandbox.stats().leakedLocks).toBe(2);
      const onSource = await postPayment(sandbox, 'pi_2', { destination: '@cus_2' });
      const onDestination = await postPayment(sandbox, 'pi_2', { source: '@bank' });
      expect([onSource.status, onDestination.status]).toEqual([423, 423]);
      expect(onSource.body).toMatchObject({
        error: 'failed to acquire lock: failed to acquire all locks within the wait timeout',
      });
      sandbox.expireLeakedLocks();
      expect((await postPayment(sandbox, 'pi_2')).status).toBe(201);
    }
  });

  it('stops a bulk in the middle', async () => {
    const sandbox = await start({});
    sandbox.faults.add({ effect: 'hang', atItem: 3, times: 1 });
    await dropDuring(sandbox, '/transactions/bulk', bulkOf(['pi_1', 'pi_2', 'pi_3', 'pi_4']));
    expect([...sandbox.transactions()].map(({ reference }) => reference)).toEqual(['pi_1', 'pi_2']);
    expect((await postPayment(sandbox, 'pi_3')).status).toBe(423);
  });

  it('locks for as long as told, then the balances are free by themselves', async () => {
    const sandbox = await start({ leakLockMs: 800, lockWaitMs: 5_000 });
    sandbox.faults.add({ effect: 'hang', times: 1 });
    await dropDuring(sandbox, '/transactions', payment('pi_1'));
    expect(sandbox.stats().leakedLocks).toBe(2);
    expect((await postPayment(sandbox, 'pi_2')).status).toBe(201);
    expect(sandbox.stats().leakedLocks).toBe(0);
  });

  it('leaves nothing locked when leaking is switched off, as in later versions of Core', async () => {
    const sandbox = await start({ leakLockMs: 0 });
    sandbox.faults.add({ effect: 'hang', times: 1 });
    await dropDuring(sandbox, '/transactions', payment('pi_1'));
    expect((await postPayment(sandbox, 'pi_2')).status).toBe(201);
  });

  it('leaves nothing locked when it was still waiting for a lock', async () => {
    const sandbox = await start({ lockWaitMs: 3_000 });
    const unlock = sandbox.holdBalance('@stripe', 'USD');
    const aborting = new AbortController();
    const gone = asCore(sandbox, { path: '/transactions', body: payment('pi_1'), signal: aborting.signal });
    await eventually(() => sandbox.balance('@cus_1', 'USD') !== undefined);
    aborting.abort();
    await expect(gone).rejects.toThrow();
    await eventually(() => sandbox.requests.some(({ status }) => status === 0));
    unlock?.();
    expect((await postPayment(sandbox, 'pi_2')).status).toBe(201);
    expect(sandbox.byReference('pi_1')).toBeUndefined();
  });
});
