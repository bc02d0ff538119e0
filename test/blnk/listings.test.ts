/**
 * What proofs read from Blnk: whole lists whatever the pages are like, and balances as of a moment. First against the
 * stand-in, as Cloud and as Core; then against answers that no real ledger gives on demand.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { ConnectionOptions } from '../../src/blnk/connection.js';
import { type BlnkLedgerSide, createLedgerSide } from '../../src/blnk/listings.js';
import { dayWindow } from '../../src/core/base/window.js';
import { partsOfDay } from '../../src/prove/list-day.js';
import { coreError, json, type ScriptedServer, startScriptedServer, text } from '../support/scripted-server.js';

type Style = ConnectionOptions['style'];

let sandbox: BlnkSandbox;
let server: ScriptedServer;
const open: BlnkLedgerSide[] = [];

beforeAll(async () => {
  sandbox = await startBlnkSandbox();
  server = await startScriptedServer();
});
afterEach(async () => {
  sandbox.faults.clear();
  await Promise.all(open.splice(0).map((side) => side.close()));
});
afterAll(async () => {
  await sandbox.close();
  await server.close();
});

function connect(options: ConnectionOptions): BlnkLedgerSide {
  const side = createLedgerSide({ lookUpFirstWaitMs: 1, ...options });
  open.push(side);
  return side;
}

const toSandbox = (style: Style, readKey = async () => (style === 'cloud' ? sandbox.cloudToken : sandbox.coreKey)) =>
  connect({ style, baseUrl: sandbox.url, instanceId: style === 'cloud' ? sandbox.instanceId : null, readKey });

const toScript = (style: Style = 'cloud') =>
  connect({ style, baseUrl: server.url, instanceId: style === 'cloud' ? 'inst' : null, readKey: async () => 'key' });

interface Wanted {
  readonly reference: string;
  readonly amount?: number;
  readonly currency?: string;
  readonly effectiveDate?: string;
  readonly metaData?: object;
  readonly source?: string;
}

async function post(...wanted: readonly Wanted[]): Promise<void> {
  const transactions = wanted.map(({ reference, amount = 1_250, currency = 'USD', ...more }) => ({
    precise_amount: amount,
    precision: 100,
    currency,
    reference,
    source: more.source ?? '@stripe',
    destination: '@cus_1',
    description: 'Order',
    effective_date: more.effectiveDate ?? '2026-10-01T12:00:00Z',
    allow_overdraft: true,
    meta_data: more.metaData ?? {},
  }));
  const { status } = await fetch(`${sandbox.url}/transactions/bulk`, {
    method: 'POST',
    headers: { 'x-blnk-key': sandbox.coreKey, 'content-type': 'application/json' },
    body: JSON.stringify({ atomic: false, skip_queue: true, transactions }),
  });
  expect(status).toBe(201);
}

const ours = (day: string, more: object = {}) => ({ stripe_mirror: 'mirror_1', stripe_day: day, ...more });
const window = (from: string, to: string) => ({ from: new Date(from), to: new Date(to) });

async function all<Row>(pages: AsyncIterable<{ readonly rows: readonly Row[] }>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page.rows);
  return rows;
}

const referencesOf = (rows: readonly { readonly reference: string }[]) => rows.map(({ reference }) => reference).sort();

describe.each<Style>(['cloud', 'core'])('the ledger as %s', (style) => {
  it.each([0, 1, 100, 250])('lists a day of %i rows to its end, each once', async (count) => {
    const day = `1999-0${[0, 1, 100, 250].indexOf(count) + 1}-${style === 'cloud' ? '01' : '02'}`;
    const references = Array.from({ length: count }, (_, index) => `pi_${day}_${index}`);
    if (count > 0) {
      await post(
        ...references.map((reference) => ({ reference, metaData: ours(day, { stripe_payment_intent_id: reference }) })),
        { reference: `pi_${day}_other`, metaData: ours('1998-01-01') },
      );
    }
    const rows = await all(toSandbox(style).listDay(day));
    expect(referencesOf(rows)).toEqual([...references].sort());
    expect(rows.every((row) => row.day === day && row.paymentId === row.reference && row.createdAt !== null)).toBe(
      true,
    );
  });

  it('lists a day in parts by effective date, each row in one of them, and goes on behind any page', async () => {
    const day = style === 'cloud' ? '1989-05-02' : '1989-05-03';
    const references = Array.from({ length: 230 }, (_, index) => `pi_${day}_${index}`);
    const times = [
      '1989-01-01T00:00:00Z',
      `${day}T00:00:00Z`,
      `${day}T02:59:59Z`,
      `${day}T03:00:00Z`,
      `${day}T23:59:59Z`,
    ];
    const timeOf = (index: number) => times[index % 7] ?? '1989-12-31T00:00:00Z';
    await post(
      ...references.map((reference, index) => ({ reference, effectiveDate: timeOf(index), metaData: ours(day) })),
    );
    const side = toSandbox(style);
    const inParts: string[] = [];
    for (const part of partsOfDay(dayWindow(day))) inParts.push(...referencesOf(await all(side.listDay(day, part))));
    expect(inParts.sort()).toEqual([...references].sort());
    const pages = [];
    for await (const page of side.listDay(day)) pages.push(page);
    for (const [at, { next }] of pages.entries()) {
      const rest = pages.slice(at + 1).flatMap(({ rows }) => referencesOf(rows));
      expect(referencesOf(await all(side.listDay(day, null, next)))).toEqual(rest.sort());
    }
  });

  it('lists a day of any status, and misses none while others arrive between the pages', async () => {
    const day = style === 'cloud' ? '1997-01-01' : '1997-01-02';
    const references = Array.from({ length: 230 }, (_, index) => `pi_${day}_${String(index).padStart(3, '0')}`);
    await post(...references.map((reference) => ({ reference, metaData: ours(day) })));
    sandbox.alterTransaction(references[7] ?? '', { status: 'REJECTED' });
    const found: string[] = [];
    let late = 0;
    for await (const page of toSandbox(style).listDay(day)) {
      found.push(...page.rows.map(({ reference }) => reference));
      late += 1;
      if (late < 4) await post({ reference: `pi_${day}_late${late}`, metaData: ours(day) });
    }
    expect(references.filter((reference) => !found.includes(reference))).toEqual([]);
  });

  it('lists rows of others that look like payments: by effective date, or by creation when there is none', async () => {
    const year = style === 'cloud' ? '1990' : '1991';
    const at = (time: string) => `${year}-06-${time}Z`;
    const name = (word: string) => `pi_${style}_${word}`;
    await post(
      { reference: name('in'), effectiveDate: at('15T00:00:00') },
      { reference: name('last'), effectiveDate: at('15T23:59:59') },
      { reference: name('before'), effectiveDate: at('14T23:59:59') },
      { reference: name('after'), effectiveDate: at('16T00:00:00') },
      { reference: name('ours'), effectiveDate: at('15T01:00:00'), metaData: ours(`${year}-06-15`) },
      { reference: `piX${style}`, effectiveDate: at('15T01:00:00') },
      { reference: `ch_${style}`, effectiveDate: at('15T01:00:00') },
    );
    const rows = await all(toSandbox(style).listForeign(window(at('15T00:00:00'), at('16T00:00:00'))));
    expect(referencesOf(rows)).toEqual([name('in'), name('last')]);

    // Of posts that somebody queues in a burst, most lose their effective date.
    const bodies = Array.from({ length: 8 }, (_, index) => ({
      ...{ amount: 5, precision: 100, currency: 'USD', reference: `${name('burst')}${index}`, source: '@stripe' },
      ...{ destination: '@cus_1', description: 'x', allow_overdraft: true, effective_date: at('15T05:00:00') },
    }));
    await Promise.all(
      bodies.map((body) =>
        fetch(`${sandbox.url}/transactions`, {
          method: 'POST',
          headers: { 'x-blnk-key': sandbox.coreKey, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    );
    const child = (index: number) => sandbox.byReference(`${name('burst')}${index}_q`);
    await expect.poll(() => bodies.every((_, index) => child(index) !== undefined)).toBe(true);
    const undated = bodies.flatMap((_, index) => (child(index)?.effective_date === undefined ? [child(index)] : []));
    expect(undated.length).toBeGreaterThan(0);
    const created = undated.map((row) => row?.created_at.getTime() ?? 0);
    const now = { from: new Date(Math.min(...created)), to: new Date(Math.max(...created) + 1) };
    const found = referencesOf(await all(toSandbox(style).listForeign(now)));
    expect(found).toEqual(expect.arrayContaining(undated.map((row) => row?.reference)));
  });

  it('finds all rows of a payment, and rows by reference with what a proof needs', async () => {
    const id = `pi_${style}_of`;
    const metaData = ours('1996-01-01', { stripe_payment_intent_id: id });
    await post({ reference: id, metaData }, { reference: `${id}:r1`, metaData }, { reference: `x_${style}`, metaData });
    const side = toSandbox(style);
    expect(referencesOf(await side.listOfPayment(id))).toEqual([id, `${id}:r1`, `x_${style}`]);
    const found = await side.findByReference([id, `${id}_q`, `${id}:r1`]);
    expect(referencesOf(found)).toEqual([id, `${id}:r1`]);
    expect(found[0]).toMatchObject({ paymentId: id, day: '1996-01-01', mirrorId: 'mirror_1', amount: 1_250n });
    expect(found[0]?.createdAt).toBeInstanceOf(Date);
  });

  it('finds the balances of one name in every currency, whatever number there is, and no others', async () => {
    const source = `@wide_${style}`;
    const letters = [...'ABCDEFGHIJK'];
    const currencies = letters.flatMap((first) => letters.map((second) => `X${first}${second}`));
    for (let at = 0; at < currencies.length; at += 50) {
      const piece = currencies.slice(at, at + 50);
      await post(...piece.map((currency) => ({ reference: `wide_${style}_${currency}`, source, currency })));
    }
    await post({ reference: `narrow_${style}`, source: `${source}r`, currency: 'USD' });
    const side = toSandbox(style);
    const found = await side.balancesOf(source);
    expect([...found.keys()].sort()).toEqual(currencies);
    expect(new Set(found.values()).size).toBe(currencies.length);
    expect(found.get('XAA')).toBe((await side.findBalances({ indicators: [source], currency: 'XAA' })).get(source));
    expect(await side.balancesOf(`@nobody_${style}`)).toEqual(new Map());
  });

  it('reads a balance of any size as it was before a moment, not at it', async () => {
    const source = `@hot_${style}`;
    const huge = Number.MAX_SAFE_INTEGER;
    await post(
      { reference: `b1_${style}`, source, amount: huge, effectiveDate: '2026-10-01T10:00:00Z' },
      { reference: `b2_${style}`, source, amount: huge, effectiveDate: '2026-10-01T23:59:59Z' },
      { reference: `b3_${style}`, source, amount: 7, effectiveDate: '2026-10-02T00:00:00Z' },
    );
    const side = toSandbox(style);
    const id = (await side.findBalances({ indicators: [source], currency: 'USD' })).get(source) ?? '';
    expect(await side.balanceBefore(id, new Date('2026-10-01T00:00:00Z'))).toBe(0n);
    expect(await side.balanceBefore(id, new Date('2026-10-02T00:00:00Z'))).toBe(-2n * BigInt(huge));
    expect(await side.balanceBefore(id, new Date('2026-10-03T00:00:00Z'))).toBe(-2n * BigInt(huge) - 7n);
    const unknown = side.balanceBefore('bln_nobody', new Date('2026-10-02T00:00:00Z'));
    await expect(unknown).rejects.toMatchObject({ kind: 'transient', code: 'blnk_look_up_refused' });
    expect(side.requestCount()).toBe(5);
  });
});

it('a key that may not read balances names the permission', async () => {
  sandbox.access.allow('reads_data_only', ['data:read']);
  const side = toSandbox('cloud', async () => 'reads_data_only');
  await expect(side.balanceBefore('bln_1', new Date(0))).rejects.toMatchObject({
    code: 'blnk_scope_missing',
    message: expect.stringContaining('proxy:read'),
  });
});

describe.each<Style>(['cloud', 'core'])('the past of a ledger, asked as %s', (style) => {
  it('is the oldest day and the mirrors of our own transactions', async () => {
    const own = await startBlnkSandbox();
    const side = connect({
      style,
      baseUrl: own.url,
      instanceId: style === 'cloud' ? own.instanceId : null,
      readKey: async () => (style === 'cloud' ? own.cloudToken : own.coreKey),
    });
    const earlier = sandbox;
    sandbox = own;
    try {
      expect([await side.oldestEffectiveDay(), await side.mirrorIds()]).toEqual([null, []]);
      await post({ reference: 'pi_theirs', effectiveDate: '2020-01-01T00:00:00Z' });
      expect(await side.oldestEffectiveDay()).toBeNull();
      // To the Cloud that key is there.
      await post({ reference: 'pi_nobody', effectiveDate: '2026-10-06T00:00:00Z', metaData: { stripe_mirror: null } });
      expect(await side.mirrorIds()).toEqual([]);
      await post(
        { reference: 'pi_new', effectiveDate: '2026-10-05T12:00:00Z', metaData: ours('2026-10-05') },
        { reference: 'pi_old', effectiveDate: '2024-02-29T23:59:59Z', metaData: ours('2024-02-29') },
        {
          reference: 'pi_other',
          effectiveDate: '2026-10-06T00:00:00Z',
          metaData: { stripe_mirror: 'mirror_2', stripe_day: '2026-10-06' },
        },
      );
      const before = side.requestCount();
      expect(await side.oldestEffectiveDay()).toBe('2024-02-29');
      expect(side.requestCount() - before).toBeLessThanOrEqual(20);
      expect((await side.mirrorIds()).sort()).toEqual(['mirror_1', 'mirror_2']);
      expect(await Promise.all(['mirror_2', 'mirror_3'].map(side.hasTransactionOf))).toEqual([true, false]);
      expect(await Promise.all(['mirror_2', 'mirror_3'].map(side.hasAppliedOf))).toEqual([true, false]);

      // A row of ours whose effective date was moved away names its day itself when it is found at all.
      own.alterTransaction('pi_new', { effectiveDate: new Date('2022-05-05T00:00:00Z') });
      expect(await side.oldestEffectiveDay()).toBe('2022-05-05');
      own.alterTransaction('pi_new', { metadata: ours('2021-01-01') });
      expect(await side.oldestEffectiveDay()).toBe('2021-01-01');
    } finally {
      sandbox = earlier;
      await own.close();
    }
  });
});

describe('pages', () => {
  const DAY = '2026-10-01';
  const row = (reference: string, day = DAY) => ({
    reference,
    transaction_id: `txn_${reference}`,
    precise_amount: 5,
    status: 'APPLIED',
    meta_data: { stripe_day: day },
  });
  const rows = (from: number, count: number) => Array.from({ length: count }, (_, index) => row(`pi_${from + index}`));

  it('go on past an estimated total, to the empty page', async () => {
    const page = (data: object[]) => json(200, { data, total: 100, total_is_estimate: true });
    server.script(page(rows(0, 100)), page(rows(100, 100)), page(rows(200, 3)), page([]));
    expect(await all(toScript().listDay(DAY))).toHaveLength(203);
    expect(server.seen).toHaveLength(4);
  });

  it('smaller than asked for, without a total, go on to the empty page', async () => {
    server.script(json(200, { data: rows(0, 50) }), json(200, { data: rows(50, 50) }), json(200, { data: [] }));
    expect(await all(toScript().listDay(DAY))).toHaveLength(100);
    server.script(json(200, { data: rows(0, 1) }), json(200, { data: rows(1, 1) }), json(200, { data: [] }));
    expect(await toScript().findByReference(['pi_0', 'pi_1', 'pi_2'])).toHaveLength(2);
  });

  it('follow a total that grows while they are read: newest first, the rows of before are all there, some of them twice', async () => {
    const page = (data: object[], total: number) => json(200, { data, total });
    server.script(page(rows(0, 100), 150), page(rows(60, 90), 190), page([], 190));
    const found = await all(toScript().listDay(DAY));
    expect([found.length, new Set(referencesOf(found)).size]).toEqual([190, 150]);
  });

  it('of a Core end with a page that is not full, and go by the last reference', async () => {
    server.script(json(200, rows(0, 100)), json(200, rows(100, 20)));
    expect(await all(toScript('core').listDay(DAY))).toHaveLength(120);
    const bodies = server.seen.map(({ body }) => JSON.parse(body));
    expect(bodies[0].filters).toHaveLength(1);
    expect(bodies[1].filters[1]).toEqual({ field: 'reference', operator: 'gt', value: 'pi_99' });
  });

  it.each<Style>(['cloud', 'core'])('that repeat themselves for ever are refused as %s', async (style) => {
    server.script(json(200, style === 'core' ? rows(0, 100) : { data: rows(0, 100), total: 1_000_000 }));
    await expect(all(toScript(style).listDay(DAY))).rejects.toMatchObject({
      kind: 'transient',
      code: 'blnk_answer_unreadable',
      message: expect.stringContaining('repeats itself'),
    });
  });

  it.each([
    ['a row of another day', json(200, { data: [row('pi_1', '2026-10-02')], total: 1 })],
    ['a row without a reference', json(200, { data: [{ status: 'APPLIED' }], total: 1 })],
    ['a page that is no list', json(200, { data: 'x', total: 1 })],
    ['HTML', text(200, '<html>')],
  ])('are refused with %s', async (_, act) => {
    server.script(act);
    await expect(all(toScript().listDay(DAY))).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
  });

  it('fail as a whole when one of them fails for good', async () => {
    server.script(json(200, { data: rows(0, 100), total: 300 }), coreError(400, 'GEN_BAD_REQUEST'));
    await expect(all(toScript().listDay(DAY))).rejects.toMatchObject({ code: 'blnk_look_up_refused' });
  });

  it('of foreign rows are refused when they hold one of ours, or one outside the window', async () => {
    const foreign = (more: object) => json(200, { data: [{ ...row('pi_1'), meta_data: {}, ...more }], total: 1 });
    const day = window('2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z');
    server.script(foreign({ effective_date: '2026-10-01T01:00:00Z', meta_data: { stripe_mirror: 'm' } }));
    await expect(all(toScript().listForeign(day))).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
    server.script(foreign({ effective_date: '2026-10-02T00:00:00Z' }));
    await expect(all(toScript().listForeign(day))).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
  });
});

describe('the balances of a name', () => {
  const balance = (id: string, currency: string, indicator = '@stripe') => ({ balance_id: id, currency, indicator });

  it.each([
    ['one of another name', [balance('bln_1', 'USD', '@other')]],
    ['one without a currency', [{ balance_id: 'bln_1', indicator: '@stripe' }]],
    ['two of one currency', [balance('bln_1', 'USD'), balance('bln_2', 'USD')]],
  ])('are refused with %s', async (_, data) => {
    server.script(json(200, { data, total: data.length }));
    await expect(toScript().balancesOf('@stripe')).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
  });
});

describe('an answer about a balance', () => {
  const answer = (balance: string, more = '"from_source":true') =>
    text(200, `{"balance":{"balance":${balance},"balance_id":"bln_1","currency":"USD"},${more}}`);
  const ask = () => toScript().balanceBefore('bln_1', new Date('2026-10-02T00:00:00Z'));

  it('is asked one microsecond before the moment, from the transactions, through the proxy', async () => {
    server.script(answer('-123456789012345678901234567890'));
    expect(await ask()).toBe(-123456789012345678901234567890n);
    const [seen] = server.seen;
    expect(seen?.method).toBe('GET');
    expect(seen?.url).toBe(
      '/proxy/balances/bln_1/at?timestamp=2026-10-01T23%3A59%3A59.999999Z&from_source=true&instance_id=inst',
    );
  });

  it.each([
    ['from a snapshot', answer('5', '"from_source":false')],
    ['without saying where from', answer('5', '"x":1')],
    ['that is no whole number', answer('5.5')],
    ['of another balance', text(200, '{"balance":{"balance":5,"balance_id":"bln_2"},"from_source":true}')],
    ['that is HTML', text(200, '<html>')],
  ])('is refused %s', async (_, act) => {
    server.script(act);
    await expect(ask()).rejects.toMatchObject({ kind: 'transient', code: 'blnk_answer_unreadable' });
  });
});
