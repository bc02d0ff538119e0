/**
 * The adapter against the stand-in for Blnk, which answers as the recorded Core does: once through the Cloud, once as
 * a Core of one's own. What every ledger promises is in `test/post/conformance.test.ts`, what the wire may do to an answer in
 * adapter.test.ts.
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
  it('a post that was queued is unclear, and the look-up shows what became of it', async () => {
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

  it('names which permission the token lacks, and that it has expired', async () => {
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

  it('names which variable is wrong: style, instance or address', async () => {
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
    sandbox.faults.add({ effect: 'status', status: 503, route: 'GET /balances/:id/at' });
    expect(await connect('core', { lookUpAttemptsMax: 2 }).mayReadBalances()).toBeNull();
  });
});
