// What the Blnk sandbox adds to Core's recorded answers: the Cloud's APIs, locks, recovery, damage, its clock and its command.
// Core's answers themselves are held by blnk-contract/contract.test.ts.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../../sandbox/clock.js';
import {
  asCloud,
  asControl,
  asCore,
  bulkOf,
  codeOf,
  eventually,
  payment,
  postPayment,
  seenThroughCloud,
} from '../blnk-contract/sandbox-client.js';

const started: BlnkSandbox[] = [];

async function start(options: Parameters<typeof startBlnkSandbox>[0] = {}): Promise<BlnkSandbox> {
  const sandbox = await startBlnkSandbox(options);
  started.push(sandbox);
  return sandbox;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((sandbox) => sandbox.close()));
});

describe('the Cloud as the sandbox plays it', () => {
  it('passes documented routes to Core under /proxy and knows no others', async () => {
    const sandbox = await start();
    expect((await asCloud(sandbox, { path: '/proxy/transactions', body: payment('pi_1') })).status).toBe(201);
    expect((await asCloud(sandbox, { path: '/proxy/transactions/bulk', body: bulkOf(['pi_2']) })).status).toBe(201);
    const balanceId = sandbox.balance('@stripe', 'USD')?.balance_id;
    expect((await asCloud(sandbox, { path: `/proxy/balances/${balanceId}/at` })).status).toBe(200);
    for (const path of [
      '/proxy/transactions/reference/pi_1',
      '/proxy/balances/indicator/@stripe/currency/USD',
      '/proxy/ledgers',
    ]) {
      expect((await asCloud(sandbox, { path })).status, path).toBe(404);
    }
    expect((await asCloud(sandbox, { path: '/proxy/transactions/filter', body: { filters: [] } })).status).toBe(404);
    expect((await asCloud(sandbox, { path: '/transactions', body: payment('pi_3') })).status).toBe(404);
  });

  it('pages its Filters API from page 1, 20 rows unless asked, 100 at most, with the total', async () => {
    const sandbox = await start();
    const references = Array.from({ length: 230 }, (_unused, index) => `pi_${index}`);
    await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf(references) });
    const body = { filters: [{ field: 'meta_data.stripe_day', operator: 'eq', value: '2026-01-15' }] };
    const page = async (query: Record<string, string>) => {
      const answer = await asCloud(sandbox, { path: '/transactions/filter', query, body });
      return answer.body as { data: { reference: string }[]; total: number };
    };
    const first = await page({});
    expect(Object.keys(first)).toEqual(['data', 'total', 'stats', 'total_is_estimate', 'total_source']);
    expect([first.data.length, first.total, first.data[0]?.reference]).toEqual([20, 230, 'pi_229']);
    expect((await page({ pageSize: '500' })).data).toHaveLength(100);
    const third = await page({ pageSize: '100', page: '3' });
    expect([third.data.length, third.data.at(-1)?.reference]).toEqual([30, 'pi_0']);
    expect((await page({ pageSize: '100', page: '4' })).data).toEqual([]);
  });

  it('filters balances, identities and ledgers, `ledger` in the singular', async () => {
    const sandbox = await start();
    await postPayment(sandbox, 'pi_1');
    const balances = await asCloud(sandbox, {
      path: '/balances/filter',
      body: { filters: [{ field: 'indicator', operator: 'eq', value: '@cus_1' }] },
    });
    expect(balances.body).toMatchObject({ data: [{ indicator: '@cus_1', balance: 1250 }], total: 1 });
    expect((await asCloud(sandbox, { path: '/ledger/filter', body: { filters: [] } })).body).toMatchObject({
      total: 1,
    });
    expect((await asCloud(sandbox, { path: '/ledgers/filter', body: { filters: [] } })).status).toBe(404);
    expect((await asCloud(sandbox, { path: '/identities/filter', body: { filters: [] } })).body).toMatchObject({
      data: [],
    });
  });

  it('reads /data/transactions by suffix operators', async () => {
    const sandbox = await start();
    await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf(['pi_1', 'pi_2']) });
    const answer = await asCloud(sandbox, { path: '/data/transactions', query: { reference_eq: 'pi_2' } });
    expect(answer.body).toMatchObject({ data: [{ reference: 'pi_2', precise_amount: 1250 }], total: 1 });
    const paged = await asCloud(sandbox, { path: '/data/transactions', query: { pageSize: '1', page: '2' } });
    expect(paged.body).toMatchObject({ data: [{ reference: 'pi_1' }], total: 2 });
  });

  it('finds keys of metadata by exists and notexists, and nested ones by a path, where Core knows neither', async () => {
    const sandbox = await start();
    await postPayment(sandbox, 'pi_1', { meta_data: { order: { id: 'o1' } } });
    await postPayment(sandbox, 'pi_2', { meta_data: { order: 'o2' } });
    const byFilter = async (filter: Record<string, unknown>) => {
      const { body } = await asCloud(sandbox, { path: '/transactions/filter', body: { filters: [filter] } });
      return (body as { data: { reference: string }[] }).data.map(({ reference }) => reference);
    };
    expect(await byFilter({ field: 'meta_data.order', operator: 'exists' })).toEqual(['pi_2', 'pi_1']);
    expect(await byFilter({ field: 'meta_data.order.id', operator: 'exists' })).toEqual(['pi_1']);
    expect(await byFilter({ field: 'meta_data.order.id', operator: 'notexists' })).toEqual(['pi_2']);
    expect(await byFilter({ field: 'meta_data.order.id', operator: 'eq', value: 'o1' })).toEqual(['pi_1']);
    const byQuery = await asCloud(sandbox, {
      path: '/data/transactions',
      query: { 'meta_data.order.id_notexists': '' },
    });
    expect(byQuery.body).toMatchObject({ data: [{ reference: 'pi_2' }], total: 1 });
    for (const filter of [
      { field: 'meta_data.order', operator: 'exists' },
      { field: 'meta_data.order.id', operator: 'eq', value: 'o1' },
    ]) {
      expect((await asCore(sandbox, { path: '/transactions/filter', body: { filters: [filter] } })).status).toBe(400);
    }
  });

  it('shows 30 ledgers a page, 20 of everything else', async () => {
    const sandbox = await start();
    for (let made = 0; made < 31; made += 1) {
      await asCore(sandbox, { path: '/ledgers', body: { name: `ledger ${made}` } });
      await postPayment(sandbox, `pi_${made}`);
    }
    const pageOf = async (path: string, body?: unknown) =>
      ((await asCloud(sandbox, { path, body })).body as { data: unknown[] }).data.length;
    expect(await pageOf('/ledger/filter', { filters: [] })).toBe(30);
    expect(await pageOf('/data/ledgers')).toBe(30);
    expect(await pageOf('/transactions/filter', { filters: [] })).toBe(20);
  });

  it('can count roughly, unless it is asked for the number', async () => {
    const sandbox = await start({ cloudEstimatesTotals: true });
    await postPayment(sandbox, 'pi_1');
    const filter = { path: '/transactions/filter', body: { filters: [] } };
    expect((await asCloud(sandbox, filter)).body).toMatchObject({ total: 10, total_is_estimate: true });
    const exact = await asCloud(sandbox, { ...filter, query: { strict_total: 'true' } });
    expect(exact.body).toMatchObject({ total: 1, total_is_estimate: false, total_source: 'exact' });
  });

  it('ends what is set aside and takes payments back through the proxy, at documented routes only', async () => {
    const sandbox = await start();
    const { body } = await postPayment(sandbox, 'pi_1', { inflight: true });
    const id = (body as { transaction_id: string }).transaction_id;
    const commit = { status: 'commit', skip_queue: true };
    const answer = await asCloud(sandbox, { method: 'PUT', path: `/proxy/transactions/inflight/${id}`, body: commit });
    expect(answer.body).toMatchObject({ status: 'APPLIED', parent_transaction: id });
    const refund = await asCloud(sandbox, { path: `/proxy/refund-transaction/${id}`, body: { skip_queue: true } });
    expect(refund.status).toBe(201);
    expect(sandbox.balance('@stripe', 'USD')?.balance).toBe(0n);
    const bulk = { path: '/proxy/transactions/inflight/bulk/void', body: { transaction_ids: [id] } };
    expect((await asCloud(sandbox, bulk)).status).toBe(404);
  });

  it('fills in precision 100 and a reference, in bulks too', async () => {
    const sandbox = await start();
    const { precision: _precision, reference: _reference, ...bare } = payment('');
    const body = { atomic: false, skip_queue: true, transactions: [bare, bare] };
    expect((await asCloud(sandbox, { path: '/proxy/transactions/bulk', body })).status).toBe(201);
    const rows = [...sandbox.transactions()];
    expect(rows.map(({ precision }) => precision)).toEqual([100, 100]);
    expect(new Set(rows.map(({ reference }) => reference)).size).toBe(2);
  });

  it('refuses unknown and expired tokens, wrong instances and missing scopes, each in its own way', async () => {
    const sandbox = await start({ cloudScopes: ['proxy:write'] });
    const post = (headers: Record<string, string> = {}, query: Record<string, string> = {}) =>
      asCloud(sandbox, { path: '/proxy/transactions', body: payment('pi_1'), headers, query });
    expect((await post({ authorization: 'Bearer nope' })).status).toBe(401);
    const url = `${sandbox.url}/proxy/transactions?instance_id=${sandbox.instanceId}`;
    const bare = await fetch(url, { method: 'POST' });
    expect([bare.status, await bare.json()]).toEqual([401, { error: 'Authorization header is required' }]);
    expect((await post({}, { instance_id: 'inst_other' })).status).toBe(404);
    const lookup = () => asCloud(sandbox, { path: '/transactions/filter', body: { filters: [] } });
    const missing = await lookup();
    expect([missing.status, missing.text]).toEqual([403, expect.stringContaining('data:read')]);
    sandbox.access.allow(sandbox.cloudToken, ['data:read']);
    expect([(await lookup()).status, (await post()).status]).toEqual([200, 403]);
    sandbox.access.expire(sandbox.cloudToken);
    const expired = await lookup();
    expect([expired.status, expired.text]).toEqual([401, expect.stringContaining('expired')]);
    expect(codeOf(expired)).toBeUndefined();
    sandbox.access.allow('fresh_token');
    expect((await post({ authorization: 'Bearer fresh_token' })).status).toBe(201);
  });

  it('can leave precise_amount out of its rows', async () => {
    const sandbox = await start({ cloudOmitsPreciseAmount: true });
    await postPayment(sandbox, 'pi_1');
    const answer = await asCloud(sandbox, { path: '/transactions/filter', body: { filters: [] } });
    const [row] = (answer.body as { data: Record<string, unknown>[] }).data;
    expect(row).toMatchObject({ reference: 'pi_1', amount: 12.5, precision: 100 });
    expect(row).not.toHaveProperty('precise_amount');
  });
});

