/**
 * Look-ups and the probe: nothing is skipped, and nothing is taken for absent that was only not answered.
 */
import { describe, expect, it } from 'vitest';
import type { RequestReport } from '../src/blnk/transport.js';
import { scriptedLedger } from './support/scripted-ledger.js';
import { coreError, json, reset, silent, startScriptedServer, text, truncated } from './support/scripted-server.js';

const { server, connect } = scriptedLedger();

const row = (reference: string, more: object = {}) => ({ reference, precise_amount: 5, status: 'APPLIED', ...more });
const balance = (indicator: string, id: string, currency = 'USD') => ({ indicator, balance_id: id, currency });

describe('a look-up by reference', () => {
  it('asks the Filters API of the Cloud at its root', async () => {
    server().script(json(200, { data: [row('pi_1')], total: 1 }));
    const rows = await connect().findByReference(['pi_1', 'pi_2', 'pi_1']);
    expect(rows.map(({ reference }) => reference)).toEqual(['pi_1']);
    expect(server().seen).toHaveLength(1);
    expect(server().seen[0]?.url).toBe('/transactions/filter?instance_id=inst_test&page=1&pageSize=100');
    expect(JSON.parse(server().seen[0]?.body ?? '')).toEqual({
      filters: [{ field: 'reference', operator: 'in', values: ['pi_1', 'pi_2'] }],
    });
  });

  it('asks a Core for up to 100 rows and takes its bare array', async () => {
    server().script(json(200, [row('pi_1'), row('pi_2')]));
    const rows = await connect({ style: 'core', instanceId: null }).findByReference(['pi_1', 'pi_2']);
    expect(rows).toHaveLength(2);
    expect(server().seen[0]?.url).toBe('/transactions/filter');
    expect(JSON.parse(server().seen[0]?.body ?? '')).toMatchObject({ limit: 100, sort_by: 'reference' });
  });

  it('reads on when the server makes smaller pages than asked for', async () => {
    const page = (...rows: object[]) => json(200, { data: rows, total: 3 });
    server().script(page(row('a'), row('b')), page(row('c')));
    expect(await connect().findByReference(['a', 'b', 'c', 'd'])).toHaveLength(3);
    expect(server().seen.map(({ url }) => /page=(\d+)/.exec(url)?.[1])).toEqual(['1', '2']);
  });

  it('ends when the total promises rows that never come', async () => {
    server().script(json(200, { data: [row('a')], total: 50 }), json(200, { data: [], total: 50 }));
    expect(await connect().findByReference(['a', 'b'])).toHaveLength(1);
  });

  it('takes 100 references and refuses more; asks nothing for none', async () => {
    server().script(json(200, { data: [], total: 0 }));
    const references = Array.from({ length: 101 }, (_, index) => `pi_${index}`);
    expect(await connect().findByReference(references.slice(1))).toEqual([]);
    await expect(connect().findByReference(references)).rejects.toThrow(/at most 100 references/);
    expect(await connect().findByReference([])).toEqual([]);
    expect(server().seen).toHaveLength(1);
  });

  it('is asked again after 429, 5xx, a reset and a cut answer', async () => {
    const found = json(200, { data: [row('pi_1')], total: 1 });
    server().script(text(429, ''), text(502, '<html>'), reset(), found);
    expect(await connect().findByReference(['pi_1'])).toHaveLength(1);
    server().script(truncated(200, '{"data":['), found);
    expect(await connect().findByReference(['pi_1'])).toHaveLength(1);
  });

  it('gives up after its attempts, as transient', async () => {
    server().script(text(503, '', { 'retry-after': '0' }));
    await expect(connect({ lookUpAttemptsMax: 3 }).findByReference(['pi_1'])).rejects.toMatchObject({
      name: 'SyncError',
      kind: 'transient',
      code: 'blnk_unavailable',
      retryAfterMs: 0,
    });
    expect(server().seen).toHaveLength(3);
  });

  it('leaves a long wait to the caller', async () => {
    server().script(text(429, '', { 'retry-after': '120' }));
    await expect(connect().findByReference(['pi_1'])).rejects.toMatchObject({ retryAfterMs: 120_000 });
    expect(server().seen).toHaveLength(1);
  });

  it('does not wait for ever', async () => {
    server().script(silent());
    const ledger = connect({ lookUpTimeoutMs: 200, lookUpAttemptsMax: 1 });
    await expect(ledger.findByReference(['pi_1'])).rejects.toMatchObject({ code: 'blnk_unavailable' });
  });

  it.each([
    ['a page', text(200, '<html>'), 'blnk_answer_unreadable'],
    ['other JSON', json(200, { rows: [] }), 'blnk_answer_unreadable'],
    ['no list', json(200, { data: null, total: 1 }), 'blnk_answer_unreadable'],
    ['a row without a reference', json(200, [row('pi_1'), { status: 'APPLIED' }]), 'blnk_answer_unreadable'],
    ['no row but null', json(200, [null]), 'blnk_answer_unreadable'],
    ['rows that were not asked for', json(200, [row('pi_9')]), 'blnk_answer_unreadable'],
    ['a refusal', coreError(400, 'GEN_BAD_REQUEST'), 'blnk_look_up_refused'],
  ])('throws rather than takes for absent: %s', async (_name, act, code) => {
    server().script(act);
    await expect(connect().findByReference(['pi_1'])).rejects.toMatchObject({ kind: 'transient', code });
  });
});

