/** Several mirrors posted to one ledger: which of them a rebuild takes, and that it never takes one whose money lies elsewhere. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type BlnkAccounts, createAccounts } from '../../src/blnk/accounts.js';
import { type BlnkLedgerSide, createLedgerSide } from '../../src/blnk/listings.js';
import { type ChooseAsked, chooseMirror } from '../../src/operations/choose-mirror.js';
import { asCore, payment } from '../blnk-contract/sandbox-client.js';

const [ONE, OTHER, NEW] = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
  string,
];

let blnk: BlnkSandbox;
let accounts: BlnkAccounts;
let side: BlnkLedgerSide;
beforeAll(async () => {
  blnk = await startBlnkSandbox({});
  const connection = {
    ...{ style: 'core' as const, baseUrl: blnk.url, instanceId: null, readKey: async () => blnk.coreKey },
    ...{ lookUpAttemptsMax: 2, lookUpFirstWaitMs: 1 },
  };
  accounts = createAccounts(connection);
  side = createLedgerSide(connection);
});
afterEach(() => {
  blnk.faults.clear();
  blnk.wipe();
});
afterAll(async () => {
  await Promise.all([accounts.close(), side.close()]);
  await blnk.close();
});

async function makeLedger(mirror: string, more: object = { account: 'acct_1', mode: 'test' }): Promise<string> {
  const body = { name: 'Shop', meta_data: { stripe_blnk_sync: { mirror, role: 'ledger', ...more } } };
  return ((await asCore(blnk, { path: '/ledgers', body })).body as { ledger_id: string }).ledger_id;
}

function choose(mode: ChooseAsked['mode'], asked: Partial<ChooseAsked> = {}, at: BlnkAccounts = accounts) {
  return chooseMirror(
    { blnk: at, history: side, newMirrorId: () => NEW },
    {
      ...{ mirrorIdsFound: [ONE, OTHER], mirrorId: null, mode, side: { stripeAccount: 'acct_1', livemode: false } },
      ...asked,
    },
  );
}

describe('of several mirrors with BLNK_ACCOUNTS=ledger', () => {
  it('the one that has a ledger of its own is rebuilt', async () => {
    await makeLedger(OTHER);
    expect(await choose('ledger')).toEqual({ mirrorId: OTHER, notLookedUp: null });
  });

  it('one of another account, or of the other mode, is not taken for it', async () => {
    await makeLedger(ONE, { account: 'acct_2', mode: 'test' });
    await makeLedger(OTHER, { account: 'acct_1', mode: 'live' });
    await expect(choose('ledger')).rejects.toMatchObject({ code: 'mirror_differs' });
    await makeLedger(OTHER, { mode: 'test' });
    expect(await choose('ledger')).toEqual({ mirrorId: OTHER, notLookedUp: null });
  });

  it('where each has one a person says which', async () => {
    const ledgers = [await makeLedger(ONE), await makeLedger(OTHER)];
    const refused = await choose('ledger').catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'fatal', code: 'mirror_ambiguous' });
    for (const named of [ONE, OTHER, ...ledgers, 'rebuild --mirror <id>']) expect(String(refused)).toContain(named);
    expect(await choose('ledger', { mirrorId: ONE })).toEqual({ mirrorId: ONE, notLookedUp: null });
  });

  it('where none has one nothing is begun, and all of them are named', async () => {
    const refused = await choose('ledger').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'mirror_differs' });
    expect(String(refused)).toMatch(new RegExp(`${ONE}, ${OTHER}.*BLNK_ACCOUNTS=indicators.*write it back`));
  });
});

describe('of several mirrors with BLNK_ACCOUNTS=indicators', () => {
  it('none is rebuilt while one of this account has a ledger of its own', async () => {
    const ledgerId = await makeLedger(OTHER);
    const refused = await choose('indicators').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'mirror_differs' });
    expect(String(refused)).toMatch(new RegExp(`${OTHER} with ${ledgerId}.*set BLNK_ACCOUNTS=ledger.*--mirror`));
    expect(await choose('indicators', { mirrorId: ONE })).toEqual({ mirrorId: ONE, notLookedUp: null });
    await expect(choose('indicators', { mirrorId: OTHER })).rejects.toMatchObject({ code: 'mirror_differs' });
  });

  it('a new one begins where only other accounts have such ledgers', async () => {
    await makeLedger(ONE, { account: 'acct_2', mode: 'test' });
    expect(await choose('indicators')).toEqual({ mirrorId: NEW, notLookedUp: null });
  });
});

it('a mirror that a person names must have posted, and may be one that was not listed', async () => {
  const unlisted = '4'.repeat(8) + ONE.slice(8);
  const refused = await choose('indicators', { mirrorId: unlisted }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'nothing_to_rebuild' });
  expect(String(refused)).toContain(`${unlisted}, which --mirror names. Allowed is one of those`);
  await asCore(blnk, { path: '/transactions', body: payment('pi_1', { meta_data: { stripe_mirror: unlisted } }) });
  expect(await choose('indicators', { mirrorId: unlisted })).toEqual({ mirrorId: unlisted, notLookedUp: null });
});

describe('while Blnk does not show its ledgers', () => {
  const route = 'POST /ledgers/filter';

  it.each([
    ['fails', { status: 503, body: 'html' }, 'blnk_unavailable'],
    ['is asked too often', { status: 429 }, 'blnk_unavailable'],
    ['refuses the question', { status: 400, body: 'core' }, 'blnk_look_up_refused'],
    ['refuses the key', { status: 401, body: 'core' }, 'blnk_key_refused'],
  ] as const)('and %s, no mode is taken for the right one', async (_, fault, code) => {
    await makeLedger(ONE);
    blnk.faults.add({ effect: 'status', route, ...fault });
    for (const mode of ['indicators', 'ledger'] as const) {
      await expect(choose(mode, { mirrorIdsFound: [ONE] })).rejects.toMatchObject({ code });
    }
  });

  it('a key that may not look for them rebuilds what has none, and says that nobody looked', async () => {
    blnk.access.allow('no_ledgers', ['proxy:read']);
    const blind = createAccounts({
      ...{ style: 'cloud', baseUrl: blnk.url, instanceId: blnk.instanceId, readKey: async () => 'no_ledgers' },
    });
    const chosen = await choose('indicators', { mirrorIdsFound: [ONE] }, blind);
    expect(chosen).toEqual({
      mirrorId: ONE,
      notLookedUp: expect.stringContaining('lacks the permission data:read'),
    });
    await expect(choose('ledger', { mirrorIdsFound: [ONE] }, blind)).rejects.toMatchObject({
      code: 'blnk_scope_missing',
    });
    await blind.close();
  });
});