describe('the ledger of the sandbox', () => {
  it('answers 423 when the wait for a locked balance is over', async () => {
    const sandbox = await start({ lockWaitMs: 120 });
    sandbox.holdBalance('@stripe', 'USD');
    const startedAt = performance.now();
    expect(codeOf(await postPayment(sandbox, 'pi_1'))).toBe('GEN_RESOURCE_LOCKED');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(115);
  });

  it('makes a post wait for a locked balance, and no other one', async () => {
    const sandbox = await start({ lockWaitMs: 30_000 });
    const unlock = sandbox.holdBalance('@stripe', 'USD');
    const waiting = postPayment(sandbox, 'pi_1');
    expect((await postPayment(sandbox, 'pi_2', { currency: 'EUR' })).status).toBe(201);
    unlock?.();
    expect((await waiting).status).toBe(201);
  });

  it('serialises posts on one source when each holds its locks for a while', async () => {
    const sandbox = await start({ itemMs: 20 });
    const startedAt = performance.now();
    const answers = await Promise.all(
      [1, 2, 3, 4].map((index) => postPayment(sandbox, `pi_${index}`, { destination: `@cus_${index}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(75);
  });

  it('stamps rows with the clock it is given, each later than the one before', async () => {
    const clock = SandboxClock.running();
    clock.set(new Date('2026-03-01T12:00:00Z'));
    const sandbox = await start({ clock });
    const noDate = { effective_date: undefined };
    await postPayment(sandbox, 'pi_1', noDate);
    clock.advance(24 * 3_600_000);
    await postPayment(sandbox, 'pi_2', noDate);
    const [first, second] = [...sandbox.transactions()];
    expect(first?.created_at.toISOString()).toMatch(/^2026-03-01T12:00/);
    expect(second?.created_at.toISOString()).toMatch(/^2026-03-02T12:00/);
    expect(second?.effective_date).toEqual(second?.created_at);
    const between = {
      field: 'created_at',
      operator: 'between',
      values: ['2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z'],
    };
    const found = await asCore(sandbox, { path: '/transactions/filter', body: { filters: [between] } });
    expect((found.body as { reference: string }[]).map(({ reference }) => reference)).toEqual(['pi_2']);
  });

  it('finds the same rows through an index, a range of times and a scan', async () => {
    const clock = SandboxClock.running();
    const sandbox = await start({ clock });
    for (let hour = 0; hour < 6; hour += 1) {
      clock.set(new Date(Date.UTC(2026, 0, 15, hour)));
      await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf([`pi_${hour}a`, `re_${hour}b`]) });
    }
    const find = async (body: Record<string, unknown>) =>
      ((await asCore(sandbox, { path: '/transactions/filter', body })).body as { reference: string }[]).map(
        ({ reference }) => reference,
      );
    const window = [
      { field: 'created_at', operator: 'gte', value: '2026-01-15T02:00:00Z' },
      { field: 'created_at', operator: 'lt', value: '2026-01-15T04:00:00Z' },
    ];
    const like = { field: 'reference', operator: 'like', value: 'pi\\_%' };
    const day = { field: 'meta_data.stripe_day', operator: 'eq', value: '2026-01-15' };
    expect(await find({ filters: [...window, like] })).toEqual(['pi_3a', 'pi_2a']);
    expect(await find({ filters: [day, ...window, like] })).toEqual(['pi_3a', 'pi_2a']);
    expect(await find({ filters: [...window, like], sort_by: 'reference', sort_order: 'asc' })).toEqual([
      'pi_2a',
      'pi_3a',
    ]);
    expect(await find({ filters: [...window, like], sort_order: 'asc', limit: 1, offset: 1 })).toEqual(['pi_3a']);
    clock.set(new Date('2026-01-15T02:30:00Z'));
    await postPayment(sandbox, 'pi_late');
    expect(await find({ filters: [...window, like] })).toEqual(['pi_3a', 'pi_late', 'pi_2a']);
  });

  it('keeps the child of a queued post back until recovery, on demand or when its time has come', async () => {
    const clock = SandboxClock.running();
    const sandbox = await start({ clock, queuedChildren: 'held' });
    await postPayment(sandbox, 'pi_1', { skip_queue: false });
    await eventually(() => sandbox.byReference('pi_1')?.status === 'QUEUED');
    expect(sandbox.appliedByReference('pi_1')).toBeUndefined();
    expect(await sandbox.recoverQueued()).toBe(1);
    expect(sandbox.appliedByReference('pi_1')).toMatchObject({ reference: 'pi_1_q', precise_amount: 1250n });
    expect(await sandbox.recoverQueued()).toBe(0);

    await postPayment(sandbox, 'pi_2', { skip_queue: false });
    await eventually(() => sandbox.byReference('pi_2') !== undefined);
    clock.advance(119 * 60_000);
    await seenThroughCloud(sandbox, ['pi_2']);
    expect(sandbox.byReference('pi_2_q')).toBeUndefined();
    clock.advance(2 * 60_000);
    expect(await seenThroughCloud(sandbox, ['pi_2', 'pi_2_q'])).toContain('pi_2_q');
    expect(sandbox.balance('@cus_1', 'USD')?.balance).toBe(2500n);
  });

  it('loses the effective date of children whose posts were queued in a burst', async () => {
    const sandbox = await start({ queueDelayMs: 150 });
    await Promise.all([1, 2, 3].map((index) => postPayment(sandbox, `pi_${index}`, { skip_queue: false })));
    await eventually(() => sandbox.stats().rows === 6);
    const rows = [...sandbox.transactions()];
    expect(rows.filter(({ status, effective_date }) => status === 'QUEUED' && effective_date === undefined)).toEqual(
      [],
    );
    const lost = rows.filter(({ status, effective_date }) => status === 'APPLIED' && effective_date === undefined);
    expect(lost.length).toBeGreaterThan(0);
  });

  it('lets a test damage rows behind its back', async () => {
    const sandbox = await start();
    await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf(['pi_1', 'pi_2']) });
    expect(sandbox.deleteTransaction('pi_1')).toBe(true);
    expect(sandbox.alterTransaction('pi_2', { preciseAmount: 9_007_199_254_740_993n, destination: '@cus_9' })).toBe(
      true,
    );
    expect(sandbox.deleteTransaction('pi_3')).toBe(false);
    expect(await seenThroughCloud(sandbox, ['pi_1', 'pi_2'])).toEqual(['pi_2']);
    expect((await asCore(sandbox, { path: '/transactions/reference/pi_2' })).text).toContain('9007199254740993');
    expect([...sandbox.transactions()]).toMatchObject([
      { reference: 'pi_2', source: '@stripe', destination: '@cus_9' },
    ]);
    expect(sandbox.balance('@cus_1', 'USD')?.balance).toBe(2500n);
    expect((await postPayment(sandbox, 'pi_1')).status).toBe(201);
  });

  it('refuses an incompressible reference beyond what the index takes, and takes a longer one that repeats', async () => {
    const sandbox = await start();
    const noise = randomBytes(1_500).toString('hex');
    expect((await postPayment(sandbox, 'k'.repeat(3_000), { meta_data: {} })).status).toBe(201);
    expect((await postPayment(sandbox, noise, { meta_data: {} })).body).toMatchObject({
      error_detail: { details: { Code: '54000' } },
    });
  });

  it('counts requests by route and API', async () => {
    const sandbox = await start();
    await postPayment(sandbox, 'pi_1');
    await asCloud(sandbox, { path: '/proxy/transactions', body: payment('pi_2') });
    expect(sandbox.requestCount('POST /transactions')).toBe(2);
    expect(sandbox.stats().requests).toEqual({ 'core POST /transactions': 1, 'proxy POST /transactions': 1 });
    expect(sandbox.requests.map(({ api, status }) => [api, status])).toEqual([
      ['core', 201],
      ['proxy', 201],
    ]);
  });

  it('refuses loudly what it does not play', async () => {
    const sandbox = await start();
    const answer = await postPayment(sandbox, 'pi_1', { inflight: true, inflight_expiry_date: '2026-02-01T00:00:00Z' });
    expect([answer.status, answer.text]).toEqual([501, expect.stringContaining('inflight')]);
  });
});

describe('the control routes', () => {
  it('show rows in pages, with amounts of any size', async () => {
    const sandbox = await start();
    await asCore(sandbox, { path: '/transactions/bulk', body: bulkOf(['pi_1', 'pi_2', 'pi_3']) });
    const page = async (from: string) =>
      (await asControl(sandbox, { path: '/transactions', query: { from, limit: '2' } })).body as {
        data: unknown[];
        next: number | null;
      };
    const first = await page('0');
    expect(first).toMatchObject({
      data: [{ reference: 'pi_1', precise_amount: '1250' }, { reference: 'pi_2' }],
      next: 2,
    });
    expect(await page('2')).toMatchObject({ data: [{ reference: 'pi_3', source: '@stripe' }], next: null });
  });

  it('change tokens, the queue and holds', async () => {
    const sandbox = await start({ lockWaitMs: 30 });
    await asControl(sandbox, { path: '/tokens', body: { token: sandbox.cloudToken, state: 'expired' } });
    expect((await asCloud(sandbox, { path: '/data/transactions' })).status).toBe(401);
    const hold = await asControl(sandbox, { path: '/holds', body: { indicator: '@stripe', currency: 'USD' } });
    expect((await postPayment(sandbox, 'pi_1')).status).toBe(423);
    await asControl(sandbox, { path: `/holds/${(hold.body as { id: string }).id}`, method: 'DELETE' });
    expect((await postPayment(sandbox, 'pi_1')).status).toBe(201);
    await asControl(sandbox, { path: '/queue', body: { children: 'held' } });
    await postPayment(sandbox, 'pi_2', { skip_queue: false });
    await eventually(() => sandbox.byReference('pi_2') !== undefined);
    expect((await asControl(sandbox, { path: '/queue', body: { recover: true } })).body).toEqual({ recovered: 1 });
    await asControl(sandbox, { path: '/transactions/pi_2_q', method: 'PATCH', body: { preciseAmount: '7' } });
    expect(sandbox.byReference('pi_2_q')?.precise_amount).toBe(7n);
    expect((await asControl(sandbox, { path: '/stats' })).body).toMatchObject({ rows: 3 });
  });
});

describe('the command', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'says where and with which keys it listens, and ends with 0 on %s',
    async (signal) => {
      const command = fileURLToPath(new URL('../../sandbox/blnk/cli.ts', import.meta.url));
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', command, '--port', '0', '--core-key', 'k1', '--instance', 'inst_9'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const exited = once(child, 'exit');
      const lines: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        lines.push(line);
        if (line.startsWith('See ')) {
          break;
        }
      }
      const url = lines[0]?.split(/\s+/).at(-1) ?? '';
      expect(lines.join('\n')).toContain('inst_9');
      const answer = await fetch(`${url}/ledgers`, { headers: { 'x-blnk-key': 'k1' } });
      expect(answer.status).toBe(200);
      child.kill(signal);
      expect(await exited).toEqual([0, null]);
    },
  );
});