describe('a look-up of balances', () => {
  it('maps names of one currency to ids', async () => {
    server().script(json(200, { data: [balance('@a', 'bln_a'), balance('@b', 'bln_b')], total: 2 }));
    const found = await connect().findBalances({ indicators: ['@a', '@b', '@c'], currency: 'USD' });
    expect([...found]).toEqual([
      ['@a', 'bln_a'],
      ['@b', 'bln_b'],
    ]);
    expect(server().seen[0]?.url).toBe('/balances/filter?instance_id=inst_test&page=1&pageSize=100');
    expect(JSON.parse(server().seen[0]?.body ?? '').filters).toEqual([
      { field: 'indicator', operator: 'in', values: ['@a', '@b', '@c'] },
      { field: 'currency', operator: 'eq', value: 'USD' },
    ]);
  });

  it('takes the bare null of a Core for no balance', async () => {
    server().script(json(200, null));
    const ledger = connect({ style: 'core', instanceId: null });
    expect(await ledger.findBalances({ indicators: ['@a'], currency: 'USD' })).toEqual(new Map());
  });

  it.each([
    ['in another currency', [balance('@a', 'bln_a', 'EUR')]],
    ['of another name', [balance('@z', 'bln_z')]],
    ['without an id', [{ indicator: '@a', currency: 'USD' }]],
    ['twice with different ids', [balance('@a', 'bln_1'), balance('@a', 'bln_2')]],
  ])('refuses a balance that was listed %s', async (_name, rows) => {
    server().script(json(200, rows));
    const rejected = expect(connect().findBalances({ indicators: ['@a'], currency: 'USD' })).rejects;
    await rejected.toMatchObject({ code: 'blnk_answer_unreadable' });
  });
});

describe('the probe', () => {
  it('tries both permissions and writes nothing', async () => {
    const none = json(200, { data: null, total: 0 });
    server().script(none, none, coreError(400, 'TXN_BULK_EMPTY'));
    await connect().checkPermissions();
    expect(server().seen.map(({ url }) => url.split('?')[0])).toEqual([
      '/transactions/filter',
      '/balances/filter',
      '/proxy/transactions/bulk',
    ]);
    expect(JSON.parse(server().seen[2]?.body ?? '')).toEqual({ atomic: false, skip_queue: true, transactions: [] });
  });

  it('says which permission is missing', async () => {
    server().script(json(403, {}));
    await expect(connect().checkPermissions()).rejects.toMatchObject({ message: expect.stringContaining('data:read') });
    server().script(json(200, []), json(200, []), json(403, {}));
    await expect(connect().checkPermissions()).rejects.toMatchObject({
      message: expect.stringContaining('proxy:write'),
    });
  });

  it('says what was tried when nobody answers', async () => {
    const gone = await startScriptedServer();
    await gone.close();
    await expect(connect({ baseUrl: gone.url }).checkPermissions()).rejects.toMatchObject({
      kind: 'transient',
      code: 'blnk_unavailable',
      message: expect.stringContaining(gone.url),
    });
  });

  it('finds whether the ledger holds transactions of any mirror', async () => {
    server().script(json(200, { data: [row('pi_1', { meta_data: { stripe_mirror: 'm2' } })], total: 9 }));
    expect(await connect().hasTransactionsOfOurs()).toBe(true);
    const filters = [{ field: 'meta_data.stripe_mirror', operator: 'isnotnull' }];
    expect(JSON.parse(server().seen[0]?.body ?? '').filters).toEqual(filters);
    server().script(json(200, { data: [], total: 0 }));
    expect(await connect().hasTransactionsOfOurs()).toBe(false);
  });

  it('believes no server that ignores the question', async () => {
    server().script(json(200, { data: [row('x')], total: 1 }));
    await expect(connect().hasTransactionsOfOurs()).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
  });
});

it('every request is reported with its status, also when none came', async () => {
  const reports: RequestReport[] = [];
  server().script(reset(), json(200, []));
  await connect({ onRequest: (report) => reports.push(report) }).findByReference(['a']);
  expect(reports.map(({ route, status }) => ({ route, status }))).toEqual([
    { route: 'transactions', status: null },
    { route: 'transactions', status: 200 },
  ]);
  expect(reports.every(({ durationMs }) => durationMs >= 0)).toBe(true);
});
