/**
 * The adapter against the stand-in for Blnk, which answers as the recorded Core does: once through the Cloud, once as
 * a Core of one's own. What the wire may do to an answer is in adapter.test.ts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type BlnkLedger, createLedger, type LedgerOptions } from '../../src/blnk/ledger.js';

type Style = LedgerOptions['style'];

let sandbox: BlnkSandbox;
const open: BlnkLedger[] = [];

beforeAll(async () => {
  sandbox = await startBlnkSandbox({ lockWaitMs: 100 });
});
afterEach(async () => {
  for (const fault of sandbox.faults.active) fault.remove();
  sandbox.expireLeakedLocks();
  await Promise.all(open.splice(0).map((ledger) => ledger.close()));
});
afterAll(() => sandbox.close());

function connect(style: Style, options: Partial<LedgerOptions> = {}): BlnkLedger {
  const ledger = createLedger({
    style,
    baseUrl: sandbox.url,
    instanceId: style === 'cloud' ? sandbox.instanceId : null,
    readKey: async () => (style === 'cloud' ? sandbox.cloudToken : sandbox.coreKey),
    lookUpFirstWaitMs: 1,
    ...options,
  });
  open.push(ledger);
  return ledger;
}

let written = 0;
function newReference(): string {
  written += 1;
  return `pi_${written}`;
}

function bodyOf(reference: string, more: { readonly amount?: string; readonly fields?: object } = {}): string {
  const fields = {
    precision: 100,
    currency: 'USD',
    reference,
    source: '@stripe',
    destination: `@cus_${reference}`,
    description: 'Order 1',
    effective_date: '2026-10-01T02:03:04Z',
    skip_queue: true,
    allow_overdraft: true,
    meta_data: { stripe_mirror: 'mirror_1' },
    ...more.fields,
  };
  return `{"precise_amount":${more.amount ?? '1250'},${JSON.stringify(fields).slice(1)}`;
}

describe.each<Style>(['cloud', 'core'])('as %s', (style) => {
  it('a post is applied, its row is found, and its balances have the ids of the row', async () => {
    const ledger = connect(style);
    const reference = newReference();
    const answer = await ledger.post(bodyOf(reference));
    const rows = await ledger.findByReference([reference, `${reference}_q`]);
    const indicators = ['@stripe', `@cus_${reference}`, '@nobody'];
    const balances = await ledger.findBalances({ indicators, currency: 'USD' });
    const row = {
      transactionId: expect.stringMatching(/^txn_/),
      reference,
      status: 'APPLIED',
      amount: 1250n,
      currency: 'USD',
      source: balances.get('@stripe'),
      destination: balances.get(`@cus_${reference}`),
      effectiveDate: new Date('2026-10-01T02:03:04Z'),
      mirrorId: 'mirror_1',
      rejectionReason: null,
      parentId: null,
    };
    expect(balances.size).toBe(2);
    expect(answer).toEqual({ kind: 'applied', row });
    expect(rows).toEqual([row]);
    expect(await ledger.findBalances({ indicators, currency: 'EUR' })).toEqual(new Map());
  });

  it('amounts above 2^53 go and come exactly', async () => {
    const ledger = connect(style);
    const reference = newReference();
    const amount = 123456789012345678901n;
    const answer = await ledger.post(bodyOf(reference, { amount: amount.toString() }));
    expect(answer).toMatchObject({ kind: 'applied', row: { amount } });
    expect(await ledger.findByReference([reference])).toMatchObject([{ amount }]);
  });

  it('a bulk of 100 is applied, confirmed by one look-up, and stops at its first repetition', async () => {
    const ledger = connect(style);
    const references = Array.from({ length: 100 }, newReference);
    const bodies = references.map((reference) => bodyOf(reference));
    expect(await ledger.postBulk(bodies)).toEqual({ kind: 'applied', row: null });
    const rows = await ledger.findByReference(references);
    expect(rows.map(({ reference }) => reference).sort()).toEqual([...references].sort());
    expect(await ledger.postBulk(bodies)).toMatchObject({
      kind: 'unclear',
      message: expect.stringContaining('TXN_DUPLICATE_REFERENCE'),
    });
  });

  it('each refusal is told apart', async () => {
    const ledger = connect(style);
    const reference = newReference();
    await ledger.post(bodyOf(reference));
    expect(await ledger.post(bodyOf(reference, { amount: '7' }))).toMatchObject({ kind: 'duplicate' });
    const post = (amount: string, fields: object) => ledger.post(bodyOf(newReference(), { amount, fields }));
    expect(await post('0', {})).toMatchObject({ kind: 'refused' });
    expect(await post('"5"', {})).toMatchObject({ kind: 'refused' });
    expect(await post('5', { description: '' })).toMatchObject({ kind: 'refused' });
    expect(await post('5', { destination: 'bln_nobody' })).toMatchObject({ kind: 'refused' });
    expect(await post('5', { destination: '@stripe' })).toMatchObject({ kind: 'busy' });
    expect(await post('5', { description: 'a\u0000b' })).toMatchObject({ kind: 'unclear' });
    await expect(post('5', { allow_overdraft: false, source: '@poor' })).rejects.toMatchObject({
      kind: 'fatal',
      code: 'blnk_overdraft_refused',
    });
  });

  it('a post that was queued is unclear, and the look-up tells what became of it', async () => {
    const ledger = connect(style);
    const reference = newReference();
    const queued = { skip_queue: false, allow_overdraft: false, source: '@poor' };
    expect(await ledger.post(bodyOf(reference, { fields: queued }))).toMatchObject({
      kind: 'unclear',
      message: expect.stringContaining('queued by somebody'),
    });
    const find = () => ledger.findByReference([reference, `${reference}_q`]);
    await expect.poll(async () => (await find()).length).toBe(2);
    expect(await find()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ reference, status: 'QUEUED' }),
        expect.objectContaining({
          reference: `${reference}_q`,
          status: 'REJECTED',
          rejectionReason: expect.stringMatching(/insufficient/),
        }),
      ]),
    );
  });

  it('a lost answer is unclear although the post was applied', async () => {
    const ledger = connect(style);
    const reference = newReference();
    sandbox.faults.add({ kind: 'answer_lost', route: 'posts', times: 2 });
    expect(await ledger.post(bodyOf(reference))).toMatchObject({ kind: 'unclear' });
    const others = [newReference(), newReference()];
    expect(await ledger.postBulk(others.map((other) => bodyOf(other)))).toMatchObject({ kind: 'unclear' });
    expect(await ledger.findByReference([reference, ...others])).toHaveLength(3);
  });

  it('a request that the proxy repeated is a duplicate of itself', async () => {
    sandbox.faults.add({ kind: 'repeated', route: 'posts', times: 1 });
    expect(await connect(style).post(bodyOf(newReference()))).toMatchObject({ kind: 'duplicate' });
  });

  it('locked balances are busy, in a bulk unclear', async () => {
    sandbox.faults.add({ kind: 'locked', route: 'posts' });
    const ledger = connect(style);
    expect(await ledger.post(bodyOf(newReference()))).toMatchObject({ kind: 'busy' });
    expect(await ledger.postBulk([bodyOf(newReference())])).toMatchObject({ kind: 'unclear' });
  });

  it('a look-up survives pages, resets and 429', async () => {
    const ledger = connect(style);
    const reference = newReference();
    await ledger.post(bodyOf(reference));
    sandbox.faults.add({ kind: 'status', status: 429, body: 'empty', retryAfter: 0, route: 'lookups', times: 1 });
    sandbox.faults.add({ kind: 'reset', route: 'lookups', times: 1 });
    sandbox.faults.add({ kind: 'status', status: 502, body: 'html', route: 'lookups', times: 1 });
    expect(await ledger.findByReference([reference])).toHaveLength(1);
  });

  it('the probe passes with a key that may do all, and sees who wrote to the ledger', async () => {
    const ledger = connect(style);
    const rows = sandbox.stats().rows;
    await ledger.checkPermissions();
    expect(sandbox.stats().rows).toBe(rows);
    await ledger.post(bodyOf(newReference()));
    expect(await ledger.hasTransactionsOfOurs()).toBe(true);
  });

  it('a wrong key is refused by the probe', async () => {
    await expect(connect(style, { readKey: async () => 'wrong' }).checkPermissions()).rejects.toMatchObject({
      kind: 'fatal',
      code: 'blnk_key_refused',
    });
  });
});

describe('the Cloud', () => {
  it('without precise amounts is read through amount and precision', async () => {
    const other = await startBlnkSandbox({ cloudOmitsPreciseAmount: true });
    try {
      const ledger = connect('cloud', { baseUrl: other.url });
      await ledger.postBulk([bodyOf('pi_a', { amount: '1099' }), bodyOf('pi_b', { amount: '9007199254740993' })]);
      const rows = await ledger.findByReference(['pi_a', 'pi_b']);
      expect(new Map(rows.map(({ reference, amount }) => [reference, amount]))).toEqual(
        new Map([
          ['pi_a', 1099n],
          ['pi_b', null],
        ]),
      );
    } finally {
      await other.close();
    }
  });

  it('says which permission the token lacks, and that it has expired', async () => {
    sandbox.access.allow('reader', ['data:read']);
    sandbox.access.allow('writer', ['proxy:write']);
    const reader = connect('cloud', { readKey: async () => 'reader' });
    const missing = (scope: string) => ({ code: 'blnk_scope_missing', message: expect.stringContaining(scope) });
    await expect(reader.checkPermissions()).rejects.toMatchObject(missing('proxy:write'));
    const writer = connect('cloud', { readKey: async () => 'writer' });
    await expect(writer.checkPermissions()).rejects.toMatchObject(missing('data:read'));
    sandbox.access.expire('writer');
    await expect(writer.post(bodyOf(newReference()))).rejects.toMatchObject({
      code: 'blnk_key_refused',
      message: expect.stringContaining('has expired'),
    });
  });

  it('says which variable is wrong: style, instance or address', async () => {
    const failure = (options: Partial<LedgerOptions>) =>
      connect('cloud', options)
        .post(bodyOf(newReference()))
        .catch((error: unknown) => error);
    expect(await failure({ instanceId: 'inst_other' })).toMatchObject({
      code: 'blnk_route_missing',
      message: expect.stringContaining('BLNK_INSTANCE_ID'),
    });
    expect(await failure({ baseUrl: `${sandbox.url}/core` })).toMatchObject({ kind: 'fatal' });
    expect(await failure({ style: 'core', readKey: async () => sandbox.cloudToken })).toMatchObject({
      code: 'blnk_key_refused',
    });
  });
});

describe('whether the key may read balances', () => {
  it('is said by the refusal alone: a balance that nobody has is no refusal', async () => {
    sandbox.access.allow('blnk_posts', ['proxy:write', 'data:read']);
    expect(await connect('cloud', { readKey: async () => 'blnk_posts' }).mayReadBalances()).toBe(false);
    expect(await connect('cloud').mayReadBalances()).toBe(true);
    expect(await connect('core').mayReadBalances()).toBe(true);
  });

  it('is not known while nothing answers', async () => {
    sandbox.faults.add({ kind: 'status', status: 503, route: 'GET /balances/:id/at' });
    expect(await connect('core', { lookUpAttemptsMax: 2 }).mayReadBalances()).toBeNull();
  });
});
