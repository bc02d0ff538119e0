/**
 * Look-ups and the probe: nothing is skipped, and nothing is taken for absent that was only not answered.
 */
import { describe, expect, it } from 'vitest';
import type { RequestReport } from '../../src/blnk/transport.js';
import { scriptedLedger } from '../support/scripted-ledger.js';
import {
  type Act,
  coreError,
  json,
  reset,
  silent,
  startScriptedServer,
  text,
  truncated,
} from '../support/scripted-server.js';

const { server, connect } = scriptedLedger();

const row = (reference: string, more: object = {}) => ({ reference, precise_amount: 5, status: 'APPLIED', ...more });
const balance = (indicator: string, id: string, currency = 'USD') => ({ indicator, balance_id: id, currency });

describe('a look-up by reference', () => {
  it('calls the Filters API of the Cloud at its root', async () => {
    server().script(json(200, { data: [row('pi_1')], total: 1 }));
    const rows = await connect().findByReference(['pi_1', 'pi_2', 'pi_1']);
    expect(rows.map(({ reference }) => reference)).toEqual(['pi_1']);
    expect(server().seen).toHaveLength(1);
    expect(server().seen[0]?.url).toBe('/transactions/filter?instance_id=inst_test&page=1&pageSize=100');
    expect(JSON.parse(server().seen[0]?.body ?? '')).toEqual({
      filters: [{ field: 'reference', operator: 'in', values: ['pi_1', 'pi_2'] }],
    });
  });

  it('requests up to 100 rows of a Core and takes its bare array', async () => {
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

  it('requests all forms of a chunk at once, and by hundreds from then on where that is refused', async () => {
    const references = Array.from({ length: 600 }, (_, index) => `pi_${index}`);
    const asked = () => server().seen.map(({ body }) => JSON.parse(body).filters[0].values.length);
    const ledger = connect();
    server().script(
      json(400, { error: 'too many values' }),
      ...Array.from({ length: 7 }, () => json(200, { data: [], total: 0 })),
    );
    expect(await ledger.findByReference(references)).toEqual([]);
    expect(asked()).toEqual([600, 100, 100, 100, 100, 100, 100]);
    expect(await ledger.findByReference(references.slice(0, 100))).toEqual([]);
    expect(await ledger.findByReference([])).toEqual([]);
    expect(asked()).toHaveLength(8);
    const refused = expect(ledger.findByReference(Array.from({ length: 5_001 }, (_, index) => `pi_${index}`))).rejects;
    await refused.toThrow(/at most 5000 references/);
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

function operatorsAsked(): string[] {
  return server().seen.flatMap(({ body }) =>
    (JSON.parse(body) as { filters: { operator: string }[] }).filters.map(({ operator }) => operator),
  );
}

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

  it('names which permission is missing', async () => {
    const lacking = json(403, { error: 'missing scope' });
    server().script(lacking);
    await expect(connect().checkPermissions()).rejects.toMatchObject({ message: expect.stringContaining('data:read') });
    server().script(json(200, []), json(200, []), lacking);
    await expect(connect().checkPermissions()).rejects.toMatchObject({
      message: expect.stringContaining('proxy:write'),
    });
  });

  it('states what was tried when nobody answers', async () => {
    const gone = await startScriptedServer();
    await gone.close();
    await expect(connect({ baseUrl: gone.url }).checkPermissions()).rejects.toMatchObject({
      kind: 'transient',
      code: 'blnk_unavailable',
      message: expect.stringContaining(gone.url),
    });
  });

  it('takes an empty bulk as refused by Core since 0.15.0, and as applied to nothing before', async () => {
    const none = json(200, { data: null, total: 0 });
    for (const act of [
      coreError(400, 'TXN_BULK_EMPTY'),
      json(400, { error: 'transactions cannot be empty' }),
      json(201, { batch_id: 'bulk_1', status: 'applied', transaction_count: 0 }),
    ]) {
      server().script(none, none, act);
      await connect().checkPermissions();
    }
  });

  it.each<[string, Act, object]>([
    ['a ledger that only reads', json(400, { error: 'read-only' }), { kind: 'fatal', code: 'blnk_posting_refused' }],
    ['a Core that lacks a rule', coreError(400, 'GEN_BAD_REQUEST'), { kind: 'fatal', code: 'blnk_posting_refused' }],
    ['a lock of the moment', coreError(423, 'GEN_RESOURCE_LOCKED'), { kind: 'transient' }],
    ['a friendly answer of somebody', json(200, { success: true }), { kind: 'transient' }],
    ['a bulk that was queued', json(202, { batch_id: 'b', status: 'queued' }), { kind: 'transient' }],
    ['a page', text(201, '<html>Welcome</html>'), { kind: 'transient' }],
  ])('does not take %s for leave to post', async (_name, act, expected) => {
    server().script(json(200, []), json(200, []), act);
    await expect(connect().checkPermissions()).rejects.toMatchObject({
      ...expected,
      message: expect.stringMatching(/ould not confirm that .* may post/),
    });
  });

  it('names a Core that is too old, and what it lacks', async () => {
    const core = { style: 'core', instanceId: null } as const;
    const emptyBulk = json(201, { batch_id: 'bulk_1', status: 'applied', transaction_count: 0 });
    const tooOld = (lacks: RegExp) => ({
      kind: 'fatal',
      code: 'blnk_core_too_old',
      message: expect.stringMatching(new RegExp(`too old.*${lacks.source}.*0\\.13\\.4`)),
    });
    server().script(text(404, '404 page not found'), emptyBulk);
    await expect(connect(core).checkPermissions()).rejects.toMatchObject(tooOld(/filter/));
    const broken = json(400, { error: 'INTERNAL_SERVER_ERROR: Failed to retrieve transactions' });
    server().script(broken, json(200, []), broken);
    await expect(connect(core).checkPermissions()).rejects.toMatchObject(tooOld(/list of two/));
    // A fault that passed is no age, and neither is a page of somebody in between.
    server().script(broken, json(200, []));
    await expect(connect(core).checkPermissions()).rejects.toMatchObject({ code: 'blnk_look_up_refused' });
    server().script(text(404, '<html>Not Found</html>'), emptyBulk);
    await expect(connect(core).checkPermissions()).rejects.toMatchObject({ code: 'blnk_route_missing' });
    // Nothing of a Core answers there.
    server().script(text(404, '404 page not found'));
    await expect(connect(core).checkPermissions()).rejects.toMatchObject({ code: 'blnk_route_missing' });
    server().script(broken);
    await expect(connect(core).checkPermissions()).rejects.toMatchObject({ code: 'blnk_look_up_refused' });
  });

  it('finds whether the ledger holds transactions of any mirror, by the operator that is documented for keys', async () => {
    server().script(json(200, { data: [row('pi_1', { meta_data: { stripe_mirror: 'm2' } })], total: 9 }));
    expect(await connect().hasTransactionsOfOurs()).toBe(true);
    expect(operatorsAsked()).toEqual(['exists', 'ne']);
    server().script(json(200, [row('pi_1', { meta_data: { stripe_mirror: 'm2' } })]));
    expect(await connect({ style: 'core', instanceId: null }).hasTransactionsOfOurs()).toBe(true);
    expect(operatorsAsked()).toEqual(['isnotnull', 'ne']);
    server().script(json(200, { data: [], total: 0 }));
    expect(await connect().hasTransactionsOfOurs()).toBe(false);
  });

  it('filters by the other operator where the documented one is refused, and by that one from then on', async () => {
    const none = json(200, { data: [], total: 0 });
    server().script(coreError(400, 'GEN_BAD_REQUEST'), none);
    const ledger = connect();
    expect(await ledger.hasTransactionsOfOurs()).toBe(false);
    expect(await ledger.hasTransactionsOfOurs()).toBe(false);
    expect(operatorsAsked()).toEqual(['exists', 'ne', 'isnotnull', 'ne', 'isnotnull', 'ne']);
    server().script(coreError(400, 'GEN_BAD_REQUEST'));
    await expect(connect().hasTransactionsOfOurs()).rejects.toMatchObject({ code: 'blnk_look_up_refused' });
    expect(operatorsAsked()).toEqual(['exists', 'ne', 'isnotnull', 'ne']);
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
